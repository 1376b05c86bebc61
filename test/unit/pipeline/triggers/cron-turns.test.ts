import { describe, expect, it } from 'vitest';
import { CronTurns } from '../../../../component/pipeline/triggers/cron-trigger.ts';

/** A wall clock and running time that tests move. */
class MovedClock {
  #wallMs: number;
  #steadyMs = 0;
  constructor(time: string) {
    this.#wallMs = Date.parse(time);
  }
  readonly wallMs = () => this.#wallMs;
  readonly steadyMs = () => this.#steadyMs;
  pass(ms: number): void {
    this.#wallMs += ms;
    this.#steadyMs += ms;
  }
  set(ms: number): void {
    this.#wallMs += ms;
  }
}

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Turns within so many minutes, looked for every ten seconds. */
function turnsIn(turns: CronTurns, clock: MovedClock, minutes: number): number {
  let count = 0;
  for (let n = 0; n < minutes * 6; n += 1) {
    clock.pass(10_000);
    if (turns.look()) count += 1;
  }
  return count;
}

describe('turns of a cron expression', () => {
  it('come once each, and not before their time', () => {
    const clock = new MovedClock('2026-03-02T10:00:30Z');
    const turns = new CronTurns({ expression: '*/5 * * * *', timeZone: 'UTC' }, clock);
    expect(turnsIn(turns, clock, 4)).toBe(0);
    expect(turnsIn(turns, clock, 1)).toBe(1);
    expect(turnsIn(turns, clock, 60)).toBe(12);
  });

  it('are not made up for when the clock is set an hour forward', () => {
    const clock = new MovedClock('2026-03-02T10:01:00Z');
    const turns = new CronTurns({ expression: '*/5 * * * *', timeZone: 'UTC' }, clock);
    clock.set(HOUR);
    expect(turns.look()).toBe(false);
    expect(turnsIn(turns, clock, 5)).toBe(1);
  });

  it('come again after the clock was set an hour back, without a wait of an hour', () => {
    const clock = new MovedClock('2026-03-02T10:04:00Z');
    const turns = new CronTurns({ expression: '*/5 * * * *', timeZone: 'UTC' }, clock);
    expect(turnsIn(turns, clock, 2)).toBe(1);
    clock.set(-HOUR);
    expect(turns.look()).toBe(false);
    expect(turnsIn(turns, clock, 10)).toBe(2);
  });

  it('keep to the time of day of their zone over the change to summer time', () => {
    const clock = new MovedClock('2026-03-28T11:30:00Z');
    const turns = new CronTurns({ expression: '0 6 * * *', timeZone: 'Europe/Berlin' }, clock);
    const came: string[] = [];
    for (let n = 0; n < 48 * 60; n += 1) {
      clock.pass(MINUTE);
      if (turns.look()) came.push(new Date(clock.wallMs()).toISOString());
    }
    expect(came).toEqual(['2026-03-29T04:00:00.000Z', '2026-03-30T04:00:00.000Z']);
  });
});
