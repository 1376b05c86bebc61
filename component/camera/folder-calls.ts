import { pause } from './pause.ts';

/** A file system that has not answered a call for so long is told of. */
export const SILENCE_MS = 10_000;
const CHECK_MS = 500;

/** Of libuv's four threads, each of which a call holds until it is answered; names take two (`NameLookups`). */
const MOST_AT_ONCE = 2;
let underWay = 0;
const waiting: (() => void)[] = [];

/** Whether threads of libuv are inside calls, without whose answers no process exits by itself. */
export const areFolderCallsUnderWay = (): boolean => underWay > 0;

/** What a source does with its files. */
export type FolderCall = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Calls of one source to the file system that holds its folder. On a network share whose server is gone
 * they are never answered, and cannot be given up: so a source has one under way at a time, and all of them
 * together two; the others wait for their turn.
 */
export class FolderCalls {
  #last: Promise<void> = Promise.resolve();
  #sinceMs: number | undefined;
  #hasTurn = false;

  /** Whether a call has had no answer for `SILENCE_MS`. */
  get isSilent(): boolean {
    return this.#sinceMs !== undefined && performance.now() - this.#sinceMs >= SILENCE_MS;
  }

  /** What is wrong, and what to do, for a message that begins with the name of the folder. */
  get silence(): string {
    return this.#hasTurn
      ? `its file system has not answered for ${SILENCE_MS / 1000} s; if it is a network share, see that its server can be reached, it goes on when the call returns`
      : `it is not looked at, because other folders have not been answered for ${SILENCE_MS / 1000} s by their file systems, and ${MOST_AT_ONCE} are waited for at once: see to those`;
  }

  /** Does `work` when what this source did before is done. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    this.#sinceMs = performance.now();
    try {
      await turn();
      this.#hasTurn = true;
      try {
        return await work();
      } finally {
        passOn();
      }
    } finally {
      this.#hasTurn = false;
      this.#sinceMs = undefined;
      resolve();
    }
  }

  /** Resolves when what was asked has been answered, or `signal` is aborted. */
  async answered(signal: AbortSignal): Promise<void> {
    await within(signal, (over) => Promise.race([this.#last, untilAborted(over)]));
  }

  /**
   * What `work` comes to; `undefined` when `signal` is aborted before.
   * @throws what `work` throws, and what `silent` makes when this source's call is not answered. `work` goes on.
   */
  async watch<T>(
    work: Promise<T>,
    signal: AbortSignal,
    silent: (why: string) => Error,
  ): Promise<T | undefined> {
    return within(signal, (over) => Promise.race([work, this.#untilSilent(over, silent)]));
  }

  async #untilSilent(signal: AbortSignal, silent: (why: string) => Error): Promise<undefined> {
    while (!signal.aborted) {
      if (this.isSilent) throw silent(this.silence);
      await pause(CHECK_MS, signal);
    }
  }
}

/** To be given back by `passOn`. */
function turn(): Promise<void> | undefined {
  if (underWay >= MOST_AT_ONCE) return new Promise((resolve) => waiting.push(resolve));
  underWay += 1;
  return undefined;
}

function passOn(): void {
  const next = waiting.shift();
  if (next === undefined) underWay -= 1;
  else next();
}

/** Does `work` with a signal that is aborted with `signal`, and when it is done. */
async function within<T>(signal: AbortSignal, work: (over: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const end = () => over.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await work(over.signal);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
