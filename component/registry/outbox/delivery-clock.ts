/** Longest time between two runs that is believed, in milliseconds. */
const LONGEST_PAUSE_MS = 365 * 86_400_000;

/**
 * Milliseconds that only go forward, for ages of what waits: while the process runs by a monotonic
 * clock, between two runs by the wall clock as far as it went forward. A wall clock that is set does
 * not make a message old.
 */
export class DeliveryClock {
  readonly #atOpenMs: number;
  readonly #openedMs = performance.now();

  /** @param clockMs and `wallMs`: both clocks when they were written down last; 0 and 0 at first */
  constructor(clockMs: number, wallMs: number) {
    const pauseMs = wallMs === 0 ? 0 : Date.now() - wallMs;
    this.#atOpenMs = clockMs + Math.min(Math.max(0, pauseMs), LONGEST_PAUSE_MS);
  }

  nowMs(): number {
    return Math.floor(this.#atOpenMs + (performance.now() - this.#openedMs));
  }
}
