import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decoderOf, letterboxed, outputOf, refusalOf, squareSpec } from './decode-model.ts';
import { readYolo, seededRandom } from './yolo-oracle.ts';

const labels = ['bolt', 'nut'];
/** 64×96: 8×12 + 4×6 + 2×3 cells. */
const spec = { ...squareSpec, width: 64, height: 96 };
const COUNT = 126;
const context = {
  ...letterboxed,
  transform: { scaleX: 2, scaleY: 2, offsetX: 0, offsetY: 0, source: { width: 128, height: 192 } },
};

/** As YOLOX' `demo_postprocess` says it, row by row. */
function decodedRows(raw: readonly (readonly number[])[]): number[][] {
  const rows: number[][] = [];
  for (const stride of [8, 16, 32]) {
    for (let y = 0; y < 96 / stride; y += 1) {
      for (let x = 0; x < 64 / stride; x += 1) {
        const [dx, dy, w, h, ...rest] = raw[rows.length] as [number, number, number, number];
        const box = [
          (dx + x) * stride,
          (dy + y) * stride,
          Math.exp(w) * stride,
          Math.exp(h) * stride,
        ];
        rows.push([...box.map(Math.fround), ...(rest as number[])]);
      }
    }
  }
  return rows;
}

function randomHead(seed: number): number[][] {
  const random = seededRandom(seed);
  return Array.from({ length: COUNT }, () => [
    Math.fround(random()),
    Math.fround(random()),
    Math.fround(random() * 2 - 0.5),
    Math.fround(random() * 2 - 0.5),
    Math.fround(random()),
    Math.fround(random()),
    Math.fround(random()),
  ]);
}

const settings = { decoder: 'yolox', scoreThreshold: 0.4, iouThreshold: 0.45 } as const;

describe('the raw head of YOLOX', () => {
  test('gives the boxes that its own decoding and suppression give', () => {
    const decoder = decoderOf(settings, [1, COUNT, 7], labels, spec);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const raw = randomHead(seed);
        const { detections } = decoder.decode(
          outputOf(raw.flat(), [1, COUNT, 7]),
          context,
        ).findings;
        const expected = readYolo(decodedRows(raw), {
          classes: 2,
          hasObjectness: true,
          threshold: 0.4,
          iou: 0.45,
        }).filter(({ box }) => box[2] > 0 && box[3] > 0 && box[0] < 64 && box[1] < 96);
        expect(detections!.map(({ label, score }) => [label, score])).toEqual(
          expected.map(({ label, score }) => [labels[label], Math.round(score * 1e6) / 1e6]),
        );
        detections!.forEach(({ box }, index) => {
          const [x1, y1] = expected[index]!.box;
          expect(box.x).toBeCloseTo(Math.max(0, x1) * 2, 1);
          expect(box.y).toBeCloseTo(Math.max(0, y1) * 2, 1);
        });
      }),
      { numRuns: 50 },
    );
  });

  test('has a box by hand: the cell of row 3 and column 5 at stride 8', () => {
    const raw = Array.from({ length: COUNT }, () => [0, 0, 0, 0, 0, 0, 0]);
    raw[3 * 8 + 5] = [0.5, 0.25, Math.log(2), Math.log(3), 0.9, 0, 1];
    const decoder = decoderOf(settings, [1, COUNT, 7], labels, spec);
    const found = decoder.decode(outputOf(raw.flat(), [1, COUNT, 7]), context);
    // Centre 44, 26 and size 16 × 24 in the input.
    expect(found.findings.detections).toEqual([
      { label: 'nut', labelIndex: 1, score: 0.9, box: { x: 72, y: 28, width: 32, height: 48 } },
    ]);
  });

  test('is refused with another number of rows, and with what is no number', () => {
    expect(refusalOf(() => decoderOf(settings, [1, 300, 7], labels, spec))).toMatch(
      /MODEL_MISMATCH.*300 rows.*64×96/,
    );
    const decoder = decoderOf(settings, [1, null, 7], labels, spec);
    const few = outputOf(new Array<number>(70).fill(0), [1, 10, 7]);
    expect(refusalOf(() => decoder.decode(few, context))).toContain('OUTPUT_INVALID');
    const raw = randomHead(1).flat();
    const nan = outputOf(raw.with(9, NaN), [1, COUNT, 7]);
    expect(refusalOf(() => decoder.decode(nan, context))).toContain('NaN at element 9');
    const huge = outputOf(raw.with(2, 900).with(4, 1).with(5, 1), [1, COUNT, 7]);
    expect(refusalOf(() => decoder.decode(huge, context))).toContain('e^900');
    const logits = outputOf(raw.with(4, 7), [1, COUNT, 7]);
    expect(refusalOf(() => decoder.decode(logits, context))).toContain('is a sigmoid missing');
  });
});
