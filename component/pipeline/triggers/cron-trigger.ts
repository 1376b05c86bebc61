import { Cron } from 'croner';
import type { TriggerConfigOf } from '../../contract/trigger-config.ts';
import { SYSTEM_CLOCK, type Clock } from '../transactions/transaction.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

/** So often the clock is looked at. */
const LOOK_MS = 100;
/** A clock that went this much further than running time was set. */
const SET_MS = 2000;

/**
 * Whose turn it is by the wall clock. Turns that a clock passed by being set forward, or while the machine
 * slept, are not made up for; after it was set back, turns come again.
 */
export class CronTurns {
  readonly #cron: Cron;
  readonly #clock: Clock;
  #nextMs: number;
  #offsetMs: number;

  constructor({ expression, timeZone }: CronTime, clock: Clock = SYSTEM_CLOCK) {
    const zone = timeZone === undefined ? {} : { timezone: timeZone };
    this.#cron = new Cron(expression, { paused: true, ...zone });
    this.#clock = clock;
    this.#offsetMs = clock.wallMs() - clock.steadyMs();
    this.#nextMs = this.#after(clock.wallMs());
  }

  /** To be called again and again. @returns whether a turn came since */
  look(): boolean {
    const nowMs = this.#clock.wallMs();
    const offsetMs = nowMs - this.#clock.steadyMs();
    const wasSet = Math.abs(offsetMs - this.#offsetMs) > SET_MS;
    this.#offsetMs = offsetMs;
    if (!wasSet && nowMs < this.#nextMs) return false;
    this.#nextMs = this.#after(nowMs);
    return !wasSet;
  }

  #after(ms: number): number {
    return this.#cron.nextRun(new Date(ms))?.getTime() ?? Infinity;
  }
}

type CronTime = Pick<TriggerConfigOf<'cron'>, 'expression' | 'timeZone'>;

/** The configuration was checked: the expression and the zone are good. */
export function openCronTrigger(
  config: TriggerConfigOf<'cron'>,
  listener: TriggerListener,
): TriggerSource {
  const turns = new CronTurns(config);
  const timer = setInterval(() => {
    if (turns.look()) listener.fire({});
  }, LOOK_MS);
  listener.listening();
  return { close: async () => clearInterval(timer) };
}
