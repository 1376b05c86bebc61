import { VedetteError } from '../contract/errors.ts';
import type { Notice } from '../contract/ports.ts';
import type { StorageChange } from './result-writer.ts';

/** An operator is told of the same trouble at most so often. */
const NOTICE_INTERVAL_MS = 60_000;

/** What an operator should know of the storage, in words. */
export class StoreReports {
  readonly #told: (notice: Notice) => void;
  readonly #noticedAtMs = new Map<string, number>();

  constructor(tell: (notice: Notice) => void) {
    this.#told = tell;
  }

  storage(change: StorageChange): void {
    if (change.kind === 'refused') {
      this.#tellSometimes('refused', noticeOf(change.error));
      return;
    }
    const message = `Storing resumed after ${Math.round(change.forMs / 1000)} s; ${change.givenUp} results were lost`;
    const level = change.givenUp > 0 ? 'error' : 'warn';
    this.#tellSometimes('recovered', noticeOf(new VedetteError('STORAGE_FULL', message), level));
  }

  givenUp(count: number, what: 'messages' | 'captures'): void {
    const setting = what === 'messages' ? 'delivery.maxBytes' : 'retention.capturesMaxBytes';
    const message = `${count} ${what} that waited to leave the device were given up to stay within ${setting}`;
    this.#tellSometimes(what, noticeOf(new VedetteError('DELIVERY_GIVEN_UP', message)));
  }

  captureGivenUp(reason: string): void {
    this.#tellSometimes('upload', noticeOf(new VedetteError('DELIVERY_GIVEN_UP', reason)));
  }

  undeletable(thrown: unknown, file: string): void {
    const message = `Capture ${file} could not be deleted: ${(thrown as Error).message}`;
    const error = new VedetteError('REGISTRY_UNAVAILABLE', message, { cause: thrown });
    this.#tellSometimes('undeletable', noticeOf(error, 'warn'));
  }

  #tellSometimes(kind: string, notice: Notice): void {
    const nowMs = performance.now();
    const toldAtMs = this.#noticedAtMs.get(kind);
    if (toldAtMs !== undefined && nowMs - toldAtMs < NOTICE_INTERVAL_MS) return;
    this.#noticedAtMs.set(kind, nowMs);
    this.#told(notice);
  }
}

export function noticeOf(error: VedetteError, level: Notice['level'] = 'error'): Notice {
  return { atMs: Date.now(), level, error: error.serialize() };
}
