import fc from 'fast-check';
import { munkres } from 'munkres';
import { describe, expect, it } from 'vitest';
import { assign } from '../../../../component/pipeline/tracking/assign.ts';

/** The least total over every way to pair rows with columns, where a row left alone costs nothing. */
function leastByTrying(costs: readonly (readonly number[])[], limit: number): number {
  const free = new Set(costs[0]!.keys());
  const from = (row: number): number => {
    if (row === costs.length) return 0;
    let least = from(row + 1);
    for (const column of [...free]) {
      const cost = costs[row]![column]!;
      if (cost >= limit) continue;
      free.delete(column);
      least = Math.min(least, cost - limit + from(row + 1));
      free.add(column);
    }
    return least;
  };
  return from(0);
}

const matrix = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
  .chain(([rows, columns]) =>
    fc.array(
      fc.array(
        fc.integer({ min: 0, max: 20 }).map((n) => n / 20),
        { minLength: columns, maxLength: columns },
      ),
      { minLength: rows, maxLength: rows },
    ),
  );

describe('assign', () => {
  it('finds the cheapest of all ways to pair, as trying them all does', () => {
    fc.assert(
      fc.property(matrix, fc.integer({ min: 1, max: 20 }), (costs, twentieths) => {
        const limit = twentieths / 20;
        const pairs = assign(costs, limit);
        expect(new Set(pairs.map(([row]) => row)).size).toBe(pairs.length);
        expect(new Set(pairs.map(([, column]) => column)).size).toBe(pairs.length);
        const total = pairs.reduce((sum, [row, column]) => sum + costs[row]![column]! - limit, 0);
        expect(pairs.every(([row, column]) => costs[row]![column]! < limit)).toBe(true);
        expect(total).toBeCloseTo(leastByTrying(costs, limit), 9);
      }),
      { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 20_000 : 500 },
    );
  });

  it('costs as little group by group as assigning everything at once', () => {
    const sparse = fc
      .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 25 }))
      .chain(([rows, columns]) => {
        const cost = fc.oneof(
          { weight: 6, arbitrary: fc.constant(1) },
          { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
        );
        const row = fc.array(cost, { minLength: columns, maxLength: columns });
        return fc.array(row, { minLength: rows, maxLength: rows });
      });
    fc.assert(
      fc.property(sparse, fc.constantFrom(1, 0.9, 0.5), (costs, limit) => {
        const sum = (pairs: readonly (readonly [number, number])[]) =>
          pairs.reduce((total, [row, column]) => total + costs[row]![column]! - limit, 0);
        const capped = costs.map((row) => row.map((cost) => Math.min(cost, limit)));
        const whole = munkres(capped).filter(([row, column]) => costs[row]![column]! < limit);
        const pairs = assign(costs, limit);
        expect(sum(pairs)).toBeCloseTo(sum(whole), 9);
        const rows = pairs.map(([row]) => row);
        expect(rows).toEqual(rows.toSorted((a, b) => a - b));
      }),
      { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 5000 : 300 },
    );
  });

  it('gives up the nearest pair where the sum is less without it', () => {
    expect(
      assign(
        [
          [0.1, 0.2],
          [0.15, 0.9],
        ],
        1,
      ),
    ).toEqual(
      expect.arrayContaining([
        [0, 1],
        [1, 0],
      ]),
    );
  });

  it('pairs nothing where there is nothing', () => {
    expect(assign([], 1)).toEqual([]);
    expect(assign([[], []], 1)).toEqual([]);
  });
});
