import type { Size } from '../contract/frame.ts';
import type { SizeInput } from './package/pick-inputs.ts';

/** Width and height `count` times, [count, 2]: boxes of such a model are then in pixels of its input. */
export function sizeData(
  { dtype }: SizeInput,
  { width, height }: Size,
  count: number,
): BigInt64Array | Int32Array | Float32Array {
  const pairs = Array.from({ length: count }, () => [width, height]).flat();
  if (dtype === 'int64') return BigInt64Array.from(pairs, BigInt);
  return dtype === 'int32' ? Int32Array.from(pairs) : Float32Array.from(pairs);
}
