import { describe, expect, test } from 'vitest';
import { decoderOf, letterboxed, outputOf, refusalOf } from './decode-model.ts';
import { readYolo, seededRandom, transposed } from './yolo-oracle.ts';

const output = { decoder: 'yolo-poses', keypointNames: ['tip', 'heel'] };
const small = { ...output, layout: 'channels-first' };

/** Box, score of the only class, then x, y, score of two keypoints. */
function decode(rows: number[][], settings: object = {}, context = letterboxed) {
  const shape = [1, rows[0]!.length, rows.length];
  const values = outputOf(transposed(rows), shape);
  return decoderOf({ ...small, ...settings }, shape, ['tool']).decode(values, context).findings
    .poses!;
}

describe('YOLO poses', () => {
  test('come out in source pixels with their box', () => {
    expect(decode([[100, 200, 40, 20, 0.75, 90, 195, 0.9, 110, 205, 0.25]])).toEqual([
      {
        label: 'tool',
        labelIndex: 0,
        score: 0.75,
        box: { x: 160, y: 100, width: 80, height: 40 },
        keypoints: [
          { name: 'tip', x: 180, y: 110, score: expect.closeTo(0.9, 6) as number },
          { name: 'heel', x: 220, y: 130, score: 0.25 },
        ],
      },
    ]);
  });

  test('with keypoints of two dimensions have the score of the pose', () => {
    const [pose] = decode([[100, 200, 40, 20, 0.75, 90, 195, 110, 205]], { keypointDimensions: 2 });
    expect(pose!.keypoints.map(({ x, y, score }) => [x, y, score])).toEqual([
      [180, 110, 0.75],
      [220, 130, 0.75],
    ]);
  });

  test('agree with a plain reading of the head', () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const random = seededRandom(seed);
      const rows = Array.from({ length: 300 }, () => {
        const [x, y] = [150 + Math.floor(random() * 3) * 150, 250 + Math.floor(random() * 2) * 100];
        return [
          x + random() * 30,
          y + random() * 30,
          60 + random() * 30,
          60 + random() * 30,
          random(),
          ...[0, 1].flatMap(() => [x + random() * 60, y + random() * 60, random()]),
        ].map(Math.fround);
      });
      const expected = readYolo(rows, {
        classes: 1,
        hasObjectness: false,
        threshold: 0.25,
        iou: 0.45,
      });
      const found = decode(rows);
      expect(found.map(({ score }) => score)).toEqual(
        expected.map(({ score }) => Math.round(score * 1e6) / 1e6),
      );
      found.forEach(({ keypoints }, index) => {
        const { row } = expected[index]!;
        keypoints.forEach(({ x, y, score }, keypoint) => {
          expect(x).toBeCloseTo(row[5 + keypoint * 3]! * 2, 1);
          expect(y).toBeCloseTo(row[6 + keypoint * 3]! * 2 - 280, 1);
          expect(score).toBeCloseTo(row[7 + keypoint * 3]!, 5);
        });
      });
    }
  });

  test('are refused, by name, for channels that are no keypoints, NaN and logits', () => {
    const load = (shape: (number | string)[], settings: object = {}, labels: string[] = []) =>
      refusalOf(() => decoderOf({ decoder: 'yolo-poses', ...settings }, shape, labels));
    expect(load([1, 56, 8400])).toBe('nothing thrown');
    expect(load(['batch', 56, 'anchors'])).toBe('nothing thrown');
    expect(load([1, 84, 8400])).toMatch(/MODEL_MISMATCH.*84 channels.*3 for each of the keypoints/);
    expect(load([1, 56, 8400], output)).toMatch(/MODEL_MISMATCH.*each of the 2 keypoints/);
    expect(load([1, 57, 8400], {}, ['a', 'b'])).toBe('nothing thrown');
    expect(load([1, 17, 3])).toMatch(/MODEL_MISMATCH/);
    const row = [100, 200, 40, 20, 0.75, 90, 195, 0.9, 110, 205, 0.25];
    expect(refusalOf(() => decode([row.with(6, NaN)]))).toMatch(/^OUTPUT_INVALID/);
    expect(refusalOf(() => decode([row.with(7, 5)]))).toMatch(/^OUTPUT_INVALID.*score 5/);
    const declared = decoderOf(output, [1, 11, 'n'], ['tool']);
    expect(
      refusalOf(() => declared.decode(outputOf(new Array(28).fill(0), [1, 7, 4]), letterboxed)),
    ).toMatch(/^OUTPUT_INVALID.*expected 11 channels, as the graph declares/);
  });
});
