import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { Decoded, Decoder } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, pickOutput, shapeInvalid } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'text-direction' }>;

const DECODER = 'text-direction';
const EXPECTED = '[1, 2]';

/** What a line of text is turned by: clockwise degrees from upright. */
export const DIRECTIONS = ['0', '180'] as const;

/**
 * PaddleOCR's direction classifier: one output [1, 2], scores 0–1 of a line that stands upright and of
 * one that stands upside down. Both are given as classes `0` and `180`, the likelier first.
 */
export class TextDirection implements Decoder {
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[]) {
    this.#output = pickOutput(
      { decoder: DECODER, name: settings.output, expected: EXPECTED, canBe },
      declarations,
    ).name;
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    if (tensor.shape.length !== 2 || tensor.shape[0] !== 1 || tensor.shape[1] !== 2) {
      throw shapeInvalid(tensor, EXPECTED);
    }
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const classes = DIRECTIONS.map((label, labelIndex) => ({
      label,
      labelIndex,
      score: requireScore(values[labelIndex]!, this.#output),
    }));
    return { findings: { classes: classes.sort((a, b) => b.score - a.score) } };
  }
}

const canBe = (shape: TensorDeclaration['shape']): boolean =>
  shape.length === 2 && mayBe(shape[0], 1) && mayBe(shape[1], 2);
