import { VedetteError } from '../../component/contract/errors.ts';
import type { TensorValue } from '../../component/contract/tensor.ts';
import { elementsOf } from './tensor-values.ts';

/**
 * The best `classes` entries of each row as `score:index[:label]`, best first (classification
 * extension). The first dimension is the batch when there is more than one: [N, …] becomes
 * [N, classes].
 */
export function topClasses(
  tensor: TensorValue,
  classes: number,
  labels: readonly string[] | undefined,
): TensorValue {
  const { name, shape, data } = tensor;
  if (tensor.dtype === 'string' || tensor.dtype === 'bool') {
    throw new VedetteError('TENSOR_INVALID', `Output ${name} holds no scores to classify by`);
  }
  const rows = shape.length > 1 ? (shape[0] ?? 1) : 1;
  const rowLength = rows === 0 ? 0 : elementsOf(shape) / rows;
  const kept = Math.min(classes, rowLength);
  const texts: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const scores = Array.from({ length: rowLength }, (_, index) =>
      Number(data[row * rowLength + index]),
    );
    const best = scores.map((_, index) => index);
    best.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    for (const index of best.slice(0, kept)) {
      const label = labels?.[index];
      const text = `${(scores[index] ?? 0).toFixed(6)}:${index}`;
      texts.push(label === undefined ? text : `${text}:${label}`);
    }
  }
  return { name, dtype: 'string', shape: shape.length > 1 ? [rows, kept] : [kept], data: texts };
}
