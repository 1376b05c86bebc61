import { expect, it } from 'vitest';
import { BacklogWatch } from '../../../component/camera/backlog-watch.ts';

/** Hours off, as the clock of a camera may be. */
const OFF_MS = 7_200_000;

it('tells what a frame took longer than the quickest one, whatever the clocks differ by', () => {
  const watch = new BacklogWatch();
  const delays = [230, 200, 215, 2200, 1200, 200];
  const told = delays.map((delayMs, index) =>
    watch.backlogMs(1000 * index + delayMs, 1000 * index + OFF_MS),
  );
  expect(told).toEqual([0, 0, 15, 2000, 1000, 0]);
});

it('takes a way that became longer for the usual one after a minute', () => {
  const watch = new BacklogWatch();
  const at = (ms: number, delayMs: number) => watch.backlogMs(ms + delayMs, ms + OFF_MS);
  expect(at(0, 100)).toBe(0);
  expect(at(40_000, 400)).toBe(300);
  expect(at(59_000, 400)).toBe(300);
  expect(at(60_000, 400)).toBe(0);
});

it('begins anew when the clock of the camera was set back', () => {
  const watch = new BacklogWatch();
  expect(watch.backlogMs(1000, OFF_MS)).toBe(0);
  expect(watch.backlogMs(1040, OFF_MS - 3_600_000)).toBe(0);
  expect(watch.backlogMs(1090, OFF_MS - 3_600_000 + 40)).toBe(10);
});
