import { describe, expect, it } from 'vitest';
import { loopDelay } from '../../bench/loop-delay.ts';
import { compare, measureInterleaved } from '../../bench/measure-interleaved.ts';
import { digits } from '../../bench/number-text.ts';
import { median, quantile, slope } from '../../bench/statistics.ts';

describe('figures of the benchmark', () => {
  it('takes medians and quantiles by rank', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('finds the slope of points on a line', () => {
    const points = [0, 1, 2, 5].map((x) => ({ x, y: 3 * x + 10 }));
    expect(slope(points)).toBeCloseTo(3);
  });

  it('writes three digits', () => {
    expect([0.00421, 1.234, 38.61, 2169, 0].map(digits)).toEqual([
      '0.00421',
      '1.23',
      '38.6',
      '2,169',
      '0',
    ]);
  });

  it('weighs delays of the loop by their length for what comes at any moment', () => {
    // 10 s with one delay of 1 s: few delays are long, yet a tenth of the time is spent in one.
    const delaysMs = [...Array.from({ length: 8999 }, () => 0), 1000];
    const delay = loopDelay([{ delaysMs, seconds: 10, busyShare: 0.1, cpuSeconds: 1 }]);
    expect(delay.p99Ms).toBe(0);
    expect(delay.longestMs).toBe(1000);
    // The first 900 ms of the delay are 9 % of the time; the rest of it is 1 %.
    expect(delay.waitP99Ms).toBeCloseTo(900);
  });

  it('lets contenders take turns and waits for promises', async () => {
    const order: string[] = [];
    const timings = await measureInterleaved(
      [
        { name: 'a', run: () => order.push('a') },
        { name: 'b', run: async () => order.push('b') },
      ],
      { rounds: 2, turnMs: 0 },
    );
    const three = (name: string) => [name, name, name];
    // The warm-up, then two rounds of which the second begins with the other one.
    expect(order).toEqual(['a', 'b', 'a', 'b', 'b', 'a'].flatMap(three));
    expect(timings.map(({ name, calls }) => [name, calls])).toEqual([
      ['a', 6],
      ['b', 6],
    ]);
  });

  it('compares by medians and by rounds', () => {
    const timing = (medianMs: number, roundMediansMs: number[]) => ({
      name: '',
      calls: 1,
      medianMs,
      lowestMs: 0,
      highestMs: 0,
      roundMediansMs,
    });
    expect(compare(timing(2, [2, 4]), timing(6, [6, 6]))).toEqual({
      ratio: 3,
      lowest: 1.5,
      highest: 3,
    });
  });
});
