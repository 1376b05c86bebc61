import { describe, expect, test } from 'vitest';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import { decoderOf, letterboxed, outputOf, refusalOf, squareSpec } from './decode-model.ts';
import { transposed } from './yolo-oracle.ts';

const labels = ['person', 'cart'];

describe('rows of poses (YOLO26 pose, [1, 300, 6 + K × 3])', () => {
  const output = { decoder: 'end-to-end-poses', keypointNames: ['front', 'back'] } as const;
  const rows = [
    [100, 200, 200, 300, 0.6, 1, 110, 210, 0.9, 190, 290, 0.4],
    [300, 200, 400, 300, 0.8, 0, 310, 210, 0.5, 390, 290, 0.7],
    new Array<number>(12).fill(0),
  ];

  test('give poses best first, with boxes and keypoints in source pixels', () => {
    const decoder = decoderOf(output, [1, 3, 12], labels);
    const { poses } = decoder.decode(outputOf(rows.flat(), [1, 3, 12]), letterboxed).findings;
    // Twice the size, and 280 above.
    expect(poses).toEqual([
      {
        label: 'person',
        labelIndex: 0,
        score: 0.8,
        box: { x: 600, y: 120, width: 200, height: 200 },
        keypoints: [
          { name: 'front', x: 620, y: 140, score: 0.5 },
          { name: 'back', x: 780, y: 300, score: 0.7 },
        ],
      },
      {
        label: 'cart',
        labelIndex: 1,
        score: 0.6,
        box: { x: 200, y: 120, width: 200, height: 200 },
        keypoints: [
          { name: 'front', x: 220, y: 140, score: 0.9 },
          { name: 'back', x: 380, y: 300, score: 0.4 },
        ],
      },
    ]);
  });

  test('of two dimensions have the score of their pose', () => {
    const settings = { decoder: 'end-to-end-poses', keypointDimensions: 2 } as const;
    const decoder = decoderOf(settings, [1, 1, 10], labels);
    const row = [100, 200, 200, 300, 0.6, 1, 110, 210, 190, 290];
    const { poses } = decoder.decode(outputOf(row, [1, 1, 10]), letterboxed).findings;
    expect(poses![0]!.keypoints).toEqual([
      { name: '0', x: 220, y: 140, score: 0.6 },
      { name: '1', x: 380, y: 300, score: 0.6 },
    ]);
  });

  test('refuse another number of keypoints, and scores that are none', () => {
    expect(refusalOf(() => decoderOf(output, [1, 300, 57], labels))).toContain('6 + 2 × 3');
    const decoder = decoderOf(output, [1, 1, 12], labels);
    const bad = outputOf(rows[0]!.with(8, 3), [1, 1, 12]);
    expect(refusalOf(() => decoder.decode(bad, letterboxed))).toContain('OUTPUT_INVALID');
    const nan = outputOf(rows[0]!.with(6, NaN), [1, 1, 12]);
    expect(refusalOf(() => decoder.decode(nan, letterboxed))).toContain('holds NaN at element 6');
  });
});

describe('rows with masks (YOLO26 seg, [1, 300, 6 + P] and prototypes)', () => {
  const tensor = (name: string, shape: number[], values: ArrayLike<number>): TensorValue => ({
    name,
    dtype: 'float32',
    shape,
    data: Float32Array.from(values),
  });
  /** Two prototypes of 160×160: a disc of radius 20 around 80, 80, and the left half. */
  const prototypes = tensor(
    'output1',
    [1, 2, 160, 160],
    Array.from({ length: 2 * 160 * 160 }, (_, index) => {
      const [x, y] = [index % 160, Math.floor(index / 160) % 160];
      if (index >= 160 * 160) return x < 80 ? 1 : -1;
      return 20 - Math.hypot(x + 0.5 - 80, y + 0.5 - 80);
    }),
  );
  const boxes = [
    { corners: [200, 200, 440, 440], score: 0.9, label: 1, coefficients: [1, 0] },
    { corners: [280, 300, 360, 340], score: 0.7, label: 0, coefficients: [0, 5] },
  ];
  const decode = (decoder: string, head: TensorValue, settings: object = {}) => {
    const output = modelOutputSchema.parse({ decoder, ...settings });
    const made = createDecoder(output, [head, prototypes], { labels, spec: squareSpec });
    const all = new Map([head, prototypes].map((one) => [one.name, one]));
    return made.decode(all, letterboxed).findings.detections!;
  };
  const rows = boxes.map(({ corners, score, label, coefficients }) => [
    ...corners,
    score,
    label,
    ...coefficients,
  ]);

  test('give the masks that the same candidates have in a head with suppression', () => {
    const found = decode('end-to-end-segments', tensor('output0', [1, 2, 8], rows.flat()));
    expect(found.map(({ label, score }) => [label, score])).toEqual([
      ['cart', 0.9],
      ['person', 0.7],
    ]);
    // The rule of the masks is proven with yolo-segments; here, that each row has its own.
    const candidates = boxes.map(({ corners, score, label, coefficients }) => {
      const [x1, y1, x2, y2] = corners as [number, number, number, number];
      const scores = [0, 0].with(label, score);
      return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, ...scores, ...coefficients];
    });
    const head = tensor('output0', [1, 8, 2], transposed(candidates));
    expect(found).toEqual(decode('yolo-segments', head, { layout: 'channels-first' }));
    // A disc of radius 80 in the input, 160 in the source, around 640, 360.
    for (const point of found[0]!.mask!.polygons[0]!) {
      const distance = Math.hypot(point.x - 640, point.y - 360);
      expect(Math.abs(distance - 160)).toBeLessThan(6);
    }
    const left = found[1]!.mask!.polygons[0]!;
    // To half a cell of the prototypes, 4 pixels of the source.
    expect(Math.abs(Math.max(...left.map(({ x }) => x)) - 640)).toBeLessThanOrEqual(4);
    expect(Math.abs(Math.min(...left.map(({ x }) => x)) - 560)).toBeLessThanOrEqual(4);
  });

  test('refuse another number of coefficients than prototypes', () => {
    const head = tensor('output0', [1, 2, 9], new Array<number>(18).fill(0));
    expect(refusalOf(() => decode('end-to-end-segments', head))).toContain('[1, N, 6 + 2]');
  });
});
