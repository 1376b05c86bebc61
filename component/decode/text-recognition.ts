import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, outputMismatch, pickOutput, shapeInvalid } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'text-recognition' }>;

const DECODER = 'text-recognition';
const EXPECTED = '[1, T, C]';
/** The class that stands for no character; PaddleOCR has it first. */
const BLANK = 0;

/**
 * CTC recognisers as PaddleOCR exports them: one output [1, T, C], for each of T steps along the line
 * a score 0–1 for the blank (class 0), for each character of `labels` and, when C is the number of
 * labels + 2, for the space behind them.
 *
 * Greedy (A. Graves et al. 2006, best path): the best class of each step, the first of equal ones;
 * repetitions become one, then blanks go. The score is the mean of the best scores of the steps that
 * gave a character; a line without one, or below the threshold, is none.
 */
export class TextRecognition implements Decoder {
  readonly #settings: Settings;
  readonly #characters: readonly string[];
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#characters = model.labels;
    const output = pickOutput(
      { decoder: DECODER, name: settings.output, expected: EXPECTED, canBe },
      declarations,
    );
    this.#output = output.name;
    if (model.labels.length === 0) {
      throw outputMismatch(
        DECODER,
        'labels are missing: a text file with one character a line, in the order of the training',
        declarations,
      );
    }
    const classes = output.shape[2];
    if (typeof classes === 'number' && !this.#fits(classes)) {
      throw outputMismatch(DECODER, this.#misfit(classes), declarations);
    }
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const { shape } = tensor;
    const [, steps = 0, classes = 0] = shape;
    if (shape.length !== 3 || shape[0] !== 1 || !this.#fits(classes)) {
      throw shapeInvalid(tensor, `${EXPECTED}; ${this.#misfit(classes)}`);
    }
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const read = this.#read(values, steps, classes);
    const threshold = context.thresholds.score ?? this.#settings.scoreThreshold;
    const isLeftOut = read.text === '' || read.score < threshold;
    return { findings: { text: isLeftOut ? [] : [read] } };
  }

  #read(values: Float32Array, steps: number, classes: number): { text: string; score: number } {
    let text = '';
    let kept = 0;
    let sum = 0;
    let previous = BLANK;
    for (let step = 0; step < steps; step += 1) {
      const at = step * classes;
      let best = 0;
      for (let index = 1; index < classes; index += 1) {
        if (values[at + index]! > values[at + best]!) best = index;
      }
      if (best !== BLANK && best !== previous) {
        text += this.#characters[best - 1] ?? ' ';
        sum += requireScore(values[at + best]!, this.#output);
        kept += 1;
      }
      previous = best;
    }
    return { text, score: kept === 0 ? 0 : requireScore(sum / kept, this.#output) };
  }

  #fits(classes: number): boolean {
    const { length } = this.#characters;
    return classes === length + 1 || classes === length + 2;
  }

  #misfit(classes: number): string {
    const { length } = this.#characters;
    return `there are ${classes} scores for a step, expected ${length + 1} or ${length + 2}: the blank, ${length} labels and perhaps the space`;
  }
}

const canBe = (shape: TensorDeclaration['shape']): boolean =>
  shape.length === 3 && mayBe(shape[0], 1);
