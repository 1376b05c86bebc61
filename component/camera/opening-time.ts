const KEPT = 5;
/** A source that is opened often takes several times as long now and then: others are opened with it. */
const MARGIN = 3;
/** Most sources open within a second: one that hangs the first time was opened at a bad moment. */
const FIRST_MS = 4000;

/**
 * How long a source may take from the beginning of a run to its first frame: what hangs while it is
 * opened is given up after three times the median of its last five openings, or after four seconds as
 * long as it never opened. From the second such opening in a row on, of one that never opened from the
 * first, it is given twice as long as the time before: it may be slow. At most it is `maximumMs`.
 */
export class OpeningTime {
  readonly #leastMs: number;
  readonly #maximumMs: number;
  readonly #tookMs: number[] = [];
  #limitMs: number;
  /** In a row. */
  #gaveUp = 0;

  constructor({ leastMs, maximumMs }: { readonly leastMs: number; readonly maximumMs: number }) {
    this.#leastMs = leastMs;
    this.#maximumMs = maximumMs;
    this.#limitMs = this.#within(FIRST_MS);
  }

  get limitMs(): number {
    return this.#limitMs;
  }

  opened(tookMs: number): void {
    this.#gaveUp = 0;
    this.#tookMs.push(tookMs);
    if (this.#tookMs.length > KEPT) this.#tookMs.shift();
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    this.#limitMs = this.#within(MARGIN * sorted[sorted.length >> 1]!);
  }

  gaveUp(): void {
    this.#gaveUp += 1;
    const isKnown = this.#tookMs.length > 0;
    if (!isKnown || this.#gaveUp > 1) this.#limitMs = this.#within(2 * this.#limitMs);
  }

  #within(ms: number): number {
    return Math.min(this.#maximumMs, Math.max(this.#leastMs, ms));
  }
}
