import { describe, expect, test } from 'vitest';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorData, TensorDtype, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';
import { refusalOf, squareSpec } from './decode-model.ts';

const spec = { ...squareSpec, width: 8, height: 8, resize: 'letterbox' } as const;
/** A picture of 80×60 lies in the input at a tenth, with bars of one row above and below. */
const context: DecodeContext = {
  transform: {
    scaleX: 10,
    scaleY: 10,
    offsetX: 0,
    offsetY: -10,
    source: { width: 80, height: 60 },
  },
  view: { rotation: 0, flip: 'none' },
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};
const labels = ['floor', 'belt', 'box'];

/** Class 1 in the columns from 4 on, class 2 in a block of 2×2 at the top left of the picture. */
const classOf = (x: number, y: number) => (x >= 4 ? 1 : x < 2 && y >= 1 && y < 3 ? 2 : 0);
const map = Array.from({ length: 64 }, (_, cell) => classOf(cell % 8, Math.floor(cell / 8)));

const tensor = (dtype: TensorDtype, shape: number[], data: TensorData): TensorValue => ({
  name: 'output0',
  dtype,
  shape,
  data,
});
const scores = tensor(
  'float32',
  [1, 3, 8, 8],
  Float32Array.from({ length: 192 }, (_, index) => (map[index % 64] === index >> 6 ? 2.5 : -1)),
);
const last = tensor(
  'float32',
  [1, 8, 8, 3],
  Float32Array.from({ length: 192 }, (_, index) =>
    map[Math.floor(index / 3)] === index % 3 ? 2.5 : -1,
  ),
);

function decode(output: TensorValue, settings: object = {}, names: readonly string[] = labels) {
  const parsed = modelOutputSchema.parse({ decoder: 'semantic-segmentation', ...settings });
  const decoder = createDecoder(parsed, [output], { labels: names, spec });
  return decoder.decode(new Map([[output.name, output]]), context).findings.segments!;
}

const expected = [
  {
    label: 'belt',
    labelIndex: 1,
    areaFraction: 0.5,
    polygons: [
      [
        { x: 40, y: 0 },
        { x: 80, y: 0 },
        { x: 80, y: 60 },
        { x: 40, y: 60 },
      ],
    ],
  },
  // 24 − 4 of the 48 cells that show the picture.
  { label: 'floor', labelIndex: 0, areaFraction: 0.416667 },
  {
    label: 'box',
    labelIndex: 2,
    areaFraction: 0.083333,
    polygons: [
      [
        { x: 0, y: 0 },
        { x: 20, y: 0 },
        { x: 20, y: 20 },
        { x: 0, y: 20 },
      ],
    ],
  },
];

describe('semantic segmentation', () => {
  test('gives each class its part of the picture and its outlines, the largest first', () => {
    expect(decode(scores)).toMatchObject(expected);
  });

  test('reads scores with the classes last, and class indices of every type', () => {
    const found = decode(scores);
    expect(decode(last)).toEqual(found);
    expect(decode(last, { layout: 'channels-last' }, [])).toMatchObject([
      { label: '1' },
      { label: '0' },
      { label: '2' },
    ]);
    const indices = [
      tensor('uint8', [1, 8, 8], Uint8Array.from(map)),
      tensor('int32', [1, 1, 8, 8], Int32Array.from(map)),
      tensor('int64', [1, 8, 8], BigInt64Array.from(map, BigInt)),
    ];
    for (const one of indices) expect(decode(one)).toEqual(found);
    expect(decode(indices[2]!, {}, []).map(({ label }) => label)).toEqual(['1', '0', '2']);
  });

  test('leaves out the background and what is too small', () => {
    expect(decode(scores, { background: 0 }).map(({ label }) => label)).toEqual(['belt', 'box']);
    expect(decode(scores, { minAreaFraction: 0.1 }).map(({ label }) => label)).toEqual([
      'belt',
      'floor',
    ]);
  });

  test('of equal scores takes the first class', () => {
    const flat = tensor('float32', [1, 3, 8, 8], new Float32Array(192).fill(0.25));
    expect(decode(flat)).toMatchObject([{ label: 'floor', areaFraction: 1 }]);
  });

  test('refuses outputs that it cannot be sure about', () => {
    const refused = (output: TensorValue, settings = {}, names: readonly string[] = labels) =>
      refusalOf(() => decode(output, settings, names));
    const ofShape = (shape: number[], dtype: TensorDtype = 'float32') =>
      tensor(dtype, shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
    expect(refused(ofShape([1, 4, 8, 8]))).toMatch(/MODEL_MISMATCH.*4 scores.*3 labels/);
    expect(refused(ofShape([1, 1, 8, 8]), {}, [])).toMatch(/MODEL_MISMATCH.*one score/);
    expect(refused(ofShape([1, 8, 8]))).toMatch(/MODEL_MISMATCH/);
    expect(refused(ofShape([2, 3, 8, 8]))).toMatch(/MODEL_MISMATCH/);
    expect(refused(ofShape([1, 3, 8, 8], 'float64'))).not.toMatch(/MODEL_MISMATCH/);
    expect(refused(ofShape([1, 8, 8], 'int16'))).toMatch(/MODEL_MISMATCH/);
    expect(refused(scores, { background: 3 })).toMatch(/MODEL_MISMATCH.*3 labels/);
  });

  test('refuses values that are not finite and indices that are no class', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const data = (scores.data as Float32Array).slice();
      data[77] = bad;
      expect(refusalOf(() => decode({ ...scores, data }))).toMatch(
        /^OUTPUT_INVALID.* at element 77/,
      );
    }
    for (const bad of [3n, -1n, 2n ** 40n]) {
      const data = BigInt64Array.from(map, BigInt);
      data[63] = bad;
      expect(refusalOf(() => decode(tensor('int64', [1, 8, 8], data)))).toMatch(
        /^OUTPUT_INVALID.*at element 63, which is no class index/,
      );
    }
  });
});
