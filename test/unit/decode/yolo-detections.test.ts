import { describe, expect, test } from 'vitest';
import type { Detection } from '../../../component/contract/result.ts';
import { halfToNumber } from '../../../component/decode/output-values.ts';
import { decoderOf, letterboxed, outputOf, refusalOf } from './decode-model.ts';
import { readYolo, seededRandom, transposed } from './yolo-oracle.ts';

const labels = ['person', 'car', 'dog'];
const output = { decoder: 'yolo-detections' };

/** v8, v9, v11, v12: [1, 4 + C, N]. */
function decodeChannels(rows: number[][], settings: object = {}, context = letterboxed) {
  const shape = [1, rows[0]!.length, rows.length];
  const values = outputOf(transposed(rows), shape);
  return decoderOf({ ...output, ...settings }, shape, labels).decode(values, context).findings
    .detections!;
}

/** v5, v6, v7: [1, N, 5 + C]. */
function decodeRows(rows: number[][], settings: object = {}, context = letterboxed) {
  const shape = [1, rows.length, rows[0]!.length];
  const values = outputOf(rows.flat(), shape);
  return decoderOf({ ...output, ...settings }, shape, labels).decode(values, context).findings
    .detections!;
}

/** A crowded made-up scene: many candidates around a few places, most of them weak. */
function scene(count: number, hasObjectness: boolean, seed: number): number[][] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const place = Math.floor(random() * 12);
    const box = [
      60 + (place % 4) * 150 + random() * 40,
      200 + Math.floor(place / 4) * 110 + random() * 40,
      40 + random() * 60,
      40 + random() * 60,
    ];
    const scores = labels.map(() => random() ** 3);
    return [...box, ...(hasObjectness ? [random()] : []), ...scores].map(Math.fround);
  });
}

function expectOracle(found: Detection[], expected: ReturnType<typeof readYolo>): void {
  expect(found.map(({ score }) => score)).toEqual(
    expected.map(({ score }) => Math.round(score * 1e6) / 1e6),
  );
  found.forEach(({ box, label }, index) => {
    const { box: corners, label: labelIndex } = expected[index]!;
    expect(label).toBe(labels[labelIndex]);
    // The picture of 1280×720 lies in the input at half size, 140 pixels down.
    const clip = (value: number, most: number) => Math.min(most, Math.max(0, value));
    expect(box.x).toBeCloseTo(clip(corners[0] * 2, 1280), 1);
    expect(box.y).toBeCloseTo(clip(corners[1] * 2 - 280, 720), 1);
    expect(box.x + box.width).toBeCloseTo(clip(corners[2] * 2, 1280), 1);
    expect(box.y + box.height).toBeCloseTo(clip(corners[3] * 2 - 280, 720), 1);
  });
}

describe('YOLO detections', () => {
  test('of the anchor-free layout come out in source pixels', () => {
    const rows = [
      [100, 200, 40, 20, 0.1, 0.8, 0],
      [400, 300, 100, 100, 0.6, 0.2, 0.5],
      [400, 300, 100, 100, 0.1, 0.1, 0.2],
    ];
    expect(decodeChannels(rows)).toEqual([
      { label: 'car', labelIndex: 1, score: 0.8, box: { x: 160, y: 100, width: 80, height: 40 } },
      {
        label: 'person',
        labelIndex: 0,
        score: 0.6,
        box: { x: 700, y: 220, width: 200, height: 200 },
      },
    ]);
  });

  test('with objectness have the product for a score', () => {
    const rows = [
      [100, 200, 40, 20, 0.5, 0.1, 0.8, 0],
      [400, 300, 100, 100, 0.3, 0.8, 0, 0],
    ];
    expect(decodeRows(rows)).toEqual([
      { label: 'car', labelIndex: 1, score: 0.4, box: { x: 160, y: 100, width: 80, height: 40 } },
    ]);
  });

  test("with YOLOv6's objectness of 1 have the class score", () => {
    expect(decodeRows([[100, 200, 40, 20, 1, 0.1, 0.8, 0]])[0]!.score).toBe(0.8);
  });

  test('drop each other within a class, or over all classes when asked', () => {
    const rows = [
      [100, 300, 40, 40, 0.9, 0, 0],
      [102, 300, 40, 40, 0.8, 0, 0],
      [100, 302, 40, 40, 0, 0.7, 0],
    ];
    const found = (settings: object) => decodeChannels(rows, settings).map(({ score }) => score);
    expect(found({})).toEqual([0.9, 0.7]);
    expect(found({ suppression: 'agnostic' })).toEqual([0.9]);
    expect(found({ iouThreshold: 1 })).toEqual([0.9, 0.8, 0.7]);
  });

  test('stay when their overlap is exactly the threshold, and go when it is greater', () => {
    // 30×40 of two boxes of 40×40 in common: 1200 / 2000 = 0.6.
    const rows = [
      [100, 300, 40, 40, 0.9, 0, 0],
      [110, 300, 40, 40, 0.8, 0, 0],
    ];
    expect(decodeChannels(rows, { iouThreshold: 0.6 })).toHaveLength(2);
    expect(decodeChannels(rows, { iouThreshold: 0.59 })).toHaveLength(1);
  });

  test('of equal scores keep the order of the output', () => {
    const rows = [500, 100, 300].map((x) => [x, 300, 20, 20, 0.5, 0, 0]);
    expect(decodeChannels(rows).map(({ box }) => box.x + box.width / 2)).toEqual([1000, 200, 600]);
    const same = [0, 1, 2].map(() => [100, 300, 20, 20, 0.5, 0.5, 0]);
    expect(decodeChannels(same)).toHaveLength(1);
    expect(decodeChannels(same)[0]!.label).toBe('person');
  });

  test("take the camera's threshold, and a label's before it", () => {
    const rows = [
      [100, 300, 40, 40, 0.55, 0, 0],
      [300, 300, 40, 40, 0, 0.45, 0],
      [500, 300, 40, 40, 0, 0, 0.15],
    ];
    const found = (thresholds: object) =>
      decodeChannels(
        rows,
        {},
        {
          ...letterboxed,
          thresholds: { labels: {}, ...thresholds },
        },
      ).map(({ label }) => label);
    expect(found({})).toEqual(['person', 'car']);
    expect(found({ score: 0.5 })).toEqual(['person']);
    expect(found({ score: 0.5, labels: { person: 0.6, dog: 0.1 } })).toEqual(['dog']);
  });

  test('are at most maxDetections', () => {
    const rows = scene(300, false, 5);
    const all = decodeChannels(rows, { iouThreshold: 1 });
    expect(decodeChannels(rows, { iouThreshold: 1, maxDetections: 7 })).toEqual(all.slice(0, 7));
  });

  test('agree with a plain reading of the head', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      for (const isAgnostic of [false, true]) {
        const suppression = isAgnostic ? 'agnostic' : 'per-class';
        const options = { classes: 3, threshold: 0.25, iou: 0.45, isAgnostic };
        const plain = scene(400, false, seed);
        const settings = { suppression, maxDetections: 4096 };
        expectOracle(
          decodeChannels(plain, settings),
          readYolo(plain, { ...options, hasObjectness: false }),
        );
        const rows = scene(400, true, seed);
        expectOracle(
          decodeRows(rows, settings),
          readYolo(rows, { ...options, hasObjectness: true }),
        );
      }
    }
  });

  test('are the same whichever way the head lies in memory', () => {
    const rows = scene(500, false, 77);
    expect(decodeRows(rows, { hasObjectness: false })).toEqual(decodeChannels(rows));
    const withObjectness = scene(500, true, 78);
    expect(decodeChannels(withObjectness)).toEqual(decodeRows(withObjectness));
  });

  test('take at most 4096 candidates, the best', () => {
    const count = 6000;
    const rows = Array.from({ length: count }, (_, index) => [
      (index % 100) * 6,
      150 + Math.floor(index / 100) * 5,
      1,
      1,
      0.3 + (index / count) * 0.5,
      0,
      0,
    ]);
    const found = decodeChannels(rows, { maxDetections: 4096 });
    expect(found).toHaveLength(4096);
    expect(found[0]!.score).toBeCloseTo(0.3 + ((count - 1) / count) * 0.5, 5);
    expect(found.at(-1)!.score).toBeCloseTo(0.3 + ((count - 4096) / count) * 0.5, 5);
  });

  test('read halves', () => {
    const halves = [0x5640, 0x5a40, 0x5100, 0x4d00, 0x2e66, 0x3a66, 0];
    const shape = [1, 7, 1];
    const data = Uint16Array.from(halves);
    const values = new Map([
      ['output0', { name: 'output0', dtype: 'float16' as const, shape, data }],
    ]);
    const { findings } = decoderOf(output, shape, labels).decode(values, letterboxed);
    expect(findings.detections).toMatchObject([{ label: 'car' }]);
    expect(findings.detections![0]!.score).toBeCloseTo(halfToNumber(0x3a66), 6);
  });

  test('find the layout by the labels, by what is open, and by size', () => {
    const load = (shape: (number | string | null)[], names: string[] = [], settings = {}) =>
      refusalOf(() => decoderOf({ ...output, ...settings }, shape, names));
    const coco = Array.from({ length: 80 }, (_, index) => `class ${index}`);
    for (const shape of [
      [1, 84, 8400],
      [1, 25200, 85],
      ['batch', 84, 'anchors'],
      ['batch', 'anchors', 85],
      [1, 84, 84],
      [],
    ]) {
      expect(load(shape, coco), String(shape)).toBe('nothing thrown');
    }
    expect(load([1, 84, 8400])).toBe('nothing thrown');
    expect(load(['b', 'n', 'm'], coco)).toBe('nothing thrown');
    expect(load([1, 84, 8400], labels)).toMatch(
      /MODEL_MISMATCH.*84 channels, expected 7, or 8 with objectness, for 3 labels.*'output0'/,
    );
    expect(load([1, 84, 8400], coco, { hasObjectness: true })).toMatch(/MODEL_MISMATCH/);
    expect(load([1, 4, 8400])).toMatch(/MODEL_MISMATCH.*4 channels/);
    expect(load([1, 3, 80, 80, 85], coco)).toMatch(/MODEL_MISMATCH.*\[1, 3, 80, 80, 85\]/);
    expect(load([2, 84, 8400], coco)).toMatch(/MODEL_MISMATCH/);
  });

  test('are read from the shape that comes when the graph declares none', () => {
    const rows = scene(50, false, 3);
    const shape = [1, 7, 50];
    const open = decoderOf(output, ['b', 'c', 'n'], labels);
    expect(open.decode(outputOf(transposed(rows), shape), letterboxed).findings.detections).toEqual(
      decodeChannels(rows),
    );
    expect(
      refusalOf(() => open.decode(outputOf(new Array(60).fill(0), [1, 6, 10]), letterboxed)),
    ).toMatch(/^OUTPUT_INVALID.*\[1, 6, 10\]: it has 6 channels, expected 7/);
  });

  test('refuse NaN, infinite values and logits', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (let column = 0; column < 7; column += 1) {
        const row = [100, 300, 40, 40, 0.1, 0.1, 0.1];
        row[column] = bad;
        expect(refusalOf(() => decodeChannels([row]))).toMatch(/^OUTPUT_INVALID/);
      }
    }
    expect(refusalOf(() => decodeChannels([[100, 300, 40, 40, 3.2, 0, 0]]))).toMatch(
      /^OUTPUT_INVALID.*score 3\.2/,
    );
    expect(refusalOf(() => decodeRows([[100, 300, 40, 40, 4, 0.2, 0, 0]]))).toMatch(
      /^OUTPUT_INVALID.*score 4/,
    );
    expect(refusalOf(() => decodeRows([[100, 300, 40, 40, -4, -3, -3, -3]]))).toMatch(
      /^OUTPUT_INVALID/,
    );
  });
});
