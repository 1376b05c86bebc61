import { digits, percent } from './number-text.ts';
import { quantile, range } from './statistics.ts';

/** What the instrument in a server answers (see loop-instrument.mjs). */
export interface LoopReport {
  /** How late a timer due every millisecond fired, ascending. */
  readonly delaysMs: readonly number[];
  readonly seconds: number;
  /** Share of the time in which the loop was not waiting for events, 0–1. */
  readonly busyShare: number;
  /** CPU of the whole process, every thread. */
  readonly cpuSeconds: number;
}

export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly busyShare: number;
  /** How long at most 99 of 100 events wait that come at any moment. */
  readonly waitP99Ms: number;
}

/** The main thread may keep others waiting for so long, in milliseconds. */
export const LOOP_LIMIT_MS = 10;

export function loopDelay(reports: readonly LoopReport[]): LoopDelay {
  const delays = reports.flatMap(({ delaysMs }) => delaysMs);
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
  return {
    p50Ms: quantile(delays, 0.5),
    p99Ms: quantile(delays, 0.99),
    longestMs: range(delays).highest,
    busyShare:
      reports.reduce((sum, { busyShare, seconds: part }) => sum + busyShare * part, 0) / seconds,
    waitP99Ms: waitAtAnyMoment(delays, seconds * 1000, 0.99),
  };
}

/**
 * A long delay is one delay among many, yet everything that comes during it waits. An event that
 * comes in a delay of `d` waits longer than `t` when it comes in its first `d − t`: the answer is
 * the `t` at which those parts together are `1 − share` of the time.
 */
function waitAtAnyMoment(delaysMs: readonly number[], wholeMs: number, share: number): number {
  const longerThan = (waitMs: number) =>
    delaysMs.reduce((sum, delay) => sum + Math.max(0, delay - waitMs), 0);
  let low = 0;
  let high = range(delaysMs).highest;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (longerThan(middle) > (1 - share) * wholeMs) low = middle;
    else high = middle;
  }
  return high;
}

export const LOOP_COLUMNS = [
  'delay p50, ms',
  'p99, ms',
  'longest, ms',
  'wait at any moment p99, ms',
  'loop busy',
];

export function loopCells(delay: LoopDelay): string[] {
  return [
    digits(delay.p50Ms),
    digits(delay.p99Ms),
    digits(delay.longestMs),
    digits(delay.waitP99Ms),
    percent(delay.busyShare),
  ];
}
