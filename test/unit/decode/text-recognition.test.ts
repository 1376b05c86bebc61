import { describe, expect, test } from 'vitest';
import { decoderOf, letterboxed, outputOf, refusalOf } from './decode-model.ts';

const LABELS = ['a', 'b', 'ü', '中'];
/** Blank, the labels, the space. */
const CLASSES = LABELS.length + 2;

/** A score 0.9 at the class of each step, 0.02 elsewhere. */
function scores(steps: readonly number[], classes = CLASSES, best = 0.9) {
  const values = new Float32Array(steps.length * classes).fill(0.02);
  steps.forEach((index, step) => (values[step * classes + index] = best));
  return outputOf(values, [1, steps.length, classes]);
}

const reader = (settings = {}, classes: number | string = CLASSES) =>
  decoderOf({ decoder: 'text-recognition', ...settings } as never, ['b', 't', classes], LABELS);

const read = (steps: readonly number[], settings = {}) =>
  reader(settings).decode(scores(steps), letterboxed).findings.text!;

describe('a recogniser of text', () => {
  test.each([
    [[0, 1, 0, 2, 0], 'ab'],
    [[1, 1, 1, 2, 2], 'ab'],
    [[1, 0, 1], 'aa'],
    [[1, 1, 0, 0, 1, 1], 'aa'],
    [[3, 4, 5, 3], 'ü中 ü'],
    [[5, 1, 5], ' a '],
  ])('reads %j as «%s»', (steps, text) => {
    expect(read(steps)).toEqual([{ text, score: 0.9 }]);
  });

  test('says nothing where there is nothing but blanks', () => {
    expect(read([0, 0, 0])).toEqual([]);
  });

  test('scores by the steps that gave a character', () => {
    const outputs = scores([1, 1, 0, 2]);
    const { data } = outputs.get('output0')!;
    // The repetition does not count, nor does the blank.
    (data as Float32Array)[CLASSES + 1] = 0.1;
    (data as Float32Array)[3 * CLASSES + 2] = 0.5;
    expect(reader().decode(outputs, letterboxed).findings.text).toEqual([
      { text: 'ab', score: 0.7 },
    ]);
  });

  test('leaves out what it is not sure of, by its own threshold or the camera’s', () => {
    expect(read([1, 2], { scoreThreshold: 0.95 })).toEqual([]);
    const strict = { ...letterboxed, thresholds: { score: 0.95, labels: {} } };
    expect(reader().decode(scores([1]), strict).findings.text).toEqual([]);
  });

  test('knows graphs without the space', () => {
    const classes = LABELS.length + 1;
    const outputs = scores([1, 4], classes);
    expect(reader({}, classes).decode(outputs, letterboxed).findings.text).toEqual([
      { text: 'a中', score: 0.9 },
    ]);
  });

  test('refuses a dictionary of another length, and a graph without one', () => {
    expect(refusalOf(() => reader({}, 20))).toMatch(/MODEL_MISMATCH: .*20 scores.*expected 5 or 6/);
    expect(refusalOf(() => decoderOf({ decoder: 'text-recognition' }, ['b', 't', 6], []))).toMatch(
      /MODEL_MISMATCH: .*labels are missing/,
    );
    expect(refusalOf(() => reader({}, 'c').decode(scores([1], 9), letterboxed))).toMatch(
      /OUTPUT_INVALID: .*9 scores/,
    );
  });

  test('refuses NaN and logits', () => {
    const outputs = scores([1, 2]);
    (outputs.get('output0')!.data as Float32Array)[3] = NaN;
    expect(refusalOf(() => reader().decode(outputs, letterboxed))).toMatch(/OUTPUT_INVALID/);
    expect(refusalOf(() => reader().decode(scores([1], CLASSES, 12.5), letterboxed))).toMatch(
      /OUTPUT_INVALID: .*12.5/,
    );
  });
});

describe('a classifier of direction', () => {
  const decode = (values: number[], shape = [1, 2]) =>
    decoderOf({ decoder: 'text-direction' }, ['b', 2]).decode(outputOf(values, shape), letterboxed)
      .findings.classes;

  test('gives both directions, the likelier first', () => {
    expect(decode([0.25, 0.75])).toEqual([
      { label: '180', labelIndex: 1, score: 0.75 },
      { label: '0', labelIndex: 0, score: 0.25 },
    ]);
  });

  test('refuses another number of scores, NaN and logits', () => {
    expect(refusalOf(() => decode([1, 0, 0], [1, 3]))).toMatch(/OUTPUT_INVALID/);
    expect(refusalOf(() => decode([NaN, 0]))).toMatch(/OUTPUT_INVALID/);
    expect(refusalOf(() => decode([4, -3]))).toMatch(/OUTPUT_INVALID/);
    expect(refusalOf(() => decoderOf({ decoder: 'text-direction' }, ['b', 3]))).toMatch(
      /MODEL_MISMATCH/,
    );
  });
});
