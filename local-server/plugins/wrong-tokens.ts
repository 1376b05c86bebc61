import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';

/** Wrong tokens that an address may send before it has to wait for each answer. */
const FREE_ATTEMPTS = 5;
const WAIT_MS = 1000;
/** Answers that one address may wait for at a time. */
const MAX_WAITING = 16;
/** An address that sent no wrong token for so long is forgotten, in milliseconds. */
const MEMORY_MS = 60_000;
const MAX_ADDRESSES = 1000;

interface Attempts {
  failures: number;
  waiting: number;
  lastAtMs: number;
}

/**
 * Slows down who tries tokens: some sixteen a second and address. The right token is not held up by
 * a program on the same address with a wrong one, unless that one floods.
 */
export class WrongTokens {
  readonly #addresses = new Map<string, Attempts>();

  /** @throws VedetteError UNAUTHORIZED, OVERLOADED while too many wrong ones wait for their answer */
  async check(address: string, isRight: () => boolean): Promise<void> {
    const known = this.#addresses.get(address);
    if (known !== undefined && known.waiting >= MAX_WAITING) {
      throw new VedetteError('OVERLOADED', `Too many wrong tokens came from ${address}`);
    }
    if (isRight()) return;
    const attempts = this.#remember(address);
    if (attempts.failures > FREE_ATTEMPTS) {
      attempts.waiting += 1;
      await pause(WAIT_MS, undefined, { ref: false });
      attempts.waiting -= 1;
    }
    throw new VedetteError('UNAUTHORIZED', 'The token is not the one that this server expects');
  }

  #remember(address: string): Attempts {
    const nowMs = performance.now();
    const known = this.#addresses.get(address);
    const isRecent =
      known !== undefined && (known.waiting > 0 || nowMs - known.lastAtMs < MEMORY_MS);
    const attempts = isRecent ? known : { failures: 0, waiting: 0, lastAtMs: nowMs };
    attempts.failures += 1;
    attempts.lastAtMs = nowMs;
    // The map is in the order of the last failure, so that its first is the one to forget.
    this.#addresses.delete(address);
    this.#addresses.set(address, attempts);
    const oldest = this.#addresses.keys().next();
    if (this.#addresses.size > MAX_ADDRESSES && !oldest.done) this.#addresses.delete(oldest.value);
    return attempts;
  }
}
