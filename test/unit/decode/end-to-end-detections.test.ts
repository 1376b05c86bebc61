import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { ModelOutput } from '../../../component/contract/model-manifest.ts';
import type { Detection } from '../../../component/contract/result.ts';
import type { TensorDtype, TensorSpec, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';

const spec: TensorSpec = {
  width: 100,
  height: 50,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};
const settings = {
  decoder: 'end-to-end-detections',
  scoreThreshold: 0.3,
  maxDetections: 300,
} as const satisfies ModelOutput;
const labels = ['person', 'car', 'dog'];

/** A 200×200 picture stretched to the 100×50 input. */
const context: DecodeContext = {
  transform: { scaleX: 2, scaleY: 4, offsetX: 0, offsetY: 0, source: { width: 200, height: 200 } },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};

function decoder(output: ModelOutput = settings, shape: (number | null)[] = [1, 4, 6]) {
  const declarations = [{ name: 'out', dtype: 'float32' as const, shape }];
  return createDecoder(output, declarations, { labels, spec });
}

function tensor(rows: readonly (readonly number[])[], shape?: number[]): Map<string, TensorValue> {
  const data = Float32Array.from(rows.flat());
  return new Map([
    ['out', { name: 'out', dtype: 'float32', shape: shape ?? [1, rows.length, 6], data }],
  ]);
}

function decode(rows: readonly (readonly number[])[], change: Partial<DecodeContext> = {}) {
  return decoder().decode(tensor(rows), { ...context, ...change }).findings.detections!;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof VedetteError ? error.code : String(error);
  }
  return 'nothing thrown';
}

describe('end-to-end detections', () => {
  test('gives boxes in source pixels, best first', () => {
    const detections = decode([
      [10, 5, 20, 15, 0.5, 1],
      [0, 0, 50, 25, 0.9, 0],
    ]);
    expect(detections).toEqual([
      { label: 'person', labelIndex: 0, score: 0.9, box: { x: 0, y: 0, width: 100, height: 100 } },
      { label: 'car', labelIndex: 1, score: 0.5, box: { x: 20, y: 20, width: 20, height: 40 } },
    ]);
  });

  test('takes [N, 6] as well as [1, N, 6], and no rows at all', () => {
    const rows = [[10, 5, 20, 15, 0.5, 1]];
    const flat = decoder(settings, [null, 6]).decode(tensor(rows, [1, 6]), context);
    expect(flat.findings.detections).toEqual(decode(rows));
    expect(decode([])).toEqual([]);
  });

  test('takes letterbox bars away through the transform and keeps boxes inside the picture', () => {
    const transform = {
      scaleX: 2,
      scaleY: 2,
      offsetX: -20,
      offsetY: 0,
      source: { width: 160, height: 100 },
    };
    const [inside, over] = decode(
      [
        [20, 10, 40, 20, 0.9, 0],
        [0, 0, 100, 50, 0.8, 0],
      ],
      { transform },
    );
    expect(inside?.box).toEqual({ x: 20, y: 20, width: 40, height: 20 });
    expect(over?.box).toEqual({ x: 0, y: 0, width: 160, height: 100 });
  });

  test('keeps boxes inside the region that the model was shown', () => {
    const [detection] = decode([[-5, 0, 100, 50, 0.9, 0]], {
      view: { ...WHOLE_FRAME, region: { x: 40, y: 30, width: 100, height: 100 } },
      transform: {
        scaleX: 1,
        scaleY: 2,
        offsetX: 40,
        offsetY: 30,
        source: { width: 200, height: 200 },
      },
    });
    expect(detection?.box).toEqual({ x: 40, y: 30, width: 100, height: 100 });
  });

  test('leaves out boxes without an area', () => {
    expect(decode([[20, 10, 20, 30, 0.9, 0]])).toEqual([]);
    expect(decode([[30, 10, 20, 30, 0.9, 0]])).toEqual([]);
    expect(decode([[200, 10, 300, 30, 0.9, 0]])).toEqual([]);
  });

  test("applies the camera's threshold, and a label's before it", () => {
    const rows = [
      [0, 0, 10, 10, 0.55, 0],
      [0, 0, 10, 10, 0.45, 1],
      [0, 0, 10, 10, 0.2, 2],
    ];
    const found = (thresholds: DecodeContext['thresholds']) =>
      decode(rows, { thresholds }).map(({ label }) => label);
    expect(found({ labels: {} })).toEqual(['person', 'car']);
    expect(found({ score: 0.5, labels: {} })).toEqual(['person']);
    expect(found({ score: 0.5, labels: { dog: 0.1, person: 0.6 } })).toEqual(['dog']);
  });

  test('keeps at most maxDetections, the best', () => {
    const rows = [0.4, 0.9, 0.6, 0.8].map((score) => [0, 0, 10, 10, score, 0]);
    const { findings } = decoder({ ...settings, maxDetections: 2 }).decode(tensor(rows), context);
    expect(findings.detections!.map(({ score }) => score)).toEqual([0.9, 0.8]);
  });

  test('refuses NaN and infinite values wherever they are', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (let column = 0; column < 6; column += 1) {
        const row = [0, 0, 10, 10, 0.1, 0];
        row[column] = bad;
        expect(codeOf(() => decode([[0, 0, 10, 10, 0.9, 0], row]))).toBe('OUTPUT_INVALID');
      }
    }
  });

  test('refuses a class index without a label, but not in rows that only fill up', () => {
    expect(codeOf(() => decode([[0, 0, 10, 10, 0.9, 3]]))).toBe('OUTPUT_INVALID');
    expect(codeOf(() => decode([[0, 0, 10, 10, 0.9, -1]]))).toBe('OUTPUT_INVALID');
    expect(codeOf(() => decode([[0, 0, 10, 10, 0.9, 0.5]]))).toBe('OUTPUT_INVALID');
    expect(decode([[0, 0, 0, 0, 0, -1]])).toEqual([]);
  });

  test('refuses scores that are logits and other shapes', () => {
    expect(codeOf(() => decode([[0, 0, 10, 10, 7.5, 0]]))).toBe('OUTPUT_INVALID');
    const rows = [[0, 0, 10, 10, 0.9, 0]];
    for (const shape of [[2, 1, 3], [6], [1, 1, 1, 6], [6, 1]]) {
      expect(codeOf(() => decoder().decode(tensor(rows, shape), context))).toBe('OUTPUT_INVALID');
    }
    expect(codeOf(() => decoder().decode(new Map(), context))).toBe('OUTPUT_INVALID');
  });

  test('is refused for graphs whose outputs are something else', () => {
    const make = (
      declarations: { name: string; dtype: TensorDtype; shape: number[] }[],
      output?: string,
    ) =>
      codeOf(() =>
        createDecoder({ ...settings, ...(output ? { output } : {}) }, declarations, {
          labels,
          spec,
        }),
      );
    const a = { name: 'a', dtype: 'float32' as const, shape: [1, 100, 6] };
    expect(make([a])).toBe('nothing thrown');
    expect(make([a, { ...a, name: 'b' }])).toBe('MODEL_MISMATCH');
    expect(make([a, { ...a, name: 'b' }], 'b')).toBe('nothing thrown');
    expect(make([a], 'c')).toBe('MODEL_MISMATCH');
    expect(make([{ ...a, shape: [1, 84, 8400] }])).toBe('MODEL_MISMATCH');
    expect(make([{ ...a, dtype: 'int64' }])).toBe('MODEL_MISMATCH');
    expect(make([])).toBe('MODEL_MISMATCH');
  });

  test('agrees with a plain reading of the rows', () => {
    const row = fc.tuple(
      fc.float({ min: -20, max: 120, noNaN: true }),
      fc.float({ min: -20, max: 70, noNaN: true }),
      fc.float({ min: 0, max: 80, noNaN: true }),
      fc.float({ min: 0, max: 80, noNaN: true }),
      fc.float({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 2 }),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (drafts) => {
        const rows = drafts.map(([x, y, w, h, score, index]) => [x, y, x + w, y + h, score, index]);
        const expected = plainReading(rows.map((values) => values.map(Math.fround)));
        const found = decode(rows);
        expect(found.map(({ score }) => score)).toEqual(
          expected.map(({ score }) => score).sort((a, b) => b - a),
        );
        for (const { box } of found) {
          expect(box.x).toBeGreaterThanOrEqual(0);
          expect(box.y + box.height).toBeLessThanOrEqual(200.011);
        }
        for (const one of expected) {
          expect(found.some((other) => isNear(one, other))).toBe(true);
        }
      }),
    );
  });
});

function plainReading(rows: number[][]): Detection[] {
  const detections: Detection[] = [];
  for (const [x1, y1, x2, y2, score, index] of rows as [
    number,
    number,
    number,
    number,
    number,
    number,
  ][]) {
    const left = Math.min(200, Math.max(0, x1 * 2));
    const top = Math.min(200, Math.max(0, y1 * 4));
    const width = Math.min(200, Math.max(0, x2 * 2)) - left;
    const height = Math.min(200, Math.max(0, y2 * 4)) - top;
    const rounded = Math.round(score * 1e6) / 1e6;
    if (score < 0.3 || width < 0.005 || height < 0.005) continue;
    const box = { x: left, y: top, width, height };
    detections.push({ label: labels[index]!, labelIndex: index, score: rounded, box });
  }
  return detections;
}

function isNear(a: Detection, b: Detection): boolean {
  const keys = ['x', 'y', 'width', 'height'] as const;
  return (
    a.label === b.label &&
    a.score === b.score &&
    keys.every((key) => Math.abs(a.box[key] - b.box[key]) <= 0.0051)
  );
}
