import type { Logger } from 'pino';

/**
 * Logs the same fault once and then at most once a minute, with the number of times it came in
 * between, so that a broken camera cannot fill a disk.
 */
export class FaultLog {
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #faults = new Map<string, { loggedAtMs: number; suppressed: number }>();

  constructor(logger: Logger, intervalMs = 60_000) {
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  /** `key` says which faults are the same, such as `camera/dock/IMAGE_CORRUPT`. */
  warn(key: string, fields: Record<string, unknown>, message: string): void {
    this.#log('warn', key, fields, message);
  }

  error(key: string, fields: Record<string, unknown>, message: string): void {
    this.#log('error', key, fields, message);
  }

  #log(
    level: 'warn' | 'error',
    key: string,
    fields: Record<string, unknown>,
    message: string,
  ): void {
    // Not the time of day: after that is set back, a fault would be silent for as long.
    const now = performance.now();
    const known = this.#faults.get(key);
    if (known && now - known.loggedAtMs < this.#intervalMs) {
      known.suppressed += 1;
      return;
    }
    const suppressed = known?.suppressed ?? 0;
    this.#forgetOldest();
    this.#faults.set(key, { loggedAtMs: now, suppressed: 0 });
    this.#logger[level]({ ...fields, ...(suppressed > 0 ? { suppressed } : {}) }, message);
  }

  #forgetOldest(): void {
    if (this.#faults.size < 1000) return;
    const oldest = this.#faults.keys().next();
    if (!oldest.done) this.#faults.delete(oldest.value);
  }
}
