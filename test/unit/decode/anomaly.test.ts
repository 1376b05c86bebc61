import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Point } from '../../../component/contract/frame.ts';
import type { ModelOutput } from '../../../component/contract/model-manifest.ts';
import type { TensorSpec, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';

const spec: TensorSpec = {
  width: 64,
  height: 64,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};
const settings = {
  decoder: 'anomaly',
  scoreThreshold: 0.5,
  mapThreshold: 0.5,
  minAreaFraction: 0,
} as const satisfies ModelOutput;
/** A 640×320 picture stretched to 64×64. */
const context: DecodeContext = {
  transform: { scaleX: 10, scaleY: 5, offsetX: 0, offsetY: 0, source: { width: 640, height: 320 } },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: true,
};

const score = (value: number): TensorValue => ({
  name: 'pred_score',
  dtype: 'float32',
  shape: [1, 1],
  data: Float32Array.of(value),
});
const map = (side: number, value: (x: number, y: number) => number): TensorValue => ({
  name: 'anomaly_map',
  dtype: 'float32',
  shape: [1, 1, side, side],
  data: Float32Array.from({ length: side * side }, (_, i) => value(i % side, Math.floor(i / side))),
});
const mask = (side: number, isSet: (x: number, y: number) => boolean): TensorValue => ({
  name: 'pred_mask',
  dtype: 'bool',
  shape: [1, 1, side, side],
  data: Uint8Array.from({ length: side * side }, (_, i) =>
    isSet(i % side, Math.floor(i / side)) ? 1 : 0,
  ),
});

function decode(
  tensors: readonly TensorValue[],
  change: Partial<DecodeContext> = {},
  output: ModelOutput = settings,
) {
  const decoder = createDecoder(output, tensors, { labels: [], spec });
  return decoder.decode(new Map(tensors.map((tensor) => [tensor.name, tensor])), {
    ...context,
    ...change,
  });
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof VedetteError ? error.code : String(error);
  }
  return 'nothing thrown';
}

describe('anomaly', () => {
  test('judges by the score alone when there is neither map nor mask', () => {
    expect(decode([score(0.7)]).findings).toEqual({
      anomaly: { score: 0.7, threshold: 0.5, isAnomalous: true },
    });
    expect(decode([score(0.5)]).findings.anomaly!.isAnomalous).toBe(true);
    expect(decode([score(0.7)], { thresholds: { score: 0.8, labels: {} } }).findings).toEqual({
      anomaly: { score: 0.7, threshold: 0.8, isAnomalous: false },
    });
  });

  test('gives areas of the mask as polygons in source pixels and their part of the picture', () => {
    const { anomaly } = decode([
      score(0.9),
      mask(64, (x, y) => x >= 10 && x < 20 && y >= 30 && y < 40),
    ]).findings;
    expect(anomaly!.areaFraction).toBeCloseTo(100 / 4096, 6);
    expect(anomaly!.areas).toEqual([
      {
        polygon: [
          { x: 100, y: 150 },
          { x: 200, y: 150 },
          { x: 200, y: 200 },
          { x: 100, y: 200 },
        ],
        areaFraction: 0.024414,
      },
    ]);
  });

  test('thresholds the map when there is no mask', () => {
    const { anomaly } = decode([score(0.9), map(64, (x) => (x < 32 ? 0.5 : 0.49))]).findings;
    expect(anomaly!.areaFraction).toBe(0.5);
  });

  test('scales a map of another size than the input', () => {
    const { anomaly } = decode([score(0.9), mask(8, (x, y) => x === 1 && y === 2)]).findings;
    expect(anomaly!.areas![0]!.polygon).toEqual([
      { x: 80, y: 80 },
      { x: 160, y: 80 },
      { x: 160, y: 120 },
      { x: 80, y: 120 },
    ]);
  });

  test('leaves letterbox bars out of areas, fractions and the drawable map', () => {
    // A 640×320 picture in a 64×64 input: scale 10, bars of 16 rows above and below.
    const transform = {
      scaleX: 10,
      scaleY: 10,
      offsetX: 0,
      offsetY: -160,
      source: { width: 640, height: 320 },
    };
    const { findings, anomalyMap } = decode([score(0.9), map(64, () => 1), mask(64, () => true)], {
      transform,
    });
    expect(findings.anomaly!.areaFraction).toBe(1);
    expect(findings.anomaly!.areas![0]!.polygon).toEqual([
      { x: 0, y: 0 },
      { x: 640, y: 0 },
      { x: 640, y: 320 },
      { x: 0, y: 320 },
    ]);
    expect(anomalyMap).toMatchObject({ width: 64, height: 32 });
    expect(anomalyMap!.region).toEqual({ x: 0, y: 0, width: 640, height: 320 });
  });

  test('lays the drawable map over the region that the model was shown', () => {
    const { anomalyMap } = decode([score(0.1), map(64, (x) => x / 63)], {
      view: { ...WHOLE_FRAME, region: { x: 100, y: 50, width: 128, height: 64 } },
      transform: {
        scaleX: 2,
        scaleY: 1,
        offsetX: 100,
        offsetY: 50,
        source: { width: 640, height: 320 },
      },
    });
    expect(anomalyMap!.region).toEqual({ x: 100, y: 50, width: 128, height: 64 });
    expect(anomalyMap!.data[0]).toBe(0);
    expect(anomalyMap!.data[63]).toBe(255);
  });

  test('makes the drawable map at most 128 cells a side, as means', () => {
    const { anomalyMap } = decode([score(0.1), map(300, (x) => x % 2)]);
    expect(anomalyMap).toMatchObject({ width: 128, height: 128 });
    expect(anomalyMap!.data.length).toBe(128 * 128);
    expect([...anomalyMap!.data].every((value) => value >= 80 && value <= 175)).toBe(true);
    expect(decode([score(0.1), map(64, () => 0)], { wantsAnomalyMap: false }).anomalyMap).toBe(
      undefined,
    );
  });

  test('asks only for the outputs that it reads', () => {
    const names = (tensors: TensorValue[], wantsMap: boolean) =>
      createDecoder(settings, tensors, { labels: [], spec }).outputNames(wantsMap);
    const all = [score(0), map(2, () => 0), mask(2, () => false)];
    expect(names(all, false)).toEqual(['pred_score', 'pred_mask']);
    expect(names(all, true)).toEqual(['pred_score', 'pred_mask', 'anomaly_map']);
    expect(names(all.slice(0, 2), false)).toEqual(['pred_score', 'anomaly_map']);
  });

  test('reads masks and scores of old and new types alike', () => {
    const isSet = (x: number, y: number) => x === 3 && y === 4;
    const expected = decode([score(0.75), mask(64, isSet)]).findings;
    const bits = mask(64, isSet).data as Uint8Array;
    const variants: TensorValue[] = [
      {
        name: 'pred_mask',
        dtype: 'int64',
        shape: [1, 64, 64],
        data: BigInt64Array.from(bits, BigInt),
      },
      { name: 'pred_mask', dtype: 'uint8', shape: [64, 64], data: bits.map((bit) => bit * 255) },
      { name: 'pred_mask', dtype: 'float32', shape: [1, 1, 64, 64], data: Float32Array.from(bits) },
    ];
    for (const variant of variants) {
      expect(decode([score(0.75), variant]).findings).toEqual(expected);
    }
    const half: TensorValue = {
      name: 'pred_score',
      dtype: 'float16',
      shape: [1],
      data: Uint16Array.of(0x3a00),
    };
    expect(decode([half, mask(64, isSet)]).findings).toEqual(expected);
  });

  test('refuses NaN, logits and other shapes', () => {
    expect(codeOf(() => decode([score(NaN)]))).toBe('OUTPUT_INVALID');
    expect(codeOf(() => decode([score(3)]))).toBe('OUTPUT_INVALID');
    expect(codeOf(() => decode([score(0.5), map(8, (x) => (x === 3 ? NaN : 0))]))).toBe(
      'OUTPUT_INVALID',
    );
    const twice = { ...score(0), shape: [2], data: Float32Array.of(0, 0) };
    expect(codeOf(() => decode([twice]))).toBe('OUTPUT_INVALID');
    const wide = { ...mask(8, () => false), shape: [1, 2, 8, 4] };
    expect(codeOf(() => decode([score(0), wide]))).toBe('OUTPUT_INVALID');
    expect(codeOf(() => decode([mask(8, () => false)]))).toBe('MODEL_MISMATCH');
  });

  test('leaves areas below minAreaFraction out of areas and fraction', () => {
    const isSet = (x: number, y: number) => (x < 10 && y < 10) || (x === 40 && y === 40);
    const output = { ...settings, minAreaFraction: 0.001 };
    const { anomaly } = decode([score(0.9), mask(64, isSet)], {}, output).findings;
    expect(anomaly!.areas).toHaveLength(1);
    expect(anomaly!.areaFraction).toBeCloseTo(100 / 4096, 6);
  });

  test('finds the areas that filling by hand finds, in polygons that stay within a cell of them', () => {
    const bits = fc.uint8Array({ minLength: 16 * 16, maxLength: 16 * 16, max: 3 });
    const sparse = fc.integer({ min: 0, max: 3 });
    const identity = {
      transform: {
        scaleX: 1,
        scaleY: 1,
        offsetX: 0,
        offsetY: 0,
        source: { width: 64, height: 64 },
      },
    };
    fc.assert(
      fc.property(bits, sparse, (values, level) => {
        const isSet = (x: number, y: number) => values[y * 16 + x]! > level;
        const { anomaly } = decode([score(0.9), mask(16, isSet)], identity).findings;
        const byHand = fillByHand(16, isSet);
        const fractions = byHand.map((cells) => Math.round((cells.length / 256) * 1e6) / 1e6);
        expect(anomaly!.areas!.map(({ areaFraction }) => areaFraction)).toEqual(
          fractions.sort((a, b) => b - a),
        );
        for (const { polygon } of anomaly!.areas!) {
          expect(polygon.length).toBeGreaterThanOrEqual(3);
          expect(polygon.every((point) => isNearSetCell(point, isSet))).toBe(true);
        }
      }),
    );
  });
});

/** Connected areas by repeated merging of touching cells: slow and plain. */
function fillByHand(side: number, isSet: (x: number, y: number) => boolean): Point[][] {
  let areas: Point[][] = [];
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      if (!isSet(x, y)) continue;
      const touches = (area: Point[]) =>
        area.some((cell) => Math.abs(cell.x - x) <= 1 && Math.abs(cell.y - y) <= 1);
      const joined = areas.filter(touches).flat();
      areas = [...areas.filter((area) => !touches(area)), [...joined, { x, y }]];
    }
  }
  return areas;
}

/** Cells are 4 source pixels wide here; a corner of a set cell lies within one cell of the point. */
function isNearSetCell(point: Point, isSet: (x: number, y: number) => boolean): boolean {
  for (let y = 0; y < 16; y += 1) {
    for (let x = 0; x < 16; x += 1) {
      const isClose =
        point.x >= x * 4 - 0.01 &&
        point.x <= x * 4 + 4.01 &&
        point.y >= y * 4 - 0.01 &&
        point.y <= y * 4 + 4.01;
      if (isClose && isSet(x, y)) return true;
    }
  }
  return false;
}
