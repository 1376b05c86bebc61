import { BackOff } from '../camera/back-off.ts';
import { pause } from '../camera/pause.ts';
import type { VedetteError } from '../contract/errors.ts';

export interface UnstoredResultsOptions<T> {
  /** Stores one; `undefined` when it is stored. Must not reject. */
  readonly store: (item: T) => Promise<VedetteError | undefined>;
  /** It will never be stored. Must not throw. */
  readonly onLost: (item: T) => void;
  /** Whether who adds waits when there are too many; else the oldest is given up. */
  readonly mayWait: boolean;
  /** The camera stops: each is tried one last time. */
  readonly signal: AbortSignal;
  readonly limit?: number;
}

const LIMIT = 2000;
const RETRY = { firstMs: 250, maximumMs: 5000 };

/**
 * Results that the registry did not take and may take later, offered to it again, oldest first. The
 * registry stores one id once, however often it is offered.
 */
export class UnstoredResults<T> {
  readonly #options: UnstoredResultsOptions<T>;
  readonly #limit: number;
  readonly #items: T[] = [];
  readonly #wakeWaiting: (() => void)[] = [];
  #offering: Promise<void> | undefined;

  constructor(options: UnstoredResultsOptions<T>) {
    this.#options = options;
    this.#limit = options.limit ?? LIMIT;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Resolves when it is taken over; with `mayWait` not before there is room. */
  async add(item: T): Promise<void> {
    const { mayWait, signal, onLost } = this.#options;
    while (mayWait && this.#items.length >= this.#limit && !signal.aborted) {
      await new Promise<void>((resolve) => this.#wakeWaiting.push(resolve));
    }
    if (this.#items.length >= this.#limit) onLost(this.#items.shift()!);
    this.#items.push(item);
    this.#offering ??= this.#offer();
  }

  /** Resolves when nothing is left: after `signal` soon, whether stored or lost. */
  async ended(): Promise<void> {
    while (this.#offering !== undefined) await this.#offering;
  }

  async #offer(): Promise<void> {
    const { store, signal, onLost } = this.#options;
    const backOff = new BackOff(RETRY);
    while (this.#items.length > 0) {
      await pause(backOff.next(), signal);
      const isLastTry = signal.aborted;
      let refusal: VedetteError | undefined;
      while (this.#items.length > 0) {
        const item = this.#items[0]!;
        refusal = await store(item);
        if (refusal?.retryable) break;
        // The limit may have given it up in the meantime.
        if (this.#items[0] === item) this.#items.shift();
        if (refusal === undefined) backOff.reset();
        else onLost(item);
        this.#wake();
      }
      if (refusal?.code === 'SHUTTING_DOWN' || (isLastTry && refusal !== undefined)) this.#giveUp();
    }
    this.#offering = undefined;
    this.#wake();
  }

  #giveUp(): void {
    for (const item of this.#items.splice(0)) this.#options.onLost(item);
  }

  #wake(): void {
    for (const wake of this.#wakeWaiting.splice(0)) wake();
  }
}
