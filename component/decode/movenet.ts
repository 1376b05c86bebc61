import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Pose } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { keypointNames, requireKeypointLabels } from './keypoints.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { sourcePoint } from './picture-area.ts';
import { mayBe, pickOutput, shapeInvalid } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'movenet' }>;

const DECODER = 'movenet';
const EXPECTED = '[1, 1, K, 3]';
const COLUMNS = 3;

/**
 * MoveNet SinglePose and models with its layout: one output [1, 1, K, 3], for each keypoint y and x
 * as a part 0–1 of the input's height and width, and score 0–1. One person at most: the pose's score
 * is the mean of its keypoints' scores, and a pose below the threshold is none.
 */
export class MoveNetDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const wanted = { decoder: DECODER, name: settings.output, expected: EXPECTED, canBe } as const;
    const output = pickOutput(wanted, declarations);
    this.#output = output.name;
    requireKeypointLabels(DECODER, output.shape[2], model.labels, output.name, declarations);
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const { shape } = tensor;
    if (shape.length !== 4 || shape[0] !== 1 || shape[1] !== 1 || shape[3] !== COLUMNS) {
      throw shapeInvalid(tensor, EXPECTED);
    }
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const pose = this.#pose(values, context);
    const threshold = context.thresholds.score ?? this.#settings.scoreThreshold;
    return { findings: { poses: pose.score < threshold ? [] : [pose] } };
  }

  #pose(values: Float32Array, context: DecodeContext): Pose {
    const { spec, labels } = this.#model;
    const names = keypointNames(labels, values.length / COLUMNS);
    let sum = 0;
    const keypoints = names.map((name, index) => {
      const [y, x, raw] = values.subarray(index * COLUMNS, (index + 1) * COLUMNS);
      const point = sourcePoint({ x: x! * spec.width, y: y! * spec.height }, context);
      const score = requireScore(raw!, this.#output);
      sum += score;
      return { name, ...point, score };
    });
    const score = keypoints.length === 0 ? 0 : sum / keypoints.length;
    return { score: requireScore(score, this.#output), keypoints };
  }
}

const canBe = (shape: TensorDeclaration['shape']): boolean =>
  shape.length === 4 && mayBe(shape[0], 1) && mayBe(shape[1], 1) && mayBe(shape[3], COLUMNS);
