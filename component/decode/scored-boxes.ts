import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { sigmoid } from './activation.ts';
import { cornersOf } from './box-format.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, outputMismatch, shapeInvalid } from './pick-output.ts';
import { sourceBox } from './picture-area.ts';
import { requireParts } from './rt-detr.ts';
import { lowestThreshold, thresholdOf } from './score-threshold.ts';
import { suppressOverlaps } from './suppress-overlaps.ts';
import type { ScoredBox } from './suppress-overlaps.ts';

type Settings = Extract<ModelOutput, { decoder: 'scored-boxes' }>;
type Dimensions = TensorDeclaration['shape'];

const BOXES = '[1, N, 4] (or [1, N, 1, 4])';

/**
 * SSD and models with its two outputs: boxes [1, N, 4] of N priors, and for each a score for each
 * class [1, N, C], with the duplicates still in. Every pair of a box and a class that reaches its
 * threshold is a candidate (Liu et al. 2016, «SSD»); overlapping boxes are suppressed here.
 */
export class ScoredBoxes implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #boxes: string;
  readonly #scores: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { decoder } = settings;
    const [boxes, scores] = pickOutputs(settings, declarations);
    const classes = scores.shape.at(-1);
    if (typeof classes === 'number' && model.labels.length > classes) {
      throw outputMismatch(
        decoder,
        `there are ${model.labels.length} labels for the ${classes} classes of '${scores.name}'`,
        declarations,
      );
    }
    this.#settings = settings;
    this.#model = model;
    this.#boxes = boxes.name;
    this.#scores = scores.name;
  }

  outputNames(): readonly string[] {
    return [this.#boxes, this.#scores];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const boxTensor = requireOutput(outputs, this.#boxes);
    const scoreTensor = requireOutput(outputs, this.#scores);
    const count = boxCount(boxTensor);
    const [batch, rows, classes] = scoreTensor.shape;
    const isFitting = scoreTensor.shape.length === 3 && batch === 1 && rows === count && classes;
    if (!isFitting) throw shapeInvalid(scoreTensor, `[1, ${count}, C], one row for each box`);
    const boxes = floatValues(boxTensor);
    const scores = floatValues(scoreTensor);
    requireFinite(boxTensor, boxes);
    requireFinite(scoreTensor, scores);
    const { iouThreshold, maxDetections, suppression } = this.#settings;
    const candidates = this.#candidates(boxes, scores, classes, context);
    const kept = suppressOverlaps(candidates, {
      iouThreshold,
      isAgnostic: suppression === 'agnostic',
      limit: maxDetections,
      output: this.#boxes,
    });
    const detections = kept.flatMap(({ labelIndex, score, corners }) => {
      const box = sourceBox(corners, context);
      if (!box) return [];
      const label = this.#model.labels[labelIndex] ?? String(labelIndex);
      return [{ label, labelIndex, score: requireScore(score, this.#scores), box }];
    });
    return { findings: { detections } };
  }

  #candidates(
    boxes: Float32Array,
    scores: Float32Array,
    classes: number,
    context: DecodeContext,
  ): ScoredBox[] {
    const { activation, backgroundClass, scoreThreshold } = this.#settings;
    const lowest = lowestThreshold(context, scoreThreshold);
    const thresholds = Array.from({ length: classes }, (_, index) =>
      thresholdOf(this.#model.labels[index] ?? String(index), context, scoreThreshold),
    );
    const scoreOf = SCORES[activation];
    const candidates: ScoredBox[] = [];
    for (let start = 0; start < scores.length; start += classes) {
      const row = scores.subarray(start, start + classes);
      const most = activation === 'softmax' ? greatest(row) : 0;
      const whole = activation === 'softmax' ? softmaxSum(row, most) : 1;
      let corners: readonly [number, number, number, number] | undefined;
      for (let labelIndex = 0; labelIndex < classes; labelIndex += 1) {
        if (labelIndex === backgroundClass) continue;
        const score = scoreOf(row[labelIndex]! - most, whole);
        if (score < lowest || score < thresholds[labelIndex]!) continue;
        requireScore(score, this.#scores);
        corners ??= this.#corners(boxes, (start / classes) * 4);
        candidates.push({ labelIndex, score, corners });
      }
    }
    return candidates;
  }

  #corners(boxes: Float32Array, start: number): readonly [number, number, number, number] {
    const { boxFormat, boxUnits } = this.#settings;
    const corners = cornersOf(boxes, start, boxFormat);
    if (boxUnits === 'pixels') return corners;
    const { width, height } = this.#model.spec;
    const [x1, y1, x2, y2] = requireParts(corners, this.#boxes);
    return [x1 * width, y1 * height, x2 * width, y2 * height];
  }
}

/** A score of a value; for a softmax of its distance from the row's greatest, and the sum of powers. */
const SCORES: Readonly<Record<Settings['activation'], (value: number, sum: number) => number>> = {
  none: (value) => value,
  sigmoid,
  softmax: (value, sum) => Math.exp(value) / sum,
};

/** Powers of distances from the greatest value do not overflow. */
function softmaxSum(row: Float32Array, most: number): number {
  let sum = 0;
  for (const value of row) sum += Math.exp(value - most);
  return sum;
}

function greatest(row: Float32Array): number {
  let most = -Infinity;
  for (const value of row) if (value > most) most = value;
  return most;
}

function boxCount(tensor: TensorValue): number {
  const { shape } = tensor;
  const isFitting =
    shape[0] === 1 &&
    shape.at(-1) === 4 &&
    (shape.length === 3 || (shape.length === 4 && shape[2] === 1));
  if (!isFitting) throw shapeInvalid(tensor, BOXES);
  return shape[1]!;
}

/** Those that are named, else told apart by their last dimension. */
function pickOutputs(
  { decoder, boxes, scores }: Settings,
  declarations: readonly TensorDeclaration[],
): readonly [TensorDeclaration, TensorDeclaration] {
  const only = (
    name: string | undefined,
    canBe: (one: TensorDeclaration) => boolean,
    usual: readonly string[],
  ) => {
    const fitting = declarations.filter(
      (one) =>
        one.dtype.startsWith('float') && (name === undefined || one.name === name) && canBe(one),
    );
    return fitting.length === 1 ? fitting[0] : fitting.find((one) => usual.includes(one.name));
  };
  const boxOutput = only(boxes, ({ shape }) => canBeBoxes(shape), ['boxes', 'bboxes']);
  const scoreOutput = only(scores, (one) => one !== boxOutput && canBeRows(one.shape), [
    'scores',
    'confidences',
    'confs',
  ]);
  if (boxOutput && scoreOutput) return [boxOutput, scoreOutput];
  throw outputMismatch(
    decoder,
    `expected float boxes ${BOXES} and scores [1, N, C], named in output.boxes and output.scores where they cannot be told apart`,
    declarations,
  );
}

const canBeRows = (shape: Dimensions): boolean =>
  shape.length === 0 || (shape.length === 3 && mayBe(shape[0], 1));

const canBeBoxes = (shape: Dimensions): boolean =>
  shape.length === 0 ||
  (mayBe(shape[0], 1) &&
    mayBe(shape.at(-1), 4) &&
    (shape.length === 3 || (shape.length === 4 && mayBe(shape[2], 1))));
