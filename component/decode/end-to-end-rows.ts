import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, pickOutput, shapeInvalid } from './pick-output.ts';
import { lowestThreshold, thresholdOf } from './score-threshold.ts';

type Dimensions = TensorDeclaration['shape'];

/** Four values of the box, score, class index. */
export const BOX_COLUMNS = 6;

/** What the decoders of such rows are told alike. */
export interface RowSettings {
  readonly decoder: ModelOutput['decoder'];
  readonly output?: string | undefined;
  readonly scoreThreshold: number;
}

/** A row whose score reaches the threshold of its label. */
export interface EndToEndRow {
  readonly label: string;
  readonly labelIndex: number;
  readonly score: number;
  /** Four values of the box. */
  readonly box: Float32Array;
  /** What stands behind the class index. */
  readonly extras: Float32Array;
}

/**
 * Models that end in detections: one output [N, columns] or [1, N, columns] of any numbers, each row
 * four values of a box, score 0–1, class index, and what belongs to the family behind. Rows need no
 * order; nothing is suppressed here, since the graph has done it.
 */
export class EndToEndRows {
  readonly name: string;
  readonly #settings: RowSettings;
  readonly #model: DecoderModel;
  readonly #isWidth: (columns: number) => boolean;
  readonly #expected: string;

  /**
   * @param isWidth whether a row can have so many columns, `expected` in words
   * @throws VedetteError MODEL_MISMATCH when no output can hold such rows
   */
  constructor(
    settings: RowSettings,
    declarations: readonly TensorDeclaration[],
    model: DecoderModel,
    { isWidth, expected }: { isWidth: (columns: number) => boolean; expected: string },
  ) {
    this.#settings = settings;
    this.#model = model;
    this.#isWidth = isWidth;
    this.#expected = `[N, ${expected}] or [1, N, ${expected}]`;
    const { decoder, output } = settings;
    const canBe = (shape: Dimensions) => this.#canBe(shape);
    const wanted = { decoder, name: output, expected: this.#expected, canBe };
    this.name = pickOutput(wanted, declarations).name;
  }

  /**
   * Rows that reach the threshold of their label, best first; rows that only fill up the tensor lie
   * below it.
   * @throws VedetteError OUTPUT_INVALID for NaN, infinite values, scores and class indices that are
   * none, and other shapes
   */
  read(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): EndToEndRow[] {
    const tensor = requireOutput(outputs, this.name);
    const { shape } = tensor;
    if (shape.length < 2 || !this.#canBe(shape)) throw shapeInvalid(tensor, this.#expected);
    const columns = shape.at(-1)!;
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const rows: EndToEndRow[] = [];
    for (let start = 0; start < values.length; start += columns) {
      const row = this.#row(values.subarray(start, start + columns), start / columns, context);
      if (row) rows.push(row);
    }
    return rows.sort((a, b) => b.score - a.score);
  }

  #canBe(shape: Dimensions): boolean {
    const columns = shape.at(-1);
    const hasRank = shape.length === 2 || (shape.length === 3 && mayBe(shape[0], 1));
    return hasRank && (typeof columns !== 'number' || this.#isWidth(columns));
  }

  #row(values: Float32Array, row: number, context: DecodeContext): EndToEndRow | undefined {
    const { scoreThreshold } = this.#settings;
    const raw = values[4]!;
    if (raw < lowestThreshold(context, scoreThreshold)) return undefined;
    const score = requireScore(raw, this.name);
    const labelIndex = requireLabelIndex(values[5]!, this.#model.labels.length, {
      output: this.name,
      row,
    });
    const label = this.#model.labels[labelIndex] ?? String(labelIndex);
    if (score < thresholdOf(label, context, scoreThreshold)) return undefined;
    const extras = values.subarray(BOX_COLUMNS);
    return { label, labelIndex, score, box: values.subarray(0, 4), extras };
  }
}

/**
 * A class index that came as a number.
 * @param labelCount 0 when the model has no labels: then every whole number from 0 is one
 * @throws VedetteError OUTPUT_INVALID
 */
export function requireLabelIndex(
  value: number,
  labelCount: number,
  place: { readonly output: string; readonly row: number },
): number {
  const index = Math.round(value);
  const isInRange = index >= 0 && (labelCount === 0 || index < labelCount);
  if (isInRange && Math.abs(value - index) < 1e-3) return index;
  const expected =
    labelCount === 0 ? 'a whole number from 0' : `a whole number from 0 to ${labelCount - 1}`;
  throw new VedetteError(
    'OUTPUT_INVALID',
    `output '${place.output}' row ${place.row} has class index ${value}, expected ${expected} (${labelCount} labels)`,
    { details: { ...place, labelIndex: value, labels: labelCount } },
  );
}
