import { describe, expect, test } from 'vitest';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorDtype, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';
import { halfToNumber } from '../../../component/decode/output-values.ts';
import { contains } from '../../../component/pipeline/space/geometry.ts';
import { instanceMaskReference } from '../../contract/native/mask-reference.ts';
import { refusalOf, squareSpec } from './decode-model.ts';
import { transposed } from './yolo-oracle.ts';

const spec = { ...squareSpec, width: 64, height: 64 };
const size = { width: 16, height: 16 };
/** A picture of 64×48 lies in the input as it is, with bars of 8 above and below. */
const context: DecodeContext = {
  transform: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: -8, source: { width: 64, height: 48 } },
  view: { rotation: 0, flip: 'none' },
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};
const labels = ['bolt', 'nut'];

/** Two prototypes of 16×16: a disc, and the left half. */
const disc = (x: number, y: number) => (Math.hypot(x - 7.5, y - 7.5) < 5 ? 1 : -1);
const half = (x: number) => (x < 8 ? 1 : -1);
const prototypeValues = Float32Array.from({ length: 2 * 256 }, (_, index) => {
  const [x, y] = [index % 16, Math.floor(index / 16) % 16];
  return index < 256 ? disc(x, y) : half(x);
});
const tensor = (
  name: string,
  shape: number[],
  data: ArrayLike<number>,
  dtype: TensorDtype = 'float32',
): TensorValue => ({
  name,
  dtype,
  shape,
  data: dtype === 'float16' ? Uint16Array.from(data) : Float32Array.from(data),
});
const prototypes = tensor('output1', [1, 2, 16, 16], prototypeValues);
const heads = (rows: number[][]) =>
  tensor('output0', [1, rows[0]!.length, rows.length], transposed(rows));

/** Box, scores of two classes, two coefficients. */
const rows = [
  [32, 32, 40, 40, 0.9, 0, 3, 0],
  [33, 32, 40, 40, 0.8, 0, 3, 0],
  [24, 30, 44, 60, 0, 0.7, 0, 1],
];

function decode(
  outputs: readonly TensorValue[],
  settings: object = {},
  names: readonly string[] = labels,
) {
  const output = modelOutputSchema.parse({ decoder: 'yolo-segments', ...settings });
  const decoder = createDecoder(output, outputs, { labels: names, spec });
  expect(new Set(decoder.outputNames(false))).toEqual(new Set(['output0', 'output1']));
  const all = new Map(outputs.map((one) => [one.name, one]));
  return decoder.decode(all, context).findings.detections!;
}

describe('YOLO segments', () => {
  test('have boxes as detections have them, and the polygons of their masks', () => {
    const found = decode([heads(rows), prototypes]);
    expect(found.map(({ label, score }) => [label, score])).toEqual([
      ['bolt', 0.9],
      ['nut', 0.7],
    ]);
    expect(found[0]!.box).toEqual({ x: 12, y: 4, width: 40, height: 40 });
    for (const [index, row] of [
      [0, rows[0]!],
      [1, rows[2]!],
    ] as const) {
      const [x, y, w, h] = row as [number, number, number, number];
      const { mask } = instanceMaskReference(
        { ...size, channels: 2, values: prototypeValues },
        [x - w / 2, y - h / 2, x + w / 2, y + h / 2],
        row.slice(6),
        spec,
      );
      const { polygons } = found[index]!.mask!;
      expect(polygons).toHaveLength(1);
      // Corners may be left out that lie within a pixel; bars are no part of the picture.
      const filled = mask.map((_, cell) => {
        const centre = { x: (cell % 64) + 0.5, y: Math.floor(cell / 64) + 0.5 - 8 };
        return contains(polygons[0]!, centre) ? 1 : 0;
      });
      const inPicture = mask.map((value, cell) => {
        const y = Math.floor(cell / 64);
        return y >= 8 && y < 56 ? value : 0;
      });
      const differing = filled.filter((value, cell) => value !== inPicture[cell]).length;
      const area = inPicture.reduce((sum, value) => sum + value, 0);
      expect(area).toBeGreaterThan(500);
      expect(differing).toBeLessThan(area * 0.08);
    }
  });

  test('are cut at their box and at the edge of the picture', () => {
    const small = [[32, 32, 8, 8, 0.9, 0, 0, 1]];
    const { polygons } = decode([heads(small), prototypes])[0]!.mask!;
    // Half a cell of 4 pixels beyond the box at most; half of it is left of the border in x.
    expect(polygons.flat().map(({ x }) => x)).toSatisfy((xs: number[]) =>
      xs.every((x) => x >= 26 && x <= 34),
    );
    const tall = [[20, 32, 30, 64, 0.9, 0, 0, 1]];
    const ys = decode([heads(tall), prototypes])[0]!
      .mask!.polygons.flat()
      .map(({ y }) => y);
    expect([Math.min(...ys), Math.max(...ys)]).toEqual([0, 48]);
  });

  test('without a set pixel have no polygons, and stay detections', () => {
    const found = decode([heads([[32, 32, 40, 40, 0.9, 0, 0, 0]]), prototypes]);
    expect(found).toMatchObject([{ label: 'bolt', mask: { polygons: [] } }]);
  });

  test('of rows with objectness (v5) and of halves are the same', () => {
    const expected = decode([heads(rows), prototypes]);
    const withObjectness = rows.map((row) => [...row.slice(0, 4), 1, ...row.slice(4)]);
    const shape = [1, 3, 9];
    expect(decode([tensor('output0', shape, withObjectness.flat()), prototypes])).toEqual(expected);
    const halfOf = new Map([1, -1].map((value) => [value, value === 1 ? 0x3c00 : 0xbc00]));
    const halves = Array.from(prototypeValues, (value) => halfOf.get(value)!);
    expect(halves.slice(0, 9).map(halfToNumber)).toEqual([...prototypeValues.subarray(0, 9)]);
    const narrow = tensor('output1', [1, 2, 16, 16], halves, 'float16');
    expect(decode([heads(rows), narrow])).toEqual(expected);
  });

  test('take the outputs in any order, and those that are named', () => {
    const expected = decode([heads(rows), prototypes]);
    expect(decode([prototypes, heads(rows)])).toEqual(expected);
    const named = { output: 'output0', prototypes: 'output1' };
    const other = tensor('other', [1, 2, 4, 4], new Float32Array(32));
    expect(decode([other, heads(rows), prototypes], named)).toEqual(expected);
  });

  test('are refused when outputs and labels do not fit together', () => {
    const refused = (outputs: readonly TensorValue[], settings = {}, names = labels) =>
      refusalOf(() => decode(outputs, settings, names));
    expect(refused([heads(rows)])).toMatch(/MODEL_MISMATCH.*no float prototypes/);
    expect(refused([prototypes])).toMatch(/MODEL_MISMATCH.*no output of candidates/);
    const other = tensor('other', [1, 2, 4, 4], new Float32Array(32));
    expect(refused([heads(rows), prototypes, other])).toMatch(/name one in output\.prototypes/);
    expect(refused([heads(rows), prototypes], { prototypes: 'masks' })).toMatch(/named 'masks'/);
    const layout = 'channels-first';
    expect(refused([heads(rows), prototypes], { layout }, ['a', 'b', 'c'])).toMatch(
      /MODEL_MISMATCH.*8 channels, expected 9, or 10 with objectness/,
    );
    const three = tensor('output1', [1, 3, 16, 16], new Float32Array(768));
    expect(refused([heads(rows), three], { layout })).toMatch(
      /MODEL_MISMATCH.*8 channels, expected 9/,
    );
  });

  test('refuse NaN and infinite values in either output', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const spoilt = prototypeValues.slice();
      spoilt[300] = bad;
      expect(
        refusalOf(() => decode([heads(rows), tensor('output1', [1, 2, 16, 16], spoilt)])),
      ).toMatch(/^OUTPUT_INVALID: output 'output1' \[1, 2, 16, 16\].* at element 300/);
      const row = rows[0]!.with(7, bad);
      expect(refusalOf(() => decode([heads([row]), prototypes]))).toMatch(
        /^OUTPUT_INVALID: output 'output0'/,
      );
    }
  });
});
