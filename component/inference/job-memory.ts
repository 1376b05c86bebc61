import type { TensorValue } from '../contract/tensor.ts';

/** Bytes that own their buffer, so that moving it takes nothing else along. */
export function ownBytes(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return data.byteLength === data.buffer.byteLength ? data : new Uint8Array(data);
}

/** A tensor whose memory can be moved to another thread. */
export function movable(tensor: TensorValue): TensorValue {
  const { data } = tensor;
  const isWhole = Array.isArray(data) || data.byteLength === data.buffer.byteLength;
  return isWhole ? tensor : { ...tensor, data: data.slice() };
}
