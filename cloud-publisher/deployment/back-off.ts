/** Pauses that grow from failure to failure, twice as long each, up to a longest one. */
export class BackOff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** One more in a row. @returns how long to wait */
  failed(): number {
    const pauseMs = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#failures);
    // Beyond the longest pause there is nothing to count.
    if (pauseMs < this.#longestMs) this.#failures += 1;
    return pauseMs;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
