import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Classification } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { sigmoid, softmax } from './activation.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, outputMismatch, pickOutput, shapeInvalid } from './pick-output.ts';
import { lowestThreshold, thresholdOf } from './score-threshold.ts';

type Settings = Extract<ModelOutput, { decoder: 'classification' }>;

const DECODER = 'classification';
const EXPECTED = '[1, C] (further dimensions of 1 are allowed)';

/**
 * Models that say what a picture shows: one output of C values, [1, C], [C] or [1, C, 1, 1].
 * `activation` makes scores 0–1 of them: `softmax` for logits of which one class is right, `sigmoid`
 * for logits of classes that may be right together, `none` for values that are scores already.
 * Classes come best first, equal scores by class index.
 */
export class ClassificationDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #labels: readonly string[];
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#labels = model.labels;
    const output = pickOutput(
      {
        decoder: DECODER,
        name: settings.output,
        expected: EXPECTED,
        canBe: (shape) => shape.filter((dimension) => !mayBe(dimension, 1)).length <= 1,
      },
      declarations,
    );
    this.#output = output.name;
    const count = declaredCount(output);
    if (count === undefined) return;
    if (this.#labels.length > 0 && this.#labels.length !== count) {
      throw outputMismatch(
        DECODER,
        `'${output.name}' has ${count} values, there are ${this.#labels.length} labels`,
        declarations,
      );
    }
    if (count === 1 && (settings.activation ?? 'softmax') === 'softmax') {
      throw outputMismatch(
        DECODER,
        `a softmax over one value is always 1; set output.activation to 'sigmoid' or 'none'`,
        declarations,
      );
    }
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    if (tensor.shape.filter((dimension) => dimension !== 1).length > 1) {
      throw shapeInvalid(tensor, EXPECTED);
    }
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    this.#requireCount(values.length);
    const scores = this.#scores(values);
    const classes: Classification[] = [];
    const lowest = lowestThreshold(context, this.#settings.scoreThreshold);
    for (let labelIndex = 0; labelIndex < scores.length; labelIndex += 1) {
      if (scores[labelIndex]! < lowest) continue;
      const label = this.#labels[labelIndex] ?? String(labelIndex);
      const score = requireScore(scores[labelIndex]!, this.#output);
      if (score < thresholdOf(label, context, this.#settings.scoreThreshold)) continue;
      classes.push({ label, labelIndex, score });
    }
    classes.sort((a, b) => b.score - a.score || a.labelIndex - b.labelIndex);
    return { findings: { classes: classes.slice(0, this.#settings.maxClasses) } };
  }

  #scores(values: Float32Array): Float32Array | Float64Array {
    const activation = this.#settings.activation ?? 'softmax';
    if (activation === 'softmax') return softmax(values);
    if (activation === 'sigmoid') return Float64Array.from(values, sigmoid);
    const negative = values.findIndex((value) => value < -0.01);
    if (negative >= 0) requireScore(values[negative]!, this.#output);
    return values;
  }

  #requireCount(count: number): void {
    const { length } = this.#labels;
    if (length === 0 || count === length) return;
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${this.#output}' holds ${count} values, expected ${length}, one for each label`,
      { details: { output: this.#output, values: count, labels: length } },
    );
  }
}

/** Number of classes, where the graph declares it. The first of several dimensions is the batch. */
function declaredCount({ shape }: TensorDeclaration): number | undefined {
  const own = shape.length > 1 ? shape.slice(1) : shape;
  if (own.length === 0 || own.some((dimension) => typeof dimension !== 'number')) return undefined;
  return (own as readonly number[]).reduce((product, dimension) => product * dimension, 1);
}
