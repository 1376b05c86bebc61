import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackOff } from '../../../component/camera/back-off.ts';

describe('BackOff', () => {
  it('doubles up to the maximum, between half and all of the delay', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 40, maxLength: 40 }),
        (numbers) => {
          const left = [...numbers];
          const backOff = new BackOff({
            firstMs: 250,
            maximumMs: 15_000,
            random: () => left.shift()!,
          });
          for (let attempt = 0; attempt < 40; attempt += 1) {
            const full = Math.min(15_000, 250 * 2 ** attempt);
            const delay = backOff.next();
            expect(delay).toBeGreaterThanOrEqual(full / 2);
            expect(delay).toBeLessThanOrEqual(full);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('begins anew after a reset', () => {
    const backOff = new BackOff({ firstMs: 100, maximumMs: 1000, random: () => 0 });
    expect([backOff.next(), backOff.next(), backOff.next()]).toEqual([50, 100, 200]);
    backOff.reset();
    expect(backOff.next()).toBe(50);
  });

  it('stays finite for a source that never comes back', () => {
    const backOff = new BackOff({ firstMs: 100, maximumMs: 1000, random: () => 0.5 });
    for (let attempt = 0; attempt < 5000; attempt += 1) backOff.next();
    expect(backOff.next()).toBe(750);
  });
});
