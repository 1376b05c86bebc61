import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Classification } from '../../../component/contract/result.ts';
import { decoderOf, letterboxed, outputOf, refusalOf } from './decode-model.ts';

const labels = ['cat', 'dog', 'bird', 'fish'];
const all = { decoder: 'classification', scoreThreshold: 0, maxClasses: 4 } as const;

function decode(
  output: object,
  values: number[],
  thresholds = {},
  names = labels,
): Classification[] {
  return decoderOf({ ...all, ...output }, [1, values.length], names).decode(
    outputOf(values, [1, values.length]),
    { ...letterboxed, thresholds: { labels: {}, ...thresholds } },
  ).findings.classes!;
}

describe('classification', () => {
  test('makes scores of logits of which one is right', () => {
    const [first, second] = decode({}, [Math.log(1), Math.log(6), Math.log(2), Math.log(1)]);
    expect(first).toEqual({ label: 'dog', labelIndex: 1, score: 0.6 });
    expect(second).toEqual({ label: 'bird', labelIndex: 2, score: 0.2 });
  });

  test('makes scores of logits that may be right together', () => {
    const classes = decode({ activation: 'sigmoid', scoreThreshold: 0.5 }, [0, -3, 3, -0.1]);
    expect(classes).toEqual([
      { label: 'bird', labelIndex: 2, score: 0.952574 },
      { label: 'cat', labelIndex: 0, score: 0.5 },
    ]);
  });

  test('takes scores as they are, and refuses logits in their place', () => {
    const classes = decode({ activation: 'none' }, [0.1, 0.7, 0.2, 0]);
    expect(classes.map(({ score }) => score)).toEqual([0.7, 0.2, 0.1, 0]);
    for (const values of [
      [0.1, 4.2, 0, 0],
      [0.1, -4.2, 0, 0],
    ]) {
      expect(refusalOf(() => decode({ activation: 'none' }, values))).toMatch(/^OUTPUT_INVALID/);
    }
  });

  test('keeps the best, equal ones by class index', () => {
    const classes = decode({ activation: 'none', maxClasses: 3 }, [0.2, 0.3, 0.3, 0.2]);
    expect(classes.map(({ labelIndex }) => labelIndex)).toEqual([1, 2, 0]);
  });

  test("applies the camera's threshold, and a label's before it", () => {
    const values = [0.4, 0.3, 0.2, 0.1];
    const found = (thresholds: object) =>
      decode({ activation: 'none' }, values, thresholds).map(({ label }) => label);
    expect(found({ score: 0.25 })).toEqual(['cat', 'dog']);
    expect(found({ score: 0.25, labels: { fish: 0.05, cat: 0.5 } })).toEqual(['dog', 'fish']);
  });

  test('does not overflow', () => {
    expect(decode({}, [1000, -1000, 0, 999])[0]!.score).toBe(0.731059);
    expect(decode({ activation: 'sigmoid' }, [1000, -1000, 0, 0]).at(-1)!.score).toBe(0);
  });

  test('takes [C] and [1, C, 1, 1] as well', () => {
    for (const shape of [[4], [1, 4, 1, 1]]) {
      const { findings } = decoderOf(all, shape, labels).decode(
        outputOf([0, 1, 0, 0], shape),
        letterboxed,
      );
      expect(findings.classes![0]!.label).toBe('dog');
    }
  });

  test('refuses what is no vector of classes, by name, when it is loaded', () => {
    const load = (shape: (number | string)[], output: object = {}, names = labels) =>
      refusalOf(() => decoderOf({ ...all, ...output }, shape, names));
    expect(load(['batch', 4])).toBe('nothing thrown');
    expect(load([1, 3, 8, 8])).toMatch(/MODEL_MISMATCH.*'output0' float32 \[1, 3, 8, 8\]/);
    expect(load([1, 5])).toMatch(/MODEL_MISMATCH.*'output0' has 5 values, there are 4 labels/);
    expect(load([1, 1], {}, [])).toMatch(/MODEL_MISMATCH.*output\.activation/);
    expect(load([1, 1], { activation: 'sigmoid' }, [])).toBe('nothing thrown');
    expect(load([1, 4], { output: 'scores' })).toMatch(/no output 'scores'/);
  });

  test('refuses NaN, other shapes and numbers of values when it runs', () => {
    expect(refusalOf(() => decode({}, [0, NaN, 0, 0]))).toMatch(
      /^OUTPUT_INVALID.*NaN at element 1/,
    );
    expect(refusalOf(() => decode({}, [0, -Infinity, 0, 0]))).toMatch(/^OUTPUT_INVALID/);
    const open = decoderOf(all, [], labels);
    for (const shape of [
      [2, 4],
      [1, 3],
    ]) {
      const values = new Float32Array(shape[0]! * shape[1]!);
      expect(refusalOf(() => open.decode(outputOf(values, shape), letterboxed))).toMatch(
        /^OUTPUT_INVALID/,
      );
    }
  });

  test('agrees with a plain reading of the definition', () => {
    const logits = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(logits, (values) => {
        const rounded = values.map(Math.fround);
        const sum = rounded.reduce((total, value) => total + Math.exp(value), 0);
        const names = rounded.map((_, index) => `class ${index}`);
        const found = decode({ maxClasses: 100 }, rounded, {}, names);
        expect(found).toHaveLength(rounded.length);
        for (const { labelIndex, score } of found) {
          expect(score).toBeCloseTo(Math.exp(rounded[labelIndex]!) / sum, 5);
        }
      }),
    );
  });
});
