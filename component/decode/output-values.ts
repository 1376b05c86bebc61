import { areFinite } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';

/** The values of a numeric or bool output as numbers; float16 bits become the numbers they stand for. */
export function numericValues(tensor: TensorValue): ArrayLike<number> {
  const { data, dtype, name } = tensor;
  if (dtype === 'float16') return halvesToFloats(data as Uint16Array);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float64Array.from(data, Number);
  }
  if (Array.isArray(data)) {
    throw new VedetteError('OUTPUT_INVALID', `output '${name}' holds strings, expected numbers`);
  }
  return data;
}

/** The same in one kind of array, for loops over many values. */
export function floatValues(tensor: TensorValue): Float32Array {
  const values = numericValues(tensor);
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

let halves: Float32Array | undefined;

/** By a table of all 65 536 halves: a large head would take many times longer one by one. */
function halvesToFloats(bits: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, half) => halfToNumber(half));
  const values = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index += 1) values[index] = halves[bits[index]!]!;
  return values;
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** @throws VedetteError OUTPUT_INVALID naming the output and the first NaN or infinite value */
export function requireFinite(tensor: TensorValue, values: ArrayLike<number>): void {
  if (!tensor.dtype.startsWith('float')) return;
  if (values instanceof Float32Array && areFinite(values)) return;
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index]! * 0;
  if (sum === 0) return;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!;
    if (value - value !== 0) {
      throw new VedetteError(
        'OUTPUT_INVALID',
        `output '${tensor.name}' [${tensor.shape.join(', ')}] holds ${value} at element ${index}, expected finite numbers`,
        { details: { output: tensor.name, element: index, value: String(value) } },
      );
    }
  }
}

/** @throws VedetteError OUTPUT_INVALID when the run did not give the output */
export function requireOutput(
  outputs: ReadonlyMap<string, TensorValue>,
  name: string,
): TensorValue {
  const tensor = outputs.get(name);
  if (tensor) return tensor;
  throw new VedetteError('OUTPUT_INVALID', `the model gave no output '${name}'`, {
    details: { output: name, outputs: [...outputs.keys()] },
  });
}

/**
 * A score 0–1, rounded to a millionth. Quantised models overshoot by a hair: that is cut off.
 * @throws VedetteError OUTPUT_INVALID when it is no score, such as a logit
 */
export function requireScore(value: number, output: string): number {
  if (!(value >= -0.01 && value <= 1.01)) {
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${output}' holds the score ${value}, expected 0 to 1 (is a sigmoid missing in the graph?)`,
      { details: { output, value } },
    );
  }
  return Math.round(Math.min(1, Math.max(0, value)) * 1e6) / 1e6;
}

export function describeOutputs(declarations: readonly TensorDeclaration[]): string {
  return declarations
    .map(({ name, dtype, shape }) => `'${name}' ${dtype} [${shape.join(', ')}]`)
    .join(', ');
}
