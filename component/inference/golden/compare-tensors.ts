import { rawTensorSchema } from '../../contract/result.ts';
import type { RawTensor } from '../../contract/result.ts';
import type { Comparison } from './comparison.ts';

/** Of the greatest expected value. */
const TOLERANCE = 0.02;

const expectedTensors = rawTensorSchema
  .pick({ name: true, shape: true, values: true })
  .loose()
  .array();

/**
 * Every expected output must have the same shape and, where values are expected, the same values
 * within 2 % of the greatest of them; what is no number must be the same.
 */
export const compareTensors: Comparison = ({ tensors: found }, { tensors }) => {
  const parsed = expectedTensors.safeParse(tensors);
  if (!found || !parsed.success) return undefined;
  return parsed.data.flatMap((wanted) => {
    const tensor = found.find(({ name }) => name === wanted.name);
    if (!tensor) return [`there is no output '${wanted.name}'`];
    return differencesOf(tensor, wanted);
  });
};

function differencesOf(
  { name, shape, values = [] }: RawTensor,
  wanted: Pick<RawTensor, 'shape' | 'values'>,
): string[] {
  if (shape.join() !== wanted.shape.join()) {
    return [
      `output '${name}' has the shape [${shape.join(', ')}], expected [${wanted.shape.join(', ')}]`,
    ];
  }
  const expected = wanted.values ?? [];
  const numbers = expected.filter((value) => typeof value === 'number');
  const reach = TOLERANCE * Math.max(1e-6, ...numbers.map(Math.abs));
  const place = expected.findIndex((value, index) => {
    const own = values[index];
    if (typeof value !== 'number' || typeof own !== 'number') return value !== own;
    return Math.abs(value - own) > reach;
  });
  if (place < 0) return [];
  return [
    `output '${name}' holds ${String(values[place])} at element ${place}, expected ${String(expected[place])}`,
  ];
}
