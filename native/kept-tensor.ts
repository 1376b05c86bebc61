import { VedetteError } from '../component/contract/errors.ts';
import { tensorElements, type TensorSpec } from '../component/contract/tensor.ts';

/** `Uint16Array` holds the bits of float16. */
export type TensorMemory = Float32Array | Uint16Array | Int8Array | Uint8Array;

/** Mirrored in native/core/tensor_writer.h (BarNote). */
const NUMBERS = 13;

/**
 * A tensor's memory that is filled again for every frame and that nobody else writes to. The bars of
 * a letterbox then stay from call to call: they are written when the buffer is first used, when the
 * place, size or level of the bars changes, and after a call that failed.
 *
 * Whoever writes to `data` meanwhile has to call `forget()`. A buffer that was cleared or used for
 * something else as a whole is noticed (the outermost bar values are looked at in every call), a
 * smaller change is not.
 */
export class KeptTensor<T extends TensorMemory = TensorMemory> {
  readonly data: T;
  /** What the addon knows of the bars in `data`; for the addon alone. */
  readonly bars = new Float64Array(NUMBERS);

  constructor(data: T) {
    this.data = data;
  }

  /** The next call writes the bars again. */
  forget(): void {
    this.bars.fill(0);
  }
}

/** Where a tensor goes: plain memory, whose bars are always written, or memory that keeps them. */
export type TensorTarget = TensorMemory | KeptTensor;

/** Its memory and, where they are kept, its bars. */
export function memoryOf(
  out: TensorTarget,
): Pick<KeptTensor, 'data'> & { bars: Float64Array | undefined } {
  return out instanceof KeptTensor ? out : { data: out, bars: undefined };
}

/**
 * The places of a batch [N, C, H, W] or [N, H, W, C]: one tensor of `spec` behind the other in `data`,
 * each with bars of its own. Give place i to `rawToTensor` for picture i, or all to `rawToTiles`.
 * @throws VedetteError TENSOR_INVALID when `data` is no whole number of tensors
 */
export function batchPlaces(data: TensorMemory, spec: TensorSpec): KeptTensor[] {
  const elements = tensorElements(spec);
  const count = data.length / elements;
  if (!Number.isInteger(count) || count < 1) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `a batch of tensors of ${elements} elements expected, got ${data.length} elements`,
    );
  }
  return Array.from(
    { length: count },
    (_, place) => new KeptTensor(data.subarray(place * elements, (place + 1) * elements)),
  );
}
