import { expect, test } from 'vitest';
import { ServiceTime } from '../../../component/inference/service-time.ts';
import { workerCount } from '../../../component/inference/worker-count.ts';

test('says when so many pictures will be done, once something was measured', () => {
  const time = new ServiceTime();
  expect(time.untilDoneMs(10, 2)).toBe(undefined);
  time.record(80, 2);
  expect(time.untilDoneMs(10, 2)).toBe(200);
  expect(time.untilDoneMs(10, 0)).toBe(undefined);
  expect(time.untilDoneMs(1e9, 1)).toBe(600_000);
});

test('follows a model that becomes slower', () => {
  const time = new ServiceTime();
  time.record(10, 1);
  for (let count = 0; count < 60; count += 1) time.record(50, 1);
  expect(time.untilDoneMs(1, 1)).toBe(50);
});

test.each([
  ['auto', 1, 1, 4, 4],
  ['auto', 1, 2, 4, 2],
  ['auto', 1, 3, 4, 1],
  ['auto', 2, 1, 4, 2],
  ['auto', 4, 8, 2, 1],
  ['auto', 1, 1, 64, 8],
  [12, 1, 9, 2, 12],
] as const)(
  'workers %s with %i threads, %i models, %i processors: %i',
  (workers, threadsPerWorker, models, processors, expected) => {
    expect(workerCount({ workers, threadsPerWorker }, models, processors)).toBe(expected);
  },
);
