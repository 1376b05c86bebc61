import type { CameraStatus } from '../contract/ports.ts';
import type { SharedFrames } from './shared-frames.ts';

/** A camera as those see it that share its source. */
export interface SharedSource {
  readonly status: Pick<CameraStatus, 'state' | 'reason'>;
  /** Absent while there is nothing that frames could be in: it is disabled. */
  readonly frames?: SharedFrames;
}

/** Where cameras that are open find each other by name. */
export class SourceBoard {
  readonly #sources = new Map<string, () => SharedSource>();
  readonly #watchers = new Map<string, Set<() => void>>();

  offer(name: string, source: () => SharedSource): void {
    this.#sources.set(name, source);
    this.tellChanged(name);
  }

  /** Does nothing when another offered itself by that name meanwhile. */
  withdraw(name: string, source: () => SharedSource): void {
    if (this.#sources.get(name) !== source) return;
    this.#sources.delete(name);
    this.tellChanged(name);
  }

  /** What `offer` returns for that name may be other than before. */
  tellChanged(name: string): void {
    for (const watcher of this.#watchers.get(name) ?? []) watcher();
  }

  /** `undefined` while that camera is not open. */
  find(name: string): SharedSource | undefined {
    return this.#sources.get(name)?.();
  }

  /** Resolves once `isSo`, which is looked at after each change, or when `signal` is aborted. */
  until(name: string, isSo: () => boolean, signal: AbortSignal): Promise<void> {
    if (signal.aborted || isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const watchers = this.#watchers.get(name) ?? new Set();
      this.#watchers.set(name, watchers);
      const end = () => {
        watchers.delete(look);
        if (watchers.size === 0 && this.#watchers.get(name) === watchers) {
          this.#watchers.delete(name);
        }
        signal.removeEventListener('abort', end);
        resolve();
      };
      const look = () => {
        if (isSo()) end();
      };
      watchers.add(look);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
