import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { numericValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, pickOutput, shapeInvalid } from './pick-output.ts';
import { sourceBox } from './picture-area.ts';
import { lowestThreshold, thresholdOf } from './score-threshold.ts';

type Settings = Extract<ModelOutput, { decoder: 'end-to-end-detections' }>;

const COLUMNS = 6;
const EXPECTED = '[N, 6] or [1, N, 6]';

/**
 * Models that end in detections: one output [N, 6] or [1, N, 6] of any float type, each row x1, y1,
 * x2, y2 in input pixels, score 0–1, class index. Rows need no order; there is no suppression of
 * overlapping boxes here, since the graph has done it.
 */
export class EndToEndDetections implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const { decoder, output } = settings;
    const wanted = { decoder, name: output, expected: EXPECTED, canBe: canBeRows };
    this.#output = pickOutput(wanted, declarations).name;
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    requireRows(tensor);
    const values = numericValues(tensor);
    requireFinite(tensor, values);
    const detections: Detection[] = [];
    for (let row = 0; row < values.length; row += COLUMNS) {
      const detection = this.#detection(values, row, context);
      if (detection) detections.push(detection);
    }
    detections.sort((a, b) => b.score - a.score);
    return { findings: { detections: detections.slice(0, this.#settings.maxDetections) } };
  }

  /** `undefined` for rows below the threshold (rows that only fill up the tensor among them). */
  #detection(
    values: ArrayLike<number>,
    row: number,
    context: DecodeContext,
  ): Detection | undefined {
    const { scoreThreshold } = this.#settings;
    const raw = values[row + 4]!;
    if (raw < lowestThreshold(context, scoreThreshold)) return undefined;
    const score = requireScore(raw, this.#output);
    const labelIndex = this.#labelIndex(values[row + 5]!, row / COLUMNS);
    const label = this.#model.labels[labelIndex] ?? String(labelIndex);
    if (score < thresholdOf(label, context, scoreThreshold)) return undefined;
    const corners = [values[row]!, values[row + 1]!, values[row + 2]!, values[row + 3]!];
    const box = sourceBox(corners, context);
    return box && { label, labelIndex, score, box };
  }

  #labelIndex(value: number, row: number): number {
    const index = Math.round(value);
    const { length } = this.#model.labels;
    const isInRange = index >= 0 && (length === 0 || index < length);
    if (isInRange && Math.abs(value - index) < 1e-3) return index;
    const expected =
      length === 0 ? 'a whole number from 0' : `a whole number from 0 to ${length - 1}`;
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${this.#output}' row ${row} has class index ${value}, expected ${expected} (${length} labels)`,
      { details: { output: this.#output, row, labelIndex: value, labels: length } },
    );
  }
}

function canBeRows(shape: TensorDeclaration['shape']): boolean {
  const hasRank = shape.length === 2 || (shape.length === 3 && mayBe(shape[0], 1));
  return hasRank && mayBe(shape.at(-1), COLUMNS);
}

function requireRows(tensor: TensorValue): void {
  const { shape } = tensor;
  const isFitting =
    shape.at(-1) === COLUMNS && (shape.length === 2 || (shape.length === 3 && shape[0] === 1));
  if (!isFitting) throw shapeInvalid(tensor, EXPECTED);
}
