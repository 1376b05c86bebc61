import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorDtype, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { EnrolledVectors } from '../../../component/decode/enrolled-vectors.ts';
import { letterboxed, refusalOf, squareSpec } from './decode-model.ts';

/** Along the axes, and between them. */
const enrolled: EnrolledVectors = {
  labels: ['right', 'up'],
  labelIndexes: [0, 1, 0],
  values: Float32Array.from([1, 0, 0, 1, Math.SQRT1_2, -Math.SQRT1_2]),
  dimensions: 2,
};

function decode(
  values: readonly number[],
  shape: readonly number[] = [1, values.length],
  settings: object = {},
  known: EnrolledVectors | 'none' = enrolled,
) {
  const output = modelOutputSchema.parse({ decoder: 'embedding', ...settings });
  const tensor: TensorValue = {
    name: 'output0',
    dtype: 'float32',
    shape,
    data: Float32Array.from(values),
  };
  const decoder = createDecoder(output, [tensor], {
    labels: [],
    spec: squareSpec,
    enrolled: known === 'none' ? undefined : known,
  });
  return decoder.decode(new Map([['output0', tensor]]), letterboxed).findings;
}

describe('embeddings', () => {
  test('are the enrolled labels whose nearest vector points the same way, best first', () => {
    // 30° above the first axis: cosines 0.866 and 0.5.
    const angle = Math.PI / 6;
    const vector = [5 * Math.cos(angle), 5 * Math.sin(angle)];
    expect(decode(vector, [1, 2], { scoreThreshold: 0.4 })).toEqual({
      classes: [
        { label: 'right', labelIndex: 0, score: 0.866025 },
        { label: 'up', labelIndex: 1, score: 0.5 },
      ],
    });
    expect(decode(vector, [1, 2], {}).classes).toMatchObject([{ label: 'right' }]);
    expect(decode(vector, [1, 2], { maxClasses: 1, scoreThreshold: 0 }).classes).toHaveLength(1);
    // Below the first axis its label has a nearer vector.
    expect(decode([1, -1]).classes).toEqual([{ label: 'right', labelIndex: 0, score: 1 }]);
    // Unknown.
    expect(decode([-1, -0.5]).classes).toEqual([]);
  });

  test('have the cosine of the definition, whatever the lengths', () => {
    const vector = fc.array(fc.double({ min: -9, max: 9, noNaN: true }), {
      minLength: 6,
      maxLength: 6,
    });
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const length = (of: readonly number[]) => Math.sqrt(of.reduce((sum, v) => sum + v * v, 0));
        fc.pre(length(a) > 0.1 && length(b) > 0.1);
        const dot = a.reduce((sum, value, index) => sum + value * b[index]!, 0);
        const known = {
          labels: ['b'],
          labelIndexes: [0],
          values: Float32Array.from(b, (value) => value / length(b)),
          dimensions: 6,
        };
        const { classes } = decode(a, [1, 6], { scoreThreshold: 0 }, known);
        expect(classes![0]!.score).toBeCloseTo(Math.max(0, dot / length(a) / length(b)), 4);
      }),
    );
  });

  test('are in the result when nothing is enrolled, or when that is asked for', () => {
    const alone = decode([3, 4], [1, 2, 1, 1], {}, 'none');
    expect(alone).toEqual({ embedding: [0.6, 0.8] });
    expect(decode([3, 4], [1, 2], { includeVector: true }).embedding).toEqual([0.6, 0.8]);
    expect(decode([3, 4], [1, 2], { includeVector: false }, 'none')).toEqual({});
  });

  test('are the mean over places or tokens, or the first token', () => {
    const unit = (x: number, y: number) => [x / Math.hypot(x, y), y / Math.hypot(x, y)];
    const of = (shape: number[], pooling: string) =>
      decode([1, 2, 3, 4, 5, 6], shape, { pooling }, 'none').embedding!;
    // [1, D = 2, 1, 3]: 1, 2, 3 and 4, 5, 6.
    of([1, 2, 1, 3], 'mean').forEach((v, i) => expect(v).toBeCloseTo(unit(2, 5)[i]!, 5));
    // [1, T = 3, D = 2]: (1, 2), (3, 4), (5, 6).
    of([1, 3, 2], 'mean').forEach((v, i) => expect(v).toBeCloseTo(unit(3, 4)[i]!, 5));
    of([1, 3, 2], 'first').forEach((v, i) => expect(v).toBeCloseTo(unit(1, 2)[i]!, 5));
  });

  test('are refused without a direction, with NaN, and with another number of values', () => {
    expect(refusalOf(() => decode([0, 0]))).toContain('OUTPUT_INVALID');
    expect(refusalOf(() => decode([1, NaN]))).toContain('NaN at element 1');
    expect(refusalOf(() => decode([1, 2, 3]))).toMatch(/MODEL_MISMATCH.*3 values.*have 2/);
    expect(refusalOf(() => decode([1, 2, 3, 4], [1, 2, 2]))).toContain('MODEL_MISMATCH');
  });
});

describe('tensors of models of no known family', () => {
  const tensor = (
    name: string,
    dtype: TensorDtype,
    shape: number[],
    data: TensorValue['data'],
  ): TensorValue => ({ name, dtype, shape, data });
  const all = [
    tensor('scores', 'float32', [1, 2], Float32Array.of(0.5, -2)),
    tensor('ids', 'int64', [2], BigInt64Array.of(7n, 2n ** 60n)),
    tensor('flags', 'bool', [2], Uint8Array.of(0, 1)),
    tensor('halves', 'float16', [1], Uint16Array.of(0x3e00)),
    tensor('names', 'string', [1], ['x']),
    tensor('large', 'float32', [1, 200], new Float32Array(200)),
  ];
  const tell = (settings: object = {}, tensors = all) => {
    const output = modelOutputSchema.parse({ decoder: 'tensors', ...settings });
    const decoder = createDecoder(output, tensors, { labels: [], spec: squareSpec });
    const outputs = new Map(tensors.map((one) => [one.name, one]));
    return decoder.decode(outputs, letterboxed).findings.tensors!;
  };

  test('are told with their types and shapes, and small ones with their values', () => {
    expect(tell()).toEqual([
      { name: 'scores', dtype: 'float32', shape: [1, 2], values: [0.5, -2] },
      { name: 'ids', dtype: 'int64', shape: [2], values: [7, '1152921504606846976'] },
      { name: 'flags', dtype: 'bool', shape: [2], values: [false, true] },
      { name: 'halves', dtype: 'float16', shape: [1], values: [1.5] },
      { name: 'names', dtype: 'string', shape: [1], values: ['x'] },
      { name: 'large', dtype: 'float32', shape: [1, 200] },
    ]);
    expect(tell({ outputs: ['ids'], maxValues: 1 })).toEqual([
      { name: 'ids', dtype: 'int64', shape: [2] },
    ]);
  });

  test('are refused with NaN, also in large ones, and with outputs that there are not', () => {
    const large = new Float32Array(200).fill(NaN, 150);
    const bad = [tensor('large', 'float32', [1, 200], large)];
    expect(refusalOf(() => tell({}, bad))).toContain('NaN at element 150');
    expect(refusalOf(() => tell({ outputs: ['nothing'] }))).toContain("no output 'nothing'");
  });
});
