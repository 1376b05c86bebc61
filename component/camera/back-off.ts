export interface BackOffOptions {
  readonly firstMs: number;
  readonly maximumMs: number;
  /** A number in [0, 1), for tests; `Math.random` when absent. */
  readonly random?: () => number;
}

/**
 * Exponential back-off with equal jitter: the n-th delay lies between half and all of
 * `firstMs × 2^n`, never above `maximumMs`. The jitter keeps many cameras behind one switch from
 * coming back in step.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #attempt = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const { firstMs, maximumMs, random = Math.random } = this.#options;
    const full = Math.min(maximumMs, firstMs * 2 ** this.#attempt);
    // Past this the delay is at its maximum whatever the base; it keeps 2^n finite.
    this.#attempt = Math.min(this.#attempt + 1, 32);
    return full * (0.5 + random() / 2);
  }

  reset(): void {
    this.#attempt = 0;
  }
}
