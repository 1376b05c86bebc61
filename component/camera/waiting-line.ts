interface Waiting<T> {
  settle(value: T | undefined): void;
}

/** Who waits for something, in the order of their coming. */
export class WaitingLine<T> {
  readonly #waiting = new Set<Waiting<T>>();
  readonly #onChange: () => void;

  /** `onChange` is told after each coming and going. */
  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves with what is given, or with `undefined` when `signal` is aborted. */
  wait(signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve) => {
      const onAbort = () => waiting.settle(undefined);
      const waiting: Waiting<T> = {
        settle: (value) => {
          this.#waiting.delete(waiting);
          signal.removeEventListener('abort', onAbort);
          this.#onChange();
          resolve(value);
        },
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#onChange();
    });
  }

  /** Gives each what `serve` returns, until it returns `undefined`. */
  serve(serve: () => T | undefined): void {
    for (const waiting of this.#waiting) {
      const value = serve();
      if (value === undefined) return;
      waiting.settle(value);
    }
  }

  /** Sends all away with nothing. */
  dismiss(): void {
    for (const waiting of this.#waiting) waiting.settle(undefined);
  }
}
