import { describe, expect, test } from 'vitest';
import { decoderOf, letterboxed, outputOf, refusalOf } from './decode-model.ts';
import { seededRandom } from './yolo-oracle.ts';

const WIDTH = 20;
const HEIGHT = 16;

/** As `get_final_preds` of HRNet says it, in cells, cell by cell. */
function peak(map: readonly number[][]): { x: number; y: number; score: number } {
  let best = { x: 0, y: 0, score: -Infinity };
  map.forEach((row, y) =>
    row.forEach((score, x) => {
      if (score > best.score) best = { x, y, score };
    }),
  );
  const { x, y, score } = best;
  if (!(1 < x && x < WIDTH - 1 && 1 < y && y < HEIGHT - 1)) return best;
  const across = map[y]![x + 1]! - map[y]![x - 1]!;
  const down = map[y + 1]![x]! - map[y - 1]![x]!;
  return { x: x + 0.25 * Math.sign(across), y: y + 0.25 * Math.sign(down), score };
}

const flat = (maps: readonly number[][][]) => maps.flat(2);

describe('heat maps of keypoints (HRNet, SimpleBaseline, ViTPose: [1, K, H, W])', () => {
  const output = { decoder: 'heatmaps', scoreThreshold: 0 } as const;
  const shape = [1, 5, HEIGHT, WIDTH];
  const names = ['a', 'b', 'c', 'd', 'e'];

  test('give each keypoint where its map is greatest, moved by a quarter of a cell', () => {
    const random = seededRandom(7);
    const maps = names.map(() =>
      Array.from({ length: HEIGHT }, () =>
        Array.from({ length: WIDTH }, () => Math.fround(random() * 0.9)),
      ),
    );
    // Two at edges, where nothing is moved.
    maps[3]![0]![9] = 0.95;
    maps[4]![8]![WIDTH - 1] = 0.95;
    const decoder = decoderOf(output, shape, names);
    const { poses } = decoder.decode(outputOf(flat(maps), shape), letterboxed).findings;
    const [pose] = poses!;
    let sum = 0;
    pose!.keypoints.forEach(({ name, x, y, score }, index) => {
      const expected = peak(maps[index]!);
      sum += expected.score;
      expect(name).toBe(names[index]);
      expect(score).toBeCloseTo(expected.score, 5);
      // 640 / 20 and 640 / 16 input pixels a cell, then 2 × and 280 above, inside the picture.
      expect(x).toBeCloseTo(expected.x * 32 * 2, 1);
      expect(y).toBeCloseTo(Math.min(720, Math.max(0, expected.y * 40 * 2 - 280)), 1);
    });
    expect(pose!.score).toBeCloseTo(sum / 5, 5);
  });

  test('of logits, of no one, and of regressions that overshoot', () => {
    const cells = HEIGHT * WIDTH;
    const one = (value: number, settings: object) => {
      const values = new Array<number>(cells).fill(-9);
      values[8 * WIDTH + 5] = value;
      const decoder = decoderOf({ ...output, ...settings }, [1, 1, HEIGHT, WIDTH], ['a']);
      return () =>
        decoder.decode(outputOf(values, [1, 1, HEIGHT, WIDTH]), letterboxed).findings.poses!;
    };
    expect(one(2, { activation: 'sigmoid' })()[0]!.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 5);
    expect(one(0.1, { scoreThreshold: 0.2 })()).toEqual([]);
    expect(one(1.1, {})()[0]!.score).toBe(1);
    expect(refusalOf(one(7, {}))).toContain("set output.activation to 'sigmoid'");
    expect(refusalOf(one(NaN, {}))).toContain(`NaN at element ${8 * WIDTH + 5}`);
  });

  test('are refused with another number of labels than maps', () => {
    expect(refusalOf(() => decoderOf(output, shape, ['a']))).toContain('MODEL_MISMATCH');
    expect(refusalOf(() => decoderOf(output, [1, 17, 3], []))).toContain('[1, K, H, W]');
  });
});
