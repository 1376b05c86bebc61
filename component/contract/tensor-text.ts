import type { RawTensor } from './result.ts';

/** Longer outputs are told by their shape alone. */
const MOST_VALUES = 4;

/** An output of a model of no known family in a few words: its values, or its shape. */
export function tensorText({ shape, values }: Pick<RawTensor, 'shape' | 'values'>): string {
  if (values === undefined || values.length > MOST_VALUES) return `[${shape.join(', ')}]`;
  return values
    .map((value) =>
      typeof value === 'number' ? String(Math.round(value * 1000) / 1000) : String(value),
    )
    .join(' ');
}
