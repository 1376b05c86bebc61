import { describe, expect, test } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import { refusalOf, squareSpec } from './decode-model.ts';

const spec = { ...squareSpec, width: 4, height: 4, resize: 'stretch' as const };
/** A picture of 40×40 stretched to 4×4. */
const context = {
  transform: { scaleX: 10, scaleY: 10, offsetX: 0, offsetY: 0, source: { width: 40, height: 40 } },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};
const declared = (scores: number[] | undefined, segments?: number[]) => [
  ...(segments ? [{ name: 'mask', dtype: 'float32' as const, shape: segments }] : []),
  ...(scores ? [{ name: 'score', dtype: 'float32' as const, shape: scores }] : []),
];

function judge(output: object, scores: number[], segments?: number[][]) {
  const tensors = new Map<string, TensorValue>();
  const tensor = (name: string, values: number[], shape: number[]) =>
    tensors.set(name, { name, dtype: 'float32', shape, data: Float32Array.from(values) });
  tensor('score', scores, [1, scores.length]);
  if (segments) tensor('mask', segments.flat(), [1, segments.length, 4, 4]);
  const settings = modelOutputSchema.parse({ decoder: 'multi-head-anomaly', ...output });
  const declarations = declared([1, scores.length], segments && [1, segments.length, 4, 4]);
  return createDecoder(settings, declarations, { labels: [], spec }).decode(tensors, context)
    .findings.anomaly!;
}

const nowhere = Array.from({ length: 16 }, () => 0);
/** The middle four cells. */
const middle = nowhere.map((_, cell) => ([5, 6, 9, 10].includes(cell) ? 1 : 0));

describe('a supervised multi-head anomaly model', () => {
  test('scores what is not normal, added up', () => {
    expect(judge({ normalClasses: [1] }, [0.3, 0.5, 0.2])).toEqual({
      score: 0.5,
      threshold: 0.5,
      isAnomalous: true,
    });
    expect(judge({ normalClasses: [0], scoreThreshold: 0.7 }, [0.4, 0.6]).isAnomalous).toBe(false);
    expect(judge({}, [0.8]).score).toBeCloseTo(0.8, 6);
  });

  test('gives the areas of segments that are not normal, the first of equal values', () => {
    const half = nowhere.map(() => 0.5);
    const found = judge({ normalClasses: [1], normalSegments: [0] }, [0.9, 0.1], [half, middle]);
    expect(found.areaFraction).toBe(0.25);
    expect(found.areas![0]!.polygon).toEqual([
      { x: 10, y: 10 },
      { x: 30, y: 10 },
      { x: 30, y: 30 },
      { x: 10, y: 30 },
    ]);
    const equal = judge({ normalClasses: [1], normalSegments: [0] }, [0.9, 0.1], [half, half]);
    expect(equal.areaFraction).toBe(0);
  });

  test.each([
    ['score', [true, true, false, false]],
    ['segments', [true, false, true, false]],
    ['both', [true, false, false, false]],
    ['either', [true, true, true, false]],
  ])('decides by %s', (decision, expected) => {
    const verdicts = [
      [0.9, middle],
      [0.9, nowhere],
      [0.1, middle],
      [0.1, nowhere],
    ].map(([score, mask]) => {
      const settings = { decision, normalClasses: [1], normalSegments: [0] };
      const segments = [nowhere.map(() => 0.5), mask as number[]];
      return judge(settings, [score as number, 1 - (score as number)], segments).isAnomalous;
    });
    expect(verdicts).toEqual(expected);
  });

  test('refuses outputs that it cannot read', () => {
    const settings = modelOutputSchema.parse({ decoder: 'multi-head-anomaly' });
    const create = (declarations: ReturnType<typeof declared>, more = settings) =>
      refusalOf(() => createDecoder(more, declarations, { labels: [], spec }));
    expect(create(declared(undefined, [1, 2, 4, 4]))).toMatch(/MODEL_MISMATCH.*scores \[1, C\]/);
    const segments = { ...settings, decision: 'segments' as const };
    expect(create(declared([1, 2]), segments)).toMatch(/needs an output \[1, S, H, W\]/);
    expect(refusalOf(() => judge({ normalClasses: [2] }, [3, 4, 1]))).toMatch(
      /OUTPUT_INVALID.*add up to 7/,
    );
    expect(refusalOf(() => judge({}, [NaN]))).toMatch(/OUTPUT_INVALID/);
    expect(refusalOf(() => judge({}, [0.5], [nowhere]))).toMatch(/two segments or more/);
  });

  const halves = [nowhere.map(() => 0.5), middle];
  test.each([
    [{}, [0.6, 0.4], undefined, /normalClasses is empty, expected one or more of 0 to 1/],
    [{ normalClasses: [0, 2] }, [0.6, 0.4], undefined, /normalClasses names 2/],
    [{ normalClasses: [0], decision: 'either' }, [0.6, 0.4], halves, /normalSegments is empty/],
    [
      { normalClasses: [0], normalSegments: [2], decision: 'segments' },
      [0.6, 0.4],
      halves,
      /normalSegments names 2, expected one or more of 0 to 1/,
    ],
  ] as const)(
    'refuses what would call every picture anomalous: %o',
    (output, scores, segments, message) => {
      const outcome = refusalOf(() => judge(output, [...scores], segments && [...segments]));
      expect(outcome).toMatch(message);
      expect(outcome).toMatch(/MODEL_MISMATCH/);
      const settings = modelOutputSchema.parse({ decoder: 'multi-head-anomaly', ...output });
      const open = createDecoder(
        settings,
        [
          { name: 'score', dtype: 'float32', shape: ['batch', null] },
          ...(segments
            ? [{ name: 'mask', dtype: 'float32' as const, shape: ['batch', null, null, null] }]
            : []),
        ],
        { labels: [], spec },
      );
      const tensors = new Map<string, TensorValue>([
        [
          'score',
          { name: 'score', dtype: 'float32', shape: [1, 2], data: Float32Array.from(scores) },
        ],
        [
          'mask',
          {
            name: 'mask',
            dtype: 'float32',
            shape: [1, 2, 4, 4],
            data: Float32Array.from(halves.flat()),
          },
        ],
      ]);
      expect(refusalOf(() => open.decode(tensors, context))).toMatch(message);
    },
  );
});
