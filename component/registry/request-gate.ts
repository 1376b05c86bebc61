import { VedetteError } from '../contract/errors.ts';

/** Lets a bounded number of requests through at once; a bounded number of others wait in order. */
export class RequestGate {
  readonly #maxInFlight: number;
  readonly #maxWaiting: number;
  readonly #subject: string;
  readonly #queue: (() => void)[] = [];
  #idle: (() => void)[] = [];
  #inFlight = 0;

  constructor(maxInFlight: number, maxWaiting: number, subject: string) {
    this.#maxInFlight = maxInFlight;
    this.#maxWaiting = maxWaiting;
    this.#subject = subject;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** @throws VedetteError OVERLOADED */
  async run<T>(request: () => Promise<T>): Promise<T> {
    if (this.#inFlight < this.#maxInFlight) this.#inFlight += 1;
    else await this.#wait();
    try {
      return await request();
    } finally {
      this.#leave();
    }
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #wait(): Promise<void> {
    if (this.#queue.length >= this.#maxWaiting) {
      throw new VedetteError(
        'OVERLOADED',
        `${this.#subject}: ${this.#maxInFlight} are under way and ${this.#queue.length} wait; no more are taken`,
      );
    }
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  /** A place is handed on, never freed and taken again: who waits longest comes first. */
  #leave(): void {
    const next = this.#queue.shift();
    if (next !== undefined) return next();
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
