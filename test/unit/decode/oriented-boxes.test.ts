import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cornersOf,
  gaussianOf,
  keptBoxes,
  probabilisticIou,
} from '../../../component/decode/oriented-boxes.ts';
import type { OrientedBox } from '../../../component/decode/oriented-boxes.ts';
import { decoderOf, letterboxed, outputOf, refusalOf } from './decode-model.ts';
import { transposed } from './yolo-oracle.ts';

const labels = ['tray', 'lid'];
const raw = { decoder: 'yolo-oriented-boxes', iouThreshold: 0.5 } as const;
const endToEnd = { decoder: 'end-to-end-oriented-boxes' } as const;

const box = fc.record({
  x: fc.double({ min: 250, max: 350, noNaN: true }),
  y: fc.double({ min: 250, max: 350, noNaN: true }),
  width: fc.double({ min: 10, max: 90, noNaN: true }),
  height: fc.double({ min: 10, max: 90, noNaN: true }),
  angle: fc.double({ min: -0.78, max: 2.35, noNaN: true }),
});

/**
 * The overlap by its definition: the Bhattacharyya coefficient of two Gaussians is the integral of
 * the root of their product, here summed over a grid.
 */
function integratedIou(a: OrientedBox, b: OrientedBox): number {
  const density = (of: OrientedBox) => {
    const [along, across] = [of.width ** 2 / 12, of.height ** 2 / 12];
    const [cosine, sine] = [Math.cos(of.angle), Math.sin(of.angle)];
    return (x: number, y: number) => {
      const u = (x - of.x) * cosine + (y - of.y) * sine;
      const v = -(x - of.x) * sine + (y - of.y) * cosine;
      const exponent = -(u ** 2 / along + v ** 2 / across) / 2;
      return Math.exp(exponent) / (2 * Math.PI * Math.sqrt(along * across));
    };
  };
  const [first, second] = [density(a), density(b)];
  const step = 0.5;
  let sum = 0;
  for (let y = 150; y < 450; y += step) {
    for (let x = 150; x < 450; x += step) sum += Math.sqrt(first(x, y) * second(x, y)) * step ** 2;
  }
  return 1 - Math.sqrt(Math.max(0, 1 - sum));
}

describe('oriented boxes', () => {
  test('overlap as the integral of their Gaussians says', () => {
    const base: OrientedBox = { x: 300, y: 300, width: 60, height: 20, angle: 0.4 };
    const pairs: [OrientedBox, OrientedBox][] = [
      [base, { ...base, x: 305, y: 303 }],
      [base, { ...base, angle: 0.9 }],
      [base, { ...base, width: 40, height: 30, angle: -0.2, y: 310 }],
      [
        { ...base, width: 35, height: 35 },
        { ...base, angle: 1.9, x: 312 },
      ],
    ];
    for (const [a, b] of pairs) {
      const found = probabilisticIou(gaussianOf(a), gaussianOf(b));
      expect(found).toBeCloseTo(integratedIou(a, b), 3);
      expect(probabilisticIou(gaussianOf(b), gaussianOf(a))).toBeCloseTo(found, 9);
    }
    expect(probabilisticIou(gaussianOf(base), gaussianOf(base))).toBeGreaterThan(0.999);
  });

  test('overlap by a number from 0 to 1, however long and thin they are', () => {
    const side = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 3e38, noNaN: true }),
    );
    const any = fc.record({
      x: side,
      y: side,
      width: side,
      height: side,
      angle: box.map((b) => b.angle),
    });
    fc.assert(
      fc.property(any, any, (a, b) => {
        const found = probabilisticIou(gaussianOf(a), gaussianOf(b));
        expect(found).toBeGreaterThan(-1e-3);
        expect(found).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
  });

  test('are refused when a corner is beyond a float', () => {
    const rows = [[3e38, 100, 3e38, 10, 0.9, 0, 0.1]];
    const decoder = decoderOf(raw, [1, 7, 1], labels);
    const refusal = refusalOf(() =>
      decoder.decode(outputOf(transposed(rows), [1, 7, 1]), letterboxed),
    );
    expect(refusal).toContain('OUTPUT_INVALID');
    expect(refusal).toContain('to Infinity, 105');
  });

  test('have corners that lie at half their sides from the centre, turned', () => {
    fc.assert(
      fc.property(box, (of) => {
        const corners = cornersOf(of);
        const { x, y, width, height, angle } = of;
        const signs = [-1, -1, 1, -1, 1, 1, -1, 1];
        corners.forEach((corner, index) => {
          // Turned back about the centre.
          const [dx, dy] = [corner.x - x, corner.y - y];
          const u = dx * Math.cos(-angle) - dy * Math.sin(-angle);
          const v = dx * Math.sin(-angle) + dy * Math.cos(-angle);
          expect(u).toBeCloseTo((signs[index * 2]! * width) / 2, 6);
          expect(v).toBeCloseTo((signs[index * 2 + 1]! * height) / 2, 6);
        });
      }),
    );
  });

  test('are dropped for any better one of their class, also for one that is dropped itself', () => {
    const row = (x: number, labelIndex: number) => ({
      box: { x, y: 300, width: 60, height: 60, angle: 0 },
      labelIndex,
    });
    // Each overlaps its neighbours alone enough.
    const boxes = [row(300, 0), row(312, 0), row(324, 0), row(300, 1), row(400, 0)];
    const near = probabilisticIou(gaussianOf(boxes[0]!.box), gaussianOf(boxes[1]!.box));
    const far = probabilisticIou(gaussianOf(boxes[0]!.box), gaussianOf(boxes[2]!.box));
    const iouThreshold = (near + far) / 2;
    const options = { iouThreshold, isAgnostic: false, limit: 300 };
    expect(keptBoxes(boxes, options)).toEqual([0, 3, 4]);
    expect(keptBoxes(boxes, { ...options, isAgnostic: true })).toEqual([0, 4]);
    expect(keptBoxes(boxes, { ...options, limit: 1 })).toEqual([0]);
    expect(keptBoxes(boxes, { ...options, iouThreshold: near + 1e-6 })).toEqual([0, 1, 2, 3, 4]);
    expect(keptBoxes(boxes, { ...options, iouThreshold: near })).toEqual([0, 3, 4]);
  });
});

describe('the head of oriented boxes', () => {
  /** Ultralytics v8, v11 obb: centre, size, classes, angle. */
  const rows = [
    [300, 320, 80, 20, 0.9, 0.1, Math.PI / 4],
    [301, 320, 80, 20, 0.8, 0.1, Math.PI / 4],
    [500, 300, 20, 60, 0.1, 0.7, 0],
    [100, 300, 20, 60, 0.1, 0.2, 0],
  ];
  const half = 50 / Math.SQRT2;

  test('gives boxes in source pixels, turned and as their hull', () => {
    const decode = (layout: 'channels-first' | 'rows') => {
      const isRows = layout === 'rows';
      const shape = isRows ? [1, 4, 7] : [1, 7, 4];
      const decoder = decoderOf({ ...raw, layout }, shape, labels);
      const values = isRows ? rows.flat() : transposed(rows);
      return decoder.decode(outputOf(values, shape), letterboxed).findings.detections!;
    };
    const detections = decode('channels-first');
    expect(decode('rows')).toEqual(detections);
    expect(detections).toHaveLength(2);
    const [tray, lid] = detections;
    expect(tray).toMatchObject({ label: 'tray', labelIndex: 0, score: 0.9 });
    const { polygon, ...measures } = tray!.orientedBox!;
    // At twice the size, and 280 above: the bars are 140 pixels of the input.
    expect(measures).toEqual({ x: 600, y: 360, width: 160, height: 40, angleDegrees: 45 });
    const hull = { x: 600 - 2 * half, y: 360 - 2 * half, width: 4 * half, height: 4 * half };
    for (const [name, value] of Object.entries(hull)) {
      expect(tray!.box[name as keyof typeof hull]).toBeCloseTo(value, 1);
    }
    expect(polygon).toHaveLength(4);
    const along = { x: 80 / Math.SQRT2, y: 80 / Math.SQRT2 };
    const across = { x: -20 / Math.SQRT2, y: 20 / Math.SQRT2 };
    expect(polygon[0]!.x).toBeCloseTo(600 - along.x - across.x, 1);
    expect(polygon[0]!.y).toBeCloseTo(360 - along.y - across.y, 1);
    expect(polygon[2]!.x).toBeCloseTo(600 + along.x + across.x, 1);
    // The longer side stands upright.
    expect(lid).toMatchObject({
      label: 'lid',
      box: { x: 980, y: 260, width: 40, height: 120 },
      orientedBox: { x: 1000, y: 320, width: 120, height: 40, angleDegrees: 90 },
    });
  });

  test('keeps the hull inside the picture, and the corners where they are', () => {
    const shape = [1, 7, 1];
    const values = [2, 320, 40, 20, 0.9, 0, 0];
    const decoder = decoderOf(raw, shape, labels);
    const [found] = decoder.decode(outputOf(values, shape), letterboxed).findings.detections!;
    expect(found!.box).toEqual({ x: 0, y: 340, width: 44, height: 40 });
    expect(found!.orientedBox!.polygon[0]).toEqual({ x: -36, y: 340 });
    const outside = outputOf(values.with(0, -50), shape);
    expect(decoder.decode(outside, letterboxed).findings.detections).toEqual([]);
  });

  test('that ends in rows gives the same boxes without suppression', () => {
    const shape = [1, 3, 7];
    const given = [
      [300, 320, 80, 20, 0.9, 0, Math.PI / 4],
      [301, 320, 80, 20, 0.8, 0, Math.PI / 4],
      [0, 0, 0, 0, 0, 0, 0],
    ];
    const decoder = decoderOf(endToEnd, shape, labels);
    const found = decoder.decode(outputOf(given.flat(), shape), letterboxed).findings.detections!;
    expect(found.map(({ score }) => score)).toEqual([0.9, 0.8]);
    expect(found[0]!.orientedBox).toMatchObject({ x: 600, y: 360, width: 160, angleDegrees: 45 });
  });

  test('refuses NaN, and shapes that have no angle', () => {
    const shape = [1, 7, 4];
    const decoder = decoderOf(raw, shape, labels);
    const values = transposed(rows).with(25, NaN);
    expect(refusalOf(() => decoder.decode(outputOf(values, shape), letterboxed))).toContain(
      'OUTPUT_INVALID',
    );
    expect(refusalOf(() => decoderOf(raw, [1, 6, 8400], labels))).toContain('MODEL_MISMATCH');
    const rowsDecoder = decoderOf(endToEnd, [1, 1, 7], labels);
    const notFinite = outputOf([1, 1, 1, 1, 0.9, 0, Infinity], [1, 1, 7]);
    expect(refusalOf(() => rowsDecoder.decode(notFinite, letterboxed))).toContain('OUTPUT_INVALID');
    expect(refusalOf(() => decoderOf(endToEnd, [1, 300, 6], labels))).toContain('[1, N, 7]');
  });
});
