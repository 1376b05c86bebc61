import { VedetteError } from '../../component/contract/errors.ts';
import type { RequestedInput } from './infer-request-schema.ts';

/**
 * The picture in an input of datatype BYTES for a model input of four dimensions (the convention
 * of OpenVINO Model Server): one element, a 4-byte little-endian length and the encoded picture.
 * The bytes are copied, so that their buffer can be moved to a worker.
 */
export function pictureOf(
  input: Pick<RequestedInput, 'name' | 'shape'>,
  bytes: Uint8Array<ArrayBuffer> | undefined,
): Uint8Array<ArrayBuffer> {
  if (bytes === undefined) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Input ${input.name}: a picture (BYTES) must come as binary data behind the JSON, with ` +
        'Inference-Header-Content-Length; JSON cannot hold its bytes',
    );
  }
  if (input.shape.some((size) => size !== 1)) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Input ${input.name}: expected one picture, BYTES [1], got BYTES [${input.shape}]: send one ` +
        'request per picture',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pictureBytes = bytes.length >= 4 ? view.getUint32(0, true) : -1;
  if (pictureBytes !== bytes.length - 4) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Input ${input.name}: the element announces ${pictureBytes} bytes, but ` +
        `${Math.max(bytes.length - 4, 0)} follow its 4-byte length`,
    );
  }
  return bytes.slice(4);
}
