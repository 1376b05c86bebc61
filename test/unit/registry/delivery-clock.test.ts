import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DeliveryClock } from '../../../component/registry/outbox/delivery-clock.ts';

const DAY_MS = 86_400_000;
const STARTED_MS = Date.UTC(2026, 10, 21);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: STARTED_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a wall clock that is set while the process runs makes nothing old or young', () => {
  const clock = new DeliveryClock(0, 0);
  expect(clock.nowMs()).toBe(0);
  vi.setSystemTime(STARTED_MS + 400 * DAY_MS);
  expect(clock.nowMs()).toBe(0);
  vi.setSystemTime(STARTED_MS - DAY_MS);
  expect(clock.nowMs()).toBe(0);
  vi.advanceTimersByTime(2500);
  expect(clock.nowMs()).toBe(2500);
});

test('between two runs the wall clock counts, as far as it went forward and is believed', () => {
  expect(new DeliveryClock(1000, STARTED_MS - 5000).nowMs()).toBe(6000);
  expect(new DeliveryClock(1000, STARTED_MS + 5000).nowMs()).toBe(1000);
  expect(new DeliveryClock(1000, STARTED_MS - 4000 * DAY_MS).nowMs()).toBe(1000 + 365 * DAY_MS);
});
