import { describe, expect, test } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { decoderOf, letterboxed, outputOf, refusalOf, squareSpec } from './decode-model.ts';

const output = { decoder: 'movenet' };
const shape = [1, 1, 17, 3];
const labels = ['tip', 'joint'];

/** Two keypoints in place of MoveNet's 17: y, x, score each. */
const decode = (values: number[], context = letterboxed) =>
  decoderOf(output, [1, 1, 2, 3], labels).decode(outputOf(values, [1, 1, 2, 3]), context).findings
    .poses!;

describe('MoveNet keypoints', () => {
  test('come out in source pixels, letterbox bars taken away', () => {
    const poses = decode([0.5, 0.25, 0.9, 0.75, 0.5, 0.4]);
    expect(poses).toEqual([
      {
        score: 0.65,
        keypoints: [
          { name: 'tip', x: 320, y: 360, score: 0.9 },
          { name: 'joint', x: 640, y: 680, score: 0.4 },
        ],
      },
    ]);
  });

  test('are kept inside of what the model was shown', () => {
    const [pose] = decode([0.1, -0.2, 0.9, 1.2, 1.1, 0.9]);
    expect(pose!.keypoints).toMatchObject([
      { x: 0, y: 0 },
      { x: 1280, y: 720 },
    ]);
    const [cut] = decode([0.1, 0, 0.9, 0.1, 1, 0.9], {
      ...letterboxed,
      view: { ...WHOLE_FRAME, region: { x: 100, y: 200, width: 300, height: 300 } },
    });
    expect(cut!.keypoints).toMatchObject([
      { x: 100, y: 200 },
      { x: 400, y: 200 },
    ]);
  });

  test('are no pose when their mean score is below the threshold', () => {
    const unsure = [0.5, 0.5, 0.3, 0.5, 0.5, 0.05];
    expect(decode(unsure)).toEqual([]);
    const thresholds = { score: 0.1, labels: {} };
    expect(decode(unsure, { ...letterboxed, thresholds })).toHaveLength(1);
  });

  test("have COCO's names where the model has none", () => {
    const values = Array.from({ length: 51 }, () => 0.5);
    const { findings } = decoderOf(output, shape).decode(outputOf(values, shape), letterboxed);
    expect(findings.poses![0]!.keypoints.at(-1)!.name).toBe('right_ankle');
  });

  test('are refused, by name, for another shape, another number of labels, NaN and logits', () => {
    const load = (declared: (number | string)[], names: string[] = []) =>
      refusalOf(() => decoderOf(output, declared, names, squareSpec));
    expect(load(['batch', 1, 17, 3])).toBe('nothing thrown');
    expect(load([1, 6, 56])).toMatch(/MODEL_MISMATCH.*'output0' float32 \[1, 6, 56\]/);
    expect(load(shape, labels)).toMatch(/MODEL_MISMATCH.*17 keypoints, there are 2 labels/);
    const run = (values: number[]) => refusalOf(() => decode(values));
    expect(run([0.5, NaN, 0.9, 0.5, 0.5, 0.9])).toMatch(/^OUTPUT_INVALID.*NaN at element 1/);
    expect(run([0.5, 0.5, 3.5, 0.5, 0.5, 0.9])).toMatch(/^OUTPUT_INVALID/);
    const values = Array.from({ length: 51 }, () => 0.5);
    expect(
      refusalOf(() => decoderOf(output, []).decode(outputOf(values, [1, 17, 3]), letterboxed)),
    ).toMatch(/^OUTPUT_INVALID.*\[1, 17, 3\], expected \[1, 1, K, 3\]/);
  });
});
