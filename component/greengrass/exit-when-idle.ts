import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { ExitAllowance } from './exit-allowance.ts';

/** Without a result for so long, in milliseconds, a restart disturbs nobody. */
const IDLE_MS = 60_000;
const POLL_MS = 10_000;

export interface ExitWhenIdleOptions {
  readonly allowance: ExitAllowance;
  readonly logger: Logger;
  /** Calls `listener` for every result from now on; gives the function that ends it. */
  readonly watchResults: (listener: () => void) => () => void;
  /** Whether this is a time that was set aside for such things, though results come. */
  readonly isInsideWindow: () => boolean;
  /** Whether a part is under inspection right now. */
  readonly isBusy: () => boolean;
  readonly exit: () => Promise<void>;
  readonly idleMs?: number;
  readonly pollMs?: number;
  readonly now?: () => number;
}

/**
 * Ends a process that needs a new token, which the nucleus gives only to one that it starts. Verdicts
 * matter more: it ends when no result came for a while, or within the maintenance window, never while a
 * part is inspected, and never so often that the component would be given up.
 */
export class ExitWhenIdle {
  readonly #options: ExitWhenIdleOptions;
  #poll: NodeJS.Timeout | undefined;
  #lastResultMs = performance.now();
  #unwatch: () => void = () => {};
  #looking: Promise<void> | undefined;

  constructor(options: ExitWhenIdleOptions) {
    this.#options = options;
  }

  /** A second call does nothing. */
  begin(): void {
    if (this.#poll !== undefined) return;
    const { watchResults, logger, pollMs = POLL_MS } = this.#options;
    logger.error('the nucleus no longer knows this process; it ends when it is idle');
    this.#lastResultMs = performance.now();
    this.#unwatch = watchResults(() => (this.#lastResultMs = performance.now()));
    this.#poll = setInterval(() => {
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    }, pollMs);
  }

  close(): void {
    clearInterval(this.#poll);
    this.#unwatch();
  }

  async #look(): Promise<void> {
    const { allowance, logger, isInsideWindow, isBusy, exit } = this.#options;
    const { idleMs = IDLE_MS, now = Date.now } = this.#options;
    const isIdle = performance.now() - this.#lastResultMs >= idleMs;
    if (isBusy() || !(isIdle || isInsideWindow())) return;
    try {
      if (!(await allowance.take(now()))) return;
    } catch (thrown) {
      const error = VedetteError.from(thrown).serialize();
      logger.error({ error }, 'exits cannot be counted, so the process does not end');
      return;
    }
    this.close();
    await exit();
  }
}
