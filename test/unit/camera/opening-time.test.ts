import { expect, it } from 'vitest';
import { OpeningTime } from '../../../component/camera/opening-time.ts';

const limits = { leastMs: 2000, maximumMs: 10_000 };

it('gives a source that never opened four seconds, and twice as long each time it did not', () => {
  const time = new OpeningTime(limits);
  expect(time.limitMs).toBe(4000);
  time.gaveUp();
  expect(time.limitMs).toBe(8000);
  time.gaveUp();
  expect(time.limitMs).toBe(10_000);
  expect(new OpeningTime({ leastMs: 2000, maximumMs: 3000 }).limitMs).toBe(3000);
});

it('gives three times what an opening took, within its limits', () => {
  const time = new OpeningTime(limits);
  time.opened(700);
  expect(time.limitMs).toBe(2100);
  const quick = new OpeningTime(limits);
  quick.opened(50);
  expect(quick.limitMs).toBe(2000);
  const slow = new OpeningTime(limits);
  slow.opened(9000);
  expect(slow.limitMs).toBe(10_000);
});

it('goes by the median of the last five, so that one slow opening changes nothing', () => {
  const time = new OpeningTime(limits);
  for (const tookMs of [700, 700, 9000, 700]) time.opened(tookMs);
  expect(time.limitMs).toBe(2100);
  for (const tookMs of [1000, 1000, 1000, 1000, 1000]) time.opened(tookMs);
  expect(time.limitMs).toBe(3000);
});

it('gives twice as long from the second opening in a row that was given up, until one came to its end', () => {
  const time = new OpeningTime(limits);
  time.opened(700);
  time.gaveUp();
  expect(time.limitMs).toBe(2100);
  time.gaveUp();
  expect(time.limitMs).toBe(4200);
  time.gaveUp();
  time.gaveUp();
  expect(time.limitMs).toBe(10_000);
  time.opened(700);
  expect(time.limitMs).toBe(2100);
});
