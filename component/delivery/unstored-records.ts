import { BackOff } from '../camera/back-off.ts';
import { pause } from '../camera/pause.ts';
import { VedetteError } from '../contract/errors.ts';

/** Whether a later try would be refused as well: what is wrong stays, or nothing is stored any more. */
export const isFinal = ({ retryable, code }: VedetteError): boolean =>
  !retryable || code === 'SHUTTING_DOWN';

export interface UnstoredRecordsOptions<T> {
  /** Stores one; `undefined` when it is stored. Must not reject. */
  readonly store: (item: T) => Promise<VedetteError | undefined>;
  /** It will never be stored, and why. Must not throw. */
  readonly onLost: (item: T, why: VedetteError) => void;
  /** Whether who adds waits when there are too many; else the oldest is given up. */
  readonly mayWait: boolean;
  /** The camera stops: each is tried one last time. */
  readonly signal: AbortSignal;
  readonly limit?: number;
  /** How large one is, in characters; all of them together have `MAX_CHARACTERS`. */
  readonly charactersOf?: (item: T) => number;
}

const LIMIT = 2000;
export const MAX_CHARACTERS = 8_000_000;
const RETRY = { firstMs: 250, maximumMs: 5000 };

interface Waiting<T> {
  readonly item: T;
  readonly characters: number;
}

/**
 * What the registry did not take and may take later, offered to it again, oldest first. The registry
 * stores one id once, however often it is offered.
 */
export class UnstoredRecords<T> {
  readonly #options: UnstoredRecordsOptions<T>;
  readonly #limit: number;
  readonly #waiting: Waiting<T>[] = [];
  readonly #wakeWaiting: (() => void)[] = [];
  #characters = 0;
  /** The first of those that wait is with the registry: whether it will be stored is open. */
  #isOffered = false;
  #offering: Promise<void> | undefined;

  constructor(options: UnstoredRecordsOptions<T>) {
    this.#options = options;
    this.#limit = options.limit ?? LIMIT;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Stores it at once. What is refused is taken over if it may be stored later, and lost otherwise.
   * @returns why it was taken over; `undefined` when it is stored, or lost
   */
  async store(item: T): Promise<VedetteError | undefined> {
    const refusal = await this.#options.store(item);
    if (refusal === undefined) return undefined;
    if (isFinal(refusal)) {
      this.#options.onLost(item, refusal);
      return undefined;
    }
    await this.add(item);
    return refusal;
  }

  /**
   * The same, but behind those that wait.
   * @returns why it is the first that waits; `undefined` otherwise
   */
  async storeInOrder(item: T): Promise<VedetteError | undefined> {
    if (this.#waiting.length === 0) return this.store(item);
    await this.add(item);
    return undefined;
  }

  /** Resolves when it is taken over; with `mayWait` not before there is room. */
  async add(item: T): Promise<void> {
    const { mayWait, signal, charactersOf } = this.#options;
    const characters = charactersOf?.(item) ?? 0;
    while (mayWait && this.#isFullFor(characters) && !signal.aborted) {
      await new Promise<void>((resolve) => this.#wakeWaiting.push(resolve));
    }
    while (this.#isFullFor(characters) && this.#giveUpOldest());
    this.#waiting.push({ item, characters });
    this.#characters += characters;
    this.#offering ??= this.#offer();
  }

  /** Resolves when nothing is left: after `signal` soon, whether stored or lost. */
  async ended(): Promise<void> {
    while (this.#offering !== undefined) await this.#offering;
  }

  /** One is always taken, whatever its size. */
  #isFullFor(characters: number): boolean {
    const isTooMuch = this.#characters + characters > MAX_CHARACTERS;
    return this.#waiting.length >= this.#limit || (isTooMuch && this.#waiting.length > 0);
  }

  /** @returns false when there is none that could be given up */
  #giveUpOldest(): boolean {
    const [oldest] = this.#waiting.splice(this.#isOffered ? 1 : 0, 1);
    if (oldest === undefined) return false;
    this.#characters -= oldest.characters;
    const message = `too much waits to be stored: ${this.#waiting.length + 1} of at most ${this.#limit}, ${this.#characters + oldest.characters} characters of at most ${MAX_CHARACTERS}; the oldest was given up`;
    this.#options.onLost(oldest.item, new VedetteError('OVERLOADED', message));
    return true;
  }

  async #offer(): Promise<void> {
    const { signal } = this.#options;
    const backOff = new BackOff(RETRY);
    while (this.#waiting.length > 0) {
      await pause(backOff.next(), signal);
      const isLastTry = signal.aborted;
      let refusal: VedetteError | undefined;
      while (this.#waiting.length > 0) {
        refusal = await this.#offerOldest();
        if (refusal?.retryable) break;
        if (refusal === undefined) backOff.reset();
        this.#wake();
      }
      if (refusal && (isLastTry || isFinal(refusal))) this.#giveUp(refusal);
    }
    this.#offering = undefined;
    this.#wake();
  }

  /** @returns why it was not stored; what may be stored later stays where it was */
  async #offerOldest(): Promise<VedetteError | undefined> {
    const { item, characters } = this.#waiting[0]!;
    this.#isOffered = true;
    const refusal = await this.#options.store(item);
    this.#isOffered = false;
    if (refusal?.retryable) return refusal;
    this.#waiting.shift();
    this.#characters -= characters;
    if (refusal !== undefined) this.#options.onLost(item, refusal);
    return refusal;
  }

  #giveUp(why: VedetteError): void {
    this.#characters = 0;
    for (const { item } of this.#waiting.splice(0)) this.#options.onLost(item, why);
  }

  #wake(): void {
    for (const wake of this.#wakeWaiting.splice(0)) wake();
  }
}
