/**
 * What a whole grey level becomes as an element of a tensor, in 64-bit arithmetic from the definitions
 * in native/README.md. Shares nothing with the addon but those.
 */
import type { TensorSpec } from '../../../component/contract/tensor.ts';

/** Halves to even; exact for every number. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/**
 * The float32 that a level is normalised to. A product or sum of two float32 in 64 bits, rounded once
 * more, is what one float32 operation gives.
 */
export function normalised(level: number, channel: number, spec: TensorSpec): number {
  const std = spec.std[channel] as number;
  const factor = Math.fround(spec.scale / std);
  const offset = Math.fround(-(spec.mean[channel] as number) / std);
  return Math.fround(Math.fround(level * factor) + offset);
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction; to nearest, to even. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  let exponent = -14;
  while (exponent < 16 && size >= 2 ** (exponent + 1)) exponent++;
  // In units of the last place; dividing by a power of two loses nothing.
  const steps = roundHalfEven(size / 2 ** (exponent - 10));
  const bits = size < 2 ** -14 ? steps : (exponent + 14) * 1024 + steps;
  return sign + Math.min(bits, 0x7c00);
}

/** ONNX QuantizeLinear: the quotient is a float32, as `value` and the scale are. */
export function quantisedLevel(value: number, spec: TensorSpec): number {
  const { scale, zeroPoint } = spec.quantisation!;
  const [low, high] = spec.dtype === 'int8' ? [-128, 127] : [0, 255];
  const steps = roundHalfEven(Math.fround(value / Math.fround(scale)));
  return Math.min(Math.max(steps + zeroPoint, low), high);
}

/** The element as the tensor's typed array holds it; for `uint8` without quantisation the level. */
export function elementOf(level: number, channel: number, spec: TensorSpec): number {
  if (spec.quantisation !== undefined) {
    return quantisedLevel(normalised(level, channel, spec), spec);
  }
  if (spec.dtype === 'uint8') return level;
  const value = normalised(level, channel, spec);
  return spec.dtype === 'float16' ? halfBits(value) : value;
}
