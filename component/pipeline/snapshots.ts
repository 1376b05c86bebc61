import { VedetteError } from '../contract/errors.ts';
import type { StoredCapture } from '../contract/ports.ts';

/** The name that captures asked for this way bear in place of a capture rule's. */
export const SNAPSHOT_RULE = 'snapshot';

type Settle = (kept: StoredCapture | VedetteError) => void;

/** Who waits for the next picture of a camera to be kept. */
export class Snapshots {
  /** By camera, and once a picture was chosen for them by its result. */
  readonly #waiting = new Map<string, Set<Settle>>();

  /** @throws VedetteError why the picture could not be kept, and the reason of `signal` */
  async next(camera: string, signal: AbortSignal): Promise<StoredCapture> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredCapture>();
    const settle: Settle = (kept) => (kept instanceof VedetteError ? reject(kept) : resolve(kept));
    const onAbort = () => reject(VedetteError.from(signal.reason));
    const waiting = this.#waiting.get(camera) ?? new Set();
    this.#waiting.set(camera, waiting.add(settle));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await promise;
    } finally {
      waiting.delete(settle);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Whether somebody waits: then this result is the one, and `settle` must follow. */
  choose(camera: string, resultId: string): boolean {
    const waiting = this.#waiting.get(camera);
    if (waiting === undefined || waiting.size === 0) return false;
    this.#waiting.delete(camera);
    this.#waiting.set(resultId, waiting);
    return true;
  }

  settle(resultId: string, kept: StoredCapture | VedetteError): void {
    const waiting = this.#waiting.get(resultId);
    this.#waiting.delete(resultId);
    for (const settle of [...(waiting ?? [])]) settle(kept);
  }
}
