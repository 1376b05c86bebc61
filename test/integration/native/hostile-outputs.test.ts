import { expect, test } from 'vitest';
import { YoloHeadReader, type YoloHeadShape, type YoloSuppression } from '../../../native/index.ts';

const coded = (code: string) => expect.objectContaining({ name: 'VedetteError', code });
const invalid = coded('TENSOR_INVALID');

function detached<T extends Float32Array | Uint16Array>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

const wrongNumbers = [-1, 0.5, 1.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 2 ** 60, 1e300];
const wrongTypes = [undefined, null, '4', true, {}, [], 4n, Symbol('4'), () => 4];

const HEAD: YoloHeadShape = {
  layout: 'channels-first',
  hasObjectness: false,
  channels: 7,
  anchors: 4,
  classCount: 2,
};
const SUPPRESSION: YoloSuppression = { iouThreshold: 0.5, isAgnostic: false, limit: 4 };
const values = () => new Float32Array(28).fill(0.5);
const thresholds = () => new Float32Array(2).fill(0.25);
const read = (
  data: unknown,
  head: object = {},
  more: object = {},
  limits: unknown = thresholds(),
) =>
  new YoloHeadReader().read(data as Float32Array, { ...HEAD, ...head }, limits as Float32Array, {
    ...SUPPRESSION,
    ...more,
  });

test('a head that fits is read', () => {
  expect(read(values())).toMatchObject({ count: 1, candidates: 4, rowLength: 6, fault: undefined });
});

test('heads whose numbers do not fit the values are refused', () => {
  for (const value of [...wrongNumbers, 0, 3, ...wrongTypes]) {
    for (const key of ['channels', 'anchors', 'classCount']) {
      if (key === 'classCount' && value === 3) continue;
      expect(() => read(values(), { [key]: value }), key).toThrow(invalid);
    }
  }
  // The product of both is 28 again, in 64 bits that ran over.
  expect(() => read(values(), { channels: 2 ** 52, anchors: 2 ** 12 + 7 })).toThrow(invalid);
  for (const value of [...wrongNumbers, 0, 4097, ...wrongTypes]) {
    expect(() => read(values(), {}, { limit: value })).toThrow(invalid);
  }
  for (const value of [-0.1, 1.1, NaN, Infinity, ...wrongTypes]) {
    expect(() => read(values(), {}, { iouThreshold: value })).toThrow(invalid);
  }
});

test('values and thresholds that are none, too few or gone are refused', () => {
  const wrong: unknown[] = [
    new Float32Array(27),
    new Float32Array(29),
    new Float32Array(0),
    new Float64Array(28),
    new Uint8Array(28),
    new BigInt64Array(28),
    new Uint16Array(27),
    detached(values()),
    detached(new Uint16Array(28)),
    new ArrayBuffer(112),
    new DataView(new ArrayBuffer(112)),
    ...wrongTypes,
  ];
  for (const data of wrong) expect(() => read(data)).toThrow(invalid);
  for (const limits of [
    new Float32Array(1),
    new Float32Array(3),
    new Float64Array(2),
    detached(thresholds()),
    Float32Array.of(0.5, NaN),
    ...wrongTypes.slice(1),
  ]) {
    expect(() => read(values(), {}, {}, limits)).toThrow(invalid);
  }
});

test('a reader is good again after a refusal', () => {
  const reader = new YoloHeadReader();
  expect(() => reader.read(new Float32Array(3), HEAD, thresholds(), SUPPRESSION)).toThrow(invalid);
  expect(reader.read(values(), HEAD, thresholds(), SUPPRESSION).count).toBe(1);
});

test('values that are not finite, and scores that are none, come back as a fault', () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    expect(read(values().fill(bad, 27))).toMatchObject({ count: 0, fault: { kind: 'not-finite' } });
  }
  const fault = { kind: 'no-score', element: 17, value: 3 };
  expect(read(values().fill(3, 17, 18))).toMatchObject({ count: 0, fault });
});
