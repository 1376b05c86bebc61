import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelOutput } from '../../../component/contract/model-manifest.ts';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import { letterboxed, refusalOf, squareSpec } from './decode-model.ts';

const labels = ['bolt', 'nut', 'pin'];
const declared = (queries: number | null, classes: number | null, names = ['dets', 'labels']) => [
  { name: names[0]!, dtype: 'float32' as const, shape: [1, queries, 4] },
  { name: names[1]!, dtype: 'float32' as const, shape: [1, queries, classes] },
];

function decoder(
  output: Partial<Extract<ModelOutput, { decoder: 'rf-detr' }>> = {},
  declarations = declared(null, null),
) {
  const settings = modelOutputSchema.parse({ decoder: 'rf-detr', ...output });
  return createDecoder(settings, declarations, { labels, spec: squareSpec });
}

function tensors(
  boxes: readonly (readonly number[])[],
  logits: readonly (readonly number[])[],
): Map<string, TensorValue> {
  const tensor = (name: string, rows: readonly (readonly number[])[]): [string, TensorValue] => [
    name,
    {
      name,
      dtype: 'float32',
      shape: [1, rows.length, rows[0]!.length],
      data: Float32Array.from(rows.flat()),
    },
  ];
  return new Map([tensor('dets', boxes), tensor('labels', logits)]);
}

/** As PostProcess of Deformable DETR says it: flatten, take the best k, then the threshold. */
function oracle(
  boxes: readonly (readonly number[])[],
  logits: readonly (readonly number[])[],
  { k, threshold, softmax }: { k: number; threshold: number; softmax?: { background: number } },
) {
  const pairs = logits.flatMap((row, query) => {
    const sum = row.reduce((total, value) => total + Math.exp(value), 0);
    return row.map((value, label) => ({
      query,
      label,
      score: softmax ? Math.exp(value) / sum : 1 / (1 + Math.exp(-value)),
    }));
  });
  return pairs
    .filter(({ label }) => label !== softmax?.background)
    .sort((a, b) => b.score - a.score)
    .slice(0, k)
    .filter(({ score }) => score >= threshold)
    .map(({ query, label, score }) => {
      const [x, y, w, h] = boxes[query] as [number, number, number, number];
      return {
        label,
        score,
        left: (x - w / 2) * 1280,
        right: (x + w / 2) * 1280,
        top: (y - h / 2) * 1280 - 280,
        bottom: (y + h / 2) * 1280 - 280,
      };
    });
}

/** Inside of what the picture covers: what is cut at its edges is not looked at here. */
const centre = fc.double({ min: 0.4, max: 0.6, noNaN: true });
const length = fc.double({ min: 0.02, max: 0.2, noNaN: true });
const cases = fc.integer({ min: 1, max: 12 }).chain((queries) =>
  fc.tuple(
    fc.array(fc.tuple(centre, centre, length, length), {
      minLength: queries,
      maxLength: queries,
    }),
    fc.array(fc.array(fc.integer({ min: -800, max: 800 }), { minLength: 4, maxLength: 4 }), {
      minLength: queries,
      maxLength: queries,
    }),
  ),
);

describe('RF-DETR', () => {
  test.each([undefined, { background: 3 }])(
    'gives the detections of its published definition (softmax %o)',
    (softmax) => {
      fc.assert(
        fc.property(cases, fc.integer({ min: 1, max: 20 }), (input, k) => {
          const boxes = input[0].map((row) => row.map(Math.fround));
          // The sine keeps logits and scores apart: which of equal ones is first is left open.
          const logits = input[1].map((row, query) =>
            row.map((value, index) => Math.fround(value / 100 + Math.sin(query * 4 + index) / 250)),
          );
          const threshold = 0.3;
          const found = decoder({
            scoreThreshold: threshold,
            maxDetections: k,
            ...(softmax
              ? { activation: 'softmax', backgroundClass: softmax.background }
              : { activation: 'sigmoid' }),
          }).decode(tensors(boxes, logits), letterboxed).findings.detections!;
          const expected = oracle(boxes, logits, {
            k,
            threshold,
            ...(softmax ? { softmax } : {}),
          });
          expect(found.length).toBe(expected.length);
          for (const [index, { box, labelIndex, score }] of found.entries()) {
            const one = expected[index]!;
            expect(labelIndex).toBe(one.label);
            expect(score).toBeCloseTo(one.score, 5);
            expect(box.x).toBeCloseTo(one.left, 1);
            expect(box.y).toBeCloseTo(one.top, 1);
            expect(box.x + box.width).toBeCloseTo(one.right, 1);
            expect(box.y + box.height).toBeCloseTo(one.bottom, 1);
          }
        }),
      );
    },
  );

  test('a class without a name is called by its index, and one query may have two classes', () => {
    const found = decoder().decode(tensors([[0.5, 0.5, 0.1, 0.1]], [[-9, 2, -9, 1]]), letterboxed);
    expect(found.findings.detections!.map(({ label }) => label)).toEqual(['nut', '3']);
  });

  test('a threshold of a label counts for that label alone', () => {
    const context = { ...letterboxed, thresholds: { labels: { nut: 0.95, pin: 0.1 } } };
    const found = decoder().decode(
      tensors([[0.5, 0.5, 0.1, 0.1]], [[1, 2, -1.5, -1]]),
      context,
    ).findings;
    expect(found.detections!.map(({ label }) => label)).toEqual(['bolt', 'pin']);
  });

  test('tells boxes from logits by shape, by name, and by RF-DETR’s own names with four classes', () => {
    const swapped = declared(5, 7).toReversed();
    expect(decoder({}, swapped).outputNames(false)).toEqual(['dets', 'labels']);
    expect(decoder({}, declared(5, 4)).outputNames(false)).toEqual(['dets', 'labels']);
    const others = declared(5, 4, ['a', 'b']);
    expect(refusalOf(() => decoder({}, others))).toMatch(/MODEL_MISMATCH.*cannot be told apart/);
    expect(decoder({ boxes: 'b' }, others).outputNames(false)).toEqual(['b', 'a']);
    expect(refusalOf(() => decoder({ boxes: 'c' }, others))).toMatch(/there is no output 'c'/);
    expect(refusalOf(() => decoder({}, declared(5, 2)))).toMatch(/3 labels for the 2 classes/);
    expect(refusalOf(() => decoder({}, others.slice(1)))).toMatch(/MODEL_MISMATCH/);
  });

  test('refuses NaN and rows that do not belong together', () => {
    const one = [[0.5, 0.5, 0.1, 0.1]];
    expect(refusalOf(() => decoder().decode(tensors(one, [[NaN, 1, 1]]), letterboxed))).toMatch(
      /OUTPUT_INVALID.*NaN/,
    );
    expect(refusalOf(() => decoder().decode(tensors(one, [[1], [1]]), letterboxed))).toMatch(
      /OUTPUT_INVALID.*expected \[1, 1, C\]/,
    );
  });
});
