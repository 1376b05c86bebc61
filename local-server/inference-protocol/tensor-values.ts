import { VedetteError } from '../../component/contract/errors.ts';
import type { TensorValue } from '../../component/contract/tensor.ts';
import { numericDatatype } from './datatypes.ts';
import type { RequestedInput } from './infer-request-schema.ts';

type InputHead = Pick<RequestedInput, 'name' | 'shape' | 'datatype'>;

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A tensor from little-endian bytes. `mayShareBuffer`: nothing else needs the buffer of the body,
 * so aligned data is used in place; otherwise the tensor gets a buffer of its own.
 */
export function tensorFromBytes(
  input: InputHead,
  bytes: Uint8Array<ArrayBuffer>,
  mayShareBuffer: boolean,
): TensorValue {
  const { name, shape } = input;
  if (input.datatype === 'BYTES') {
    return { name, shape, dtype: 'string', data: stringsFromBytes(input, bytes) };
  }
  const type = numericDatatype(input.datatype, name);
  const elements = elementsOf(shape);
  if (bytes.length !== elements * type.elementBytes) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Input ${name}: ${input.datatype} [${shape}] takes ${elements * type.elementBytes} bytes, ` +
        `got ${bytes.length}`,
    );
  }
  const isUsable = mayShareBuffer && bytes.byteOffset % type.elementBytes === 0;
  const own = isUsable ? bytes : bytes.slice();
  return { name, shape, dtype: type.dtype, data: type.view(own.buffer, own.byteOffset, elements) };
}

/** A tensor from the `data` of the JSON, nested or flat, row-major. */
export function tensorFromJson(input: RequestedInput): TensorValue {
  const { name, shape, datatype } = input;
  if (!Array.isArray(input.data)) {
    throw new VedetteError('TENSOR_INVALID', `Input ${name} has no data: expected an array`);
  }
  const elements = elementsOf(shape);
  const leaves = flatten(input.data as unknown[]);
  if (leaves.length !== elements) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Input ${name}: ${datatype.slice(0, 40)} [${shape}] takes ${elements} elements, got ${leaves.length}`,
    );
  }
  if (datatype === 'BYTES') {
    const texts = leaves.map((leaf) =>
      typeof leaf === 'string' ? leaf : refuseValue(input, leaf),
    );
    return { name, shape, dtype: 'string', data: texts };
  }
  const type = numericDatatype(datatype, name);
  const data = type.allocate(elements);
  for (let index = 0; index < elements; index += 1) {
    data[index] = numberOf(input, leaves[index], type.range) as never;
  }
  return { name, shape, dtype: type.dtype, data };
}

/** Arrays may nest as deep as they like: the walk keeps its own stack. */
function flatten(data: unknown[]): unknown[] {
  if (!data.some(Array.isArray)) return data;
  const leaves: unknown[] = [];
  const stack: { readonly array: unknown[]; next: number }[] = [{ array: data, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (top.next === top.array.length) {
      stack.pop();
      continue;
    }
    const value = top.array[top.next];
    top.next += 1;
    if (Array.isArray(value)) stack.push({ array: value, next: 0 });
    else leaves.push(value);
  }
  return leaves;
}

function numberOf(
  input: InputHead,
  value: unknown,
  range: readonly [number | bigint, number | bigint] | undefined,
): number | bigint {
  const number = typeof value === 'boolean' && input.datatype === 'BOOL' ? Number(value) : value;
  if (typeof number !== 'number') return refuseValue(input, value);
  if (range === undefined) return number;
  if (!Number.isSafeInteger(number) || number < range[0] || number > range[1]) {
    return refuseValue(input, value);
  }
  return typeof range[0] === 'bigint' ? BigInt(number) : number;
}

function refuseValue(input: InputHead, value: unknown): never {
  const shown = JSON.stringify(value)?.slice(0, 60);
  const hint = input.datatype.endsWith('64')
    ? ' (whole numbers beyond 2^53: send binary data)'
    : '';
  throw new VedetteError(
    'TENSOR_INVALID',
    `Input ${input.name}: ${shown} is not a value of ${input.datatype}${hint}`,
  );
}

function stringsFromBytes(input: InputHead, bytes: Uint8Array<ArrayBuffer>): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const texts: string[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const length = offset + 4 <= bytes.length ? view.getUint32(offset, true) : Infinity;
    if (offset + 4 + length > bytes.length) {
      throw new VedetteError(
        'TENSOR_INVALID',
        `Input ${input.name}: element ${texts.length} is cut short`,
      );
    }
    try {
      texts.push(decoder.decode(bytes.subarray(offset + 4, offset + 4 + length)));
    } catch {
      throw new VedetteError(
        'TENSOR_INVALID',
        `Input ${input.name}: element ${texts.length} is not UTF-8`,
      );
    }
    offset += 4 + length;
  }
  if (texts.length !== elementsOf(input.shape)) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Input ${input.name}: BYTES [${input.shape}] takes ${elementsOf(input.shape)} elements, got ${texts.length}`,
    );
  }
  return texts;
}
