import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NUMERIC_DATATYPES } from '../../../local-server/inference-protocol/datatypes.ts';
import {
  tensorFromBytes,
  tensorFromJson,
} from '../../../local-server/inference-protocol/tensor-values.ts';

const input = (datatype: string, shape: number[], data?: unknown) => ({
  name: 'x',
  datatype,
  shape,
  parameters: {},
  data,
});

describe('tensors from JSON', () => {
  it('reads nested and flat data alike, row-major', () => {
    const flat = tensorFromJson(input('FP32', [2, 3], [1, 2, 3, 4, 5, 6]));
    const nested = tensorFromJson(
      input(
        'FP32',
        [2, 3],
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ),
    );
    expect(nested).toEqual(flat);
    expect(flat.data).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
  });

  it('survives data nested ten thousand deep', () => {
    const text = '['.repeat(10_000) + '7' + ']'.repeat(10_000);
    expect(tensorFromJson(input('INT32', [1], JSON.parse(text))).data).toEqual(new Int32Array([7]));
  });

  it.each([
    ['UINT8', 256],
    ['UINT8', -1],
    ['INT8', 1.5],
    ['INT32', 2_147_483_648],
    ['INT64', 2 ** 60],
    ['BOOL', 2],
    ['FP32', '1'],
    ['FP32', null],
    ['BYTES', 1],
  ])('refuses, for %s, the value %j', (datatype, value) => {
    expect(() => tensorFromJson(input(datatype, [1], [value]))).toThrowError(
      expect.objectContaining({ code: 'TENSOR_INVALID' }),
    );
  });

  it('takes true and false for BOOL', () => {
    expect(tensorFromJson(input('BOOL', [2], [true, false])).data).toEqual(new Uint8Array([1, 0]));
  });

  it('names the number of elements that is wrong', () => {
    expect(() => tensorFromJson(input('FP32', [2, 2], [1, 2, 3]))).toThrowError(
      /takes 4 elements, got 3/,
    );
  });

  it.each(['FP16', 'BF16'])('refuses %s and says what to send', (datatype) => {
    expect(() => tensorFromJson(input(datatype, [1], [1]))).toThrowError(/send FP32/);
  });

  it.each(['float32', '__proto__', 'toString', ''])(
    'refuses the unknown datatype %j',
    (datatype) => {
      expect(() => tensorFromJson(input(datatype, [1], [1]))).toThrowError(/unknown datatype/);
    },
  );
});

describe('tensors from bytes', () => {
  it('gives back the numbers for every datatype, size and alignment', () => {
    const datatypes = fc.constantFrom(...Object.keys(NUMERIC_DATATYPES));
    fc.assert(
      fc.property(
        datatypes,
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(9),
        fc.boolean(),
        (datatype, raw, offset, mayShare) => {
          const { elementBytes } = NUMERIC_DATATYPES[datatype]!;
          const elements = Math.floor(raw.length / elementBytes);
          const body = new Uint8Array(new ArrayBuffer(offset + elements * elementBytes));
          body.set(raw.subarray(0, elements * elementBytes), offset);
          const tensor = tensorFromBytes(
            input(datatype, [elements]),
            body.subarray(offset),
            mayShare,
          );
          const data = tensor.data as Uint8Array;
          expect(data.length).toBe(elements);
          const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          expect(bytes).toEqual(raw.subarray(0, elements * elementBytes));
          if (!mayShare) expect(data.buffer).not.toBe(body.buffer);
        },
      ),
    );
  });

  it('uses aligned bytes in place when nobody else needs them', () => {
    const body = new Uint8Array(new ArrayBuffer(16), 8);
    expect((tensorFromBytes(input('FP32', [2]), body, true).data as Float32Array).buffer).toBe(
      body.buffer,
    );
  });

  it('refuses a length that does not fit the shape', () => {
    expect(() => tensorFromBytes(input('FP32', [1, 3]), new Uint8Array(11), true)).toThrowError(
      /takes 12 bytes, got 11/,
    );
  });

  it('refuses strings that are cut short, too many or not UTF-8', () => {
    const refuse = (bytes: number[]) =>
      expect(() => tensorFromBytes(input('BYTES', [1]), new Uint8Array(bytes), true)).toThrowError(
        expect.objectContaining({ code: 'TENSOR_INVALID' }),
      );
    refuse([5, 0, 0, 0, 65]);
    refuse([1, 0]);
    refuse([255, 255, 255, 255, 65]);
    refuse([1, 0, 0, 0, 65, 1, 0, 0, 0, 66]);
    refuse([1, 0, 0, 0, 0xff]);
    expect(
      tensorFromBytes(input('BYTES', [1]), new Uint8Array([1, 0, 0, 0, 65]), true).data,
    ).toEqual(['A']);
  });
});
