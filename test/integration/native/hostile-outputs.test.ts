import { expect, test } from 'vitest';
import {
  areFinite,
  classAreas,
  instanceMasks,
  mapAreas,
  maskAreas,
  YoloHeadReader,
  type AreaSearch,
  type ClassMap,
  type YoloHeadShape,
  type YoloSuppression,
} from '../../../native/index.ts';

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

const SEARCH: AreaSearch = {
  size: { width: 4, height: 3 },
  within: { x: 0, y: 0, width: 4, height: 3 },
  minCells: 1,
  maxAreas: 10,
};
const CLASSES: ClassMap = { classCount: 2, isLast: false, background: undefined };
const PROTOTYPES = { channels: 2, width: 2, height: 3, values: new Float32Array(12).fill(1) };

/** Every call that looks for areas, with memory that fits. */
const searches: readonly ((search: AreaSearch) => unknown)[] = [
  (search) => maskAreas(new Uint8Array(12), search),
  (search) => mapAreas(new Float32Array(12), 0.5, search),
  (search) => classAreas(new Float32Array(24), CLASSES, search),
  (search) => classAreas(new BigInt64Array(12), CLASSES, search),
  (search) => instanceMasks(PROTOTYPES, new Float32Array(6), search),
];

test('a mask whose contours would fill the heap is refused with the way out', () => {
  const side = 4500;
  // A comb whose teeth have jags: the outer contour turns at every cell of their edges.
  const mask = new Uint8Array(side * side).map((_, cell) => {
    const x = cell % side;
    const y = (cell - x) / side;
    return y === 0 || x % 4 === 0 || (x % 4 === 1 && y % 2 === 0) ? 1 : 0;
  });
  const size = { width: side, height: side };
  const search = { size, within: { x: 0, y: 0, ...size }, minCells: 1, maxAreas: 1 };
  expect(() => maskAreas(mask, search)).toThrow(/raise minCells or lower maxAreas/);
});

test('areas are searched only where numbers fit together', () => {
  for (const call of searches) {
    expect(() => call(SEARCH)).not.toThrow();
    const refused = (change: object) => {
      expect(() => call({ ...SEARCH, ...change })).toThrow(invalid);
    };
    for (const value of [...wrongNumbers, 65_536, ...wrongTypes]) {
      refused({ size: { width: value, height: 3 } });
      refused({ size: { width: 4, height: value } });
      for (const key of ['x', 'y', 'width', 'height']) {
        refused({ within: { ...SEARCH.within, [key]: value } });
      }
    }
    // Inside of the grid by a sum that ran over.
    refused({ within: { x: 2, y: 0, width: 2 ** 53 - 1, height: 1 } });
    for (const value of [NaN, ...wrongTypes]) refused({ minCells: value });
    for (const value of [-1, 0.5, NaN, Infinity, ...wrongTypes]) refused({ maxAreas: value });
  }
});

test('masks, maps and prototypes that are none, too few or gone are refused', () => {
  const wrong: unknown[] = [
    new Uint8Array(11),
    new Float32Array(11),
    new Float32Array(0),
    new Float64Array(12),
    new Int8Array(12),
    detached(new Float32Array(12)),
    new ArrayBuffer(12),
    ...wrongTypes,
  ];
  for (const data of wrong) {
    expect(() => maskAreas(data as Uint8Array, SEARCH)).toThrow(invalid);
    expect(() => mapAreas(data as Float32Array, 0.5, SEARCH)).toThrow(invalid);
    expect(() => classAreas(data as Float32Array, CLASSES, SEARCH)).toThrow(invalid);
    const prototypes = { ...PROTOTYPES, values: data as Float32Array };
    expect(() => instanceMasks(prototypes, new Float32Array(6), SEARCH)).toThrow(invalid);
  }
  for (const data of [new Uint8Array(3), new Float64Array(3), [1], ...wrongTypes]) {
    expect(() => areFinite(data as Float32Array)).toThrow(invalid);
  }
});

test('thresholds, classes, prototypes and boxes that make no sense are refused', () => {
  for (const threshold of [NaN, Infinity, ...wrongTypes]) {
    expect(() => mapAreas(new Float32Array(12), threshold as number, SEARCH)).toThrow(invalid);
  }
  for (const value of [...wrongNumbers, 0, 3, 65_535, ...wrongTypes]) {
    const map = { ...CLASSES, classCount: value as number };
    expect(() => classAreas(new Float32Array(24), map, SEARCH)).toThrow(invalid);
  }
  for (const value of [...wrongNumbers, 65_536, ...wrongTypes.slice(1)]) {
    const map = { ...CLASSES, background: value as number };
    expect(() => classAreas(new Float32Array(24), map, SEARCH)).toThrow(invalid);
  }
  for (const key of ['channels', 'width', 'height']) {
    for (const value of [...wrongNumbers, 0, 5, ...wrongTypes]) {
      const prototypes = { ...PROTOTYPES, [key]: value };
      expect(() => instanceMasks(prototypes, new Float32Array(6), SEARCH)).toThrow(invalid);
    }
  }
  for (const boxes of [new Float32Array(5), new Float64Array(6), detached(new Float32Array(6))]) {
    if (boxes.length === 0) continue;
    expect(() => instanceMasks(PROTOTYPES, boxes as Float32Array, SEARCH)).toThrow(invalid);
  }
});

test('boxes that are not finite or lie anywhere give masks inside of the input', () => {
  for (const value of [NaN, Infinity, -Infinity, 1e38, -1e38, 3e-45]) {
    for (let corner = 0; corner < 4; corner += 1) {
      const box = Float32Array.of(0, 0, 4, 3, 1, 1);
      box[corner] = value;
      const found = instanceMasks(PROTOTYPES, box, SEARCH);
      if ('kind' in found) throw new Error(found.kind);
      for (const { contour } of found[0]!.areas) {
        for (const { x, y } of contour) {
          expect(x >= 0 && x <= 4 && y >= 0 && y <= 3).toBe(true);
        }
      }
    }
  }
});
