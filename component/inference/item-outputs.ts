import { VedetteError } from '../contract/errors.ts';
import type { TensorValue } from '../contract/tensor.ts';

export type Outputs = ReadonlyMap<string, TensorValue>;

/**
 * The outputs of one picture of a batch, [1, …] of [N, …]: views of the same memory.
 * @throws VedetteError OUTPUT_INVALID when an output has no place for each picture
 */
export function itemOutputs(outputs: Outputs, index: number, count: number): Outputs {
  const item = new Map<string, TensorValue>();
  for (const [name, tensor] of outputs) {
    const { data, shape } = tensor;
    const [first, ...rest] = shape;
    if (first !== count) {
      throw new VedetteError(
        'OUTPUT_INVALID',
        `output '${name}' has the shape [${shape.join(', ')}] for a batch of ${count}, expected its first dimension to be ${count}`,
        { details: { output: name, shape, batch: count } },
      );
    }
    const length = data.length / count;
    const [from, to] = [index * length, (index + 1) * length];
    const own = Array.isArray(data) ? data.slice(from, to) : data.subarray(from, to);
    item.set(name, { ...tensor, shape: [1, ...rest], data: own });
  }
  return item;
}
