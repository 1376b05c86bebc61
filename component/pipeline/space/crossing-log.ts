import type { Direction } from './line-watch.ts';

export interface Crossing {
  readonly direction: Direction;
  readonly label: string;
}

export interface LoggedCrossing extends Crossing {
  readonly line: string;
  readonly atMs: number;
}

/** More than the largest number that a rule can ask for. */
const MAX_CROSSINGS = 200_001;

/** The crossings of the last while, oldest first. */
export class CrossingLog {
  #rememberMs: number;
  #crossings: LoggedCrossing[] = [];

  constructor(rememberMs: number) {
    this.#rememberMs = rememberMs;
  }

  /** What is forgotten already does not come back when it grows. */
  remember(rememberMs: number): void {
    this.#rememberMs = rememberMs;
  }

  add(crossing: LoggedCrossing): void {
    if (this.#rememberMs === 0) return;
    const oldestMs = crossing.atMs - this.#rememberMs;
    if (this.#crossings[0] && this.#crossings[0].atMs <= oldestMs) {
      this.#crossings = this.#crossings.filter(({ atMs }) => atMs > oldestMs);
    }
    this.#crossings.push(crossing);
    if (this.#crossings.length > MAX_CROSSINGS) this.#crossings.shift();
  }

  /** What was remembered has times that are yet to come. */
  clear(): void {
    this.#crossings = [];
  }

  /** Of a line, later than `fromMs` and no later than `toMs`. */
  since(line: string, fromMs: number, toMs: number): readonly LoggedCrossing[] {
    return this.#crossings.filter(
      (one) => one.line === line && one.atMs > fromMs && one.atMs <= toMs,
    );
  }
}
