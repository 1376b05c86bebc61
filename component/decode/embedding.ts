import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Classification } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { bestCosines, unitVector } from './enrolled-vectors.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, outputMismatch, pickOutput, shapeInvalid } from './pick-output.ts';
import { thresholdOf } from './score-threshold.ts';

type Settings = Extract<ModelOutput, { decoder: 'embedding' }>;
type Dimensions = TensorDeclaration['shape'];

const DECODER = 'embedding';
/** Results stay small; larger ones are had from the Open Inference Protocol. */
const MAX_DIMENSIONS = 4096;

const EXPECTED: Readonly<Record<Settings['pooling'], string>> = {
  none: '[1, D] (further dimensions of 1 are allowed)',
  mean: '[1, D, H, W] or [1, T, D]',
  first: '[1, T, D]',
};

/**
 * Models that make a vector of a picture: [1, D], or by `pooling` the mean over places [1, D, H, W] or
 * over tokens [1, T, D], or the first token. The vector is divided by its length; its classes are the
 * enrolled labels whose nearest vector has a cosine of at least the threshold, best first. None is
 * unknown.
 */
export class EmbeddingDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const expected = EXPECTED[settings.pooling];
    const canBe = (shape: Dimensions) => dimensionOf(shape, settings.pooling) !== undefined;
    const wanted = { decoder: DECODER, name: settings.output, expected, canBe } as const;
    const output = pickOutput(wanted, declarations);
    this.#output = output.name;
    const declared = dimensionOf(output.shape, settings.pooling);
    const enrolled = model.enrolled?.dimensions;
    if (typeof declared === 'number' && enrolled !== undefined && enrolled !== declared) {
      throw outputMismatch(
        DECODER,
        `'${output.name}' makes vectors of ${declared} values, the enrolled ones have ${enrolled}`,
        declarations,
      );
    }
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const { pooling, includeVector } = this.#settings;
    const dimension = dimensionOf(tensor.shape, pooling);
    if (typeof dimension !== 'number') throw shapeInvalid(tensor, EXPECTED[pooling]);
    if (dimension > MAX_DIMENSIONS) {
      throw shapeInvalid(tensor, `at most ${MAX_DIMENSIONS} values in a vector`);
    }
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const unit = unitVector(pool(values, tensor.shape, dimension, pooling));
    if (!unit) {
      throw new VedetteError(
        'OUTPUT_INVALID',
        `output '${this.#output}' is a vector of zeros, which has no direction`,
        { details: { output: this.#output } },
      );
    }
    const { enrolled } = this.#model;
    const isShown = includeVector ?? enrolled === undefined;
    const embedding = isShown
      ? Array.from(unit, (value) => Math.round(value * 1e6) / 1e6)
      : undefined;
    return {
      findings: {
        ...(enrolled ? { classes: this.#classes(unit, context) } : {}),
        ...(embedding ? { embedding } : {}),
      },
    };
  }

  #classes(unit: Float64Array, context: DecodeContext): Classification[] {
    const enrolled = this.#model.enrolled!;
    if (enrolled.dimensions !== unit.length) {
      throw new VedetteError(
        'OUTPUT_INVALID',
        `output '${this.#output}' is a vector of ${unit.length} values, the enrolled ones have ${enrolled.dimensions}`,
      );
    }
    const { scoreThreshold, maxClasses } = this.#settings;
    const classes: Classification[] = [];
    bestCosines(unit, enrolled).forEach((cosine, labelIndex) => {
      const label = enrolled.labels[labelIndex]!;
      const score = requireScore(Math.max(0, cosine), this.#output);
      if (score >= thresholdOf(label, context, scoreThreshold)) {
        classes.push({ label, labelIndex, score });
      }
    });
    classes.sort((a, b) => b.score - a.score || a.labelIndex - b.labelIndex);
    return classes.slice(0, maxClasses);
  }
}

/** How many values a vector has, or that it is open; `undefined` for another shape. */
function dimensionOf(
  shape: Dimensions,
  pooling: Settings['pooling'],
): Dimensions[number] | undefined {
  if (pooling === 'none') {
    const own = shape.filter((dimension) => dimension !== 1);
    const isVector =
      shape.length >= 1 &&
      own.length <= 2 &&
      own.filter((one) => typeof one === 'number').length <= 1;
    if (!isVector) return undefined;
    return own.find((one) => typeof one === 'number') ?? (own.length > 0 ? own.at(-1)! : 1);
  }
  if (!mayBe(shape[0], 1)) return undefined;
  if (shape.length === 3) return shape[2];
  return shape.length === 4 && pooling === 'mean' ? shape[1] : undefined;
}

function pool(
  values: Float32Array,
  shape: readonly number[],
  dimension: number,
  pooling: Settings['pooling'],
): ArrayLike<number> {
  if (pooling === 'none') return values;
  if (pooling === 'first') return values.subarray(0, dimension);
  const count = values.length / dimension;
  // [1, D, H, W] has the values of a dimension behind each other, [1, T, D] those of a token.
  const [ofDimension, ofPlace] = shape.length === 4 ? [count, 1] : [1, dimension];
  return Float64Array.from({ length: dimension }, (_, index) => {
    let sum = 0;
    for (let place = 0; place < count; place += 1) {
      sum += values[index * ofDimension + place * ofPlace]!;
    }
    return sum / count;
  });
}
