import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { cornersOf } from './box-format.ts';
import type { BoxFormat } from './box-format.ts';
import type { DecodeContext, DecoderModel } from './decoder.ts';
import { requireLabelIndex } from './end-to-end-rows.ts';
import { numericValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, outputMismatch, shapeInvalid } from './pick-output.ts';
import { requireParts } from './rt-detr.ts';
import { lowestThreshold, thresholdOf } from './score-threshold.ts';

/** What the decoders of boxes, labels and scores are told alike. */
export interface LabelledSettings {
  readonly decoder: ModelOutput['decoder'];
  readonly boxes?: string | undefined;
  readonly labels?: string | undefined;
  readonly scores?: string | undefined;
  readonly count?: string | undefined;
  readonly boxFormat: BoxFormat;
  readonly boxUnits: 'pixels' | 'fraction';
  readonly firstLabel: number;
  readonly scoreThreshold: number;
}

export interface LabelledRow {
  /** Its place in the outputs. */
  readonly row: number;
  readonly label: string;
  readonly labelIndex: number;
  readonly score: number;
  /** x1, y1, x2, y2 in pixels of the input. */
  readonly corners: readonly [number, number, number, number];
}

/**
 * Detections that a graph gives in outputs of their own: boxes [N, 4] or [1, N, 4], labels [N] or
 * [1, N] as any numbers, scores of the same shape (0–1), and where present how many of the N rows
 * count. Nothing is suppressed here, since the graph has done it.
 */
export class LabelledRows {
  readonly outputNames: readonly string[];
  readonly #settings: LabelledSettings;
  readonly #model: DecoderModel;
  readonly #names: ReturnType<typeof pickLabelled>;

  /** @throws VedetteError MODEL_MISMATCH when the graph has no such outputs */
  constructor(
    settings: LabelledSettings,
    declarations: readonly TensorDeclaration[],
    model: DecoderModel,
  ) {
    this.#settings = settings;
    this.#model = model;
    this.#names = pickLabelled(settings, declarations);
    const { boxes, labels, scores, count } = this.#names;
    this.outputNames = [boxes, labels, scores, ...(count === undefined ? [] : [count])];
  }

  /**
   * Rows that reach the threshold of their label, best first, equal ones in the order of the output.
   * @throws VedetteError OUTPUT_INVALID for NaN, infinite values, scores and labels that are none, and
   * shapes that do not fit together
   */
  read(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): LabelledRow[] {
    const { boxFormat, firstLabel, scoreThreshold } = this.#settings;
    const boxTensor = requireOutput(outputs, this.#names.boxes);
    const total = rowsOf(boxTensor);
    const boxes = finite(boxTensor);
    const scores = this.#column(outputs, this.#names.scores, total);
    const labels = this.#column(outputs, this.#names.labels, total);
    const count = this.#count(outputs, total);
    const lowest = lowestThreshold(context, scoreThreshold);
    const rows: LabelledRow[] = [];
    for (let row = 0; row < count; row += 1) {
      if (scores[row]! < lowest) continue;
      const score = requireScore(scores[row]!, this.#names.scores);
      // What stands before the first label is the background.
      if (labels[row]! < firstLabel) continue;
      const labelIndex = requireLabelIndex(labels[row]! - firstLabel, this.#model.labels.length, {
        output: this.#names.labels,
        row,
      });
      const label = this.#model.labels[labelIndex] ?? String(labelIndex);
      if (score < thresholdOf(label, context, scoreThreshold)) continue;
      const corners = this.#inPixels(cornersOf(boxes, row * 4, boxFormat));
      rows.push({ row, label, labelIndex, score, corners });
    }
    return rows.sort((a, b) => b.score - a.score || a.row - b.row);
  }

  #inPixels(corners: [number, number, number, number]): LabelledRow['corners'] {
    if (this.#settings.boxUnits === 'pixels') return corners;
    const { width, height } = this.#model.spec;
    const [x1, y1, x2, y2] = requireParts(corners, this.#names.boxes);
    return [x1 * width, y1 * height, x2 * width, y2 * height];
  }

  #column(
    outputs: ReadonlyMap<string, TensorValue>,
    name: string,
    total: number,
  ): ArrayLike<number> {
    const tensor = requireOutput(outputs, name);
    const { shape } = tensor;
    const isFitting = shape.at(-1) === total && (shape.length === 1 || isSingle(shape, 2));
    if (!isFitting) throw shapeInvalid(tensor, `[${total}] or [1, ${total}], one for each box`);
    return finite(tensor);
  }

  #count(outputs: ReadonlyMap<string, TensorValue>, total: number): number {
    const { count: name } = this.#names;
    if (name === undefined) return total;
    const tensor = requireOutput(outputs, name);
    const values = finite(tensor);
    const count = values[0]!;
    if (values.length === 1 && Number.isInteger(count) && count >= 0 && count <= total) {
      return count;
    }
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${name}' [${tensor.shape.join(', ')}] says ${count} detections, expected one whole number from 0 to ${total}`,
      { details: { output: name, count, rows: total } },
    );
  }
}

const isSingle = (shape: readonly number[], rank: number): boolean =>
  shape.length === rank && shape[0] === 1;

function rowsOf(tensor: TensorValue): number {
  const { shape } = tensor;
  const isFitting = shape.at(-1) === 4 && (shape.length === 2 || isSingle(shape, 3));
  if (!isFitting) throw shapeInvalid(tensor, '[N, 4] or [1, N, 4]');
  return shape.at(-2)!;
}

function finite(tensor: TensorValue): ArrayLike<number> {
  const values = numericValues(tensor);
  requireFinite(tensor, values);
  return values;
}

/** Names that public exporters give: torchvision, RT-DETR and D-FINE, TensorFlow, ONNX' model zoo. */
const NAMES = {
  boxes: ['boxes', 'bboxes', 'detection_boxes', 'det_boxes'],
  labels: ['labels', 'classes', 'detection_classes', 'det_classes'],
  scores: ['scores', 'detection_scores', 'det_scores'],
  count: ['num_detections', 'num_dets'],
} as const;

/** By the names that are set, else by usual ones, else by types and shapes where those are enough. */
export function pickLabelled(
  settings: Pick<LabelledSettings, 'decoder' | keyof typeof NAMES>,
  declarations: readonly TensorDeclaration[],
): { boxes: string; labels: string; scores: string; count: string | undefined } {
  const { decoder } = settings;
  const pick = (
    part: keyof typeof NAMES,
    canBe: (one: TensorDeclaration) => boolean,
  ): string | undefined => {
    const wanted = settings[part];
    if (wanted !== undefined) {
      const named = declarations.find(({ name }) => name === wanted);
      if (named && canBe(named)) return wanted;
      const problem = named ? `'${wanted}' cannot be ${part}` : `there is no output '${wanted}'`;
      throw outputMismatch(decoder, problem, declarations);
    }
    const fitting = declarations.filter(canBe);
    const usual = fitting.find(({ name }) => (NAMES[part] as readonly string[]).includes(name));
    return usual?.name ?? (fitting.length === 1 ? fitting[0]!.name : undefined);
  };
  const boxes = pick('boxes', canBeBoxes);
  const labels = pick(
    'labels',
    (one) =>
      canBeColumn(one) && (settings.labels === one.name || isUsual('labels', one) || !isFloat(one)),
  );
  const scores = pick('scores', (one) => canBeColumn(one) && isFloat(one) && one.name !== labels);
  const count = pick('count', (one) => settings.count === one.name || isUsual('count', one));
  if (boxes !== undefined && labels !== undefined && scores !== undefined) {
    return { boxes, labels, scores, count };
  }
  throw outputMismatch(
    decoder,
    'expected float boxes [N, 4], labels [N] and float scores [N] (a batch of 1 before them is allowed), named in output.boxes, output.labels and output.scores where they cannot be told apart',
    declarations,
  );
}

const isFloat = ({ dtype }: TensorDeclaration): boolean => dtype.startsWith('float');

const isUsual = (part: keyof typeof NAMES, { name }: TensorDeclaration): boolean =>
  (NAMES[part] as readonly string[]).includes(name);

function canBeBoxes({ dtype, shape }: TensorDeclaration): boolean {
  if (!dtype.startsWith('float')) return false;
  if (shape.length === 0) return true;
  const hasRank = shape.length === 2 || (shape.length === 3 && mayBe(shape[0], 1));
  return hasRank && mayBe(shape.at(-1), 4);
}

function canBeColumn({ dtype, shape }: TensorDeclaration): boolean {
  if (dtype === 'string') return false;
  return shape.length <= 1 || (shape.length === 2 && mayBe(shape[0], 1));
}
