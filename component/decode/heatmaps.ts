import { VedetteError } from '../contract/errors.ts';
import type { Point } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Pose } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { sigmoid } from './activation.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { keypointNames, requireKeypointLabels } from './keypoints.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { sourcePoint } from './picture-area.ts';
import { mayBe, pickOutput, shapeInvalid } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'heatmaps' }>;

const DECODER = 'heatmaps';
const EXPECTED = '[1, K, H, W]';
/** Regressed maps overshoot 0–1; what lies beyond is no such map. */
const OVERSHOOT = 0.5;

/**
 * Keypoints from heat maps: one output [1, K, H, W] over the whole input, one map for each keypoint,
 * as HRNet, SimpleBaseline and ViTPose give them. A keypoint lies at the greatest value of its map (the
 * first of equal ones), a quarter of a cell towards its greater neighbour across and down, and its
 * score is that value. Cell i of a map stands for the input pixel i × input / map (HRNet,
 * `get_final_preds`). One pose at most: its score is the mean of its keypoints' scores.
 */
export class HeatmapDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const wanted = { decoder: DECODER, name: settings.output, expected: EXPECTED, canBe } as const;
    const output = pickOutput(wanted, declarations);
    this.#output = output.name;
    requireKeypointLabels(DECODER, output.shape[1], model.labels, output.name, declarations);
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const [batch, count, height, width] = tensor.shape;
    const isFitting = tensor.shape.length === 4 && batch === 1 && count && height && width;
    if (!isFitting) throw shapeInvalid(tensor, EXPECTED);
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const { spec, labels } = this.#model;
    const cells = width * height;
    let sum = 0;
    const keypoints: Pose['keypoints'] = keypointNames(labels, count).map((name, index) => {
      const map = values.subarray(index * cells, (index + 1) * cells);
      const found = peakOf(map, width, height);
      const score = this.#score(found.value);
      sum += score;
      const x = (found.x * spec.width) / width;
      const y = (found.y * spec.height) / height;
      return { name, ...sourcePoint({ x, y }, context), score };
    });
    const score = requireScore(sum / count, this.#output);
    const threshold = context.thresholds.score ?? this.#settings.scoreThreshold;
    return { findings: { poses: score < threshold ? [] : [{ score, keypoints }] } };
  }

  #score(value: number): number {
    const score = this.#settings.activation === 'sigmoid' ? sigmoid(value) : value;
    if (score >= -OVERSHOOT && score <= 1 + OVERSHOOT) {
      return requireScore(Math.min(1, Math.max(0, score)), this.#output);
    }
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${this.#output}' has the greatest value ${score} in a map, expected 0 to 1: set output.activation to 'sigmoid' if the maps are logits`,
      { details: { output: this.#output, value: score } },
    );
  }
}

function peakOf(map: Float32Array, width: number, height: number): Point & { value: number } {
  let place = 0;
  for (let index = 1; index < map.length; index += 1) if (map[index]! > map[place]!) place = index;
  const [column, row] = [place % width, Math.floor(place / width)];
  // As HRNet has it: no cell at the edge is moved, whichever edge it is.
  const isInside = column > 1 && column < width - 1 && row > 1 && row < height - 1;
  const across = isInside ? Math.sign(map[place + 1]! - map[place - 1]!) / 4 : 0;
  const down = isInside ? Math.sign(map[place + width]! - map[place - width]!) / 4 : 0;
  return { x: column + across, y: row + down, value: map[place]! };
}

const canBe = (shape: TensorDeclaration['shape']): boolean =>
  shape.length === 4 && mayBe(shape[0], 1);
