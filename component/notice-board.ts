import { VedetteError } from './contract/errors.ts';
import type { Notice, RuntimeEvent } from './contract/ports.ts';
import type { Logger } from './logging/create-logger.ts';
import type { Registry } from './registry/registry.ts';

const MAX_NOTICES = 100;
/** Older notices stay in the registry, but no longer on the page, in milliseconds. */
const NOTICE_AGE_MS = 7 * 24 * 3_600_000;

/** What happens on the device, told to whoever listens, and what an operator should still know of it. */
export class NoticeBoard {
  readonly notices: Notice[] = [];
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    const own = (event: RuntimeEvent) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  readonly publish = (event: RuntimeEvent): void => {
    for (const listener of this.#listeners) listener(event);
  };

  readonly notify = (notice: Notice): void => {
    this.notices.push(notice);
    if (this.notices.length > MAX_NOTICES) this.notices.shift();
    this.#logger[notice.level]({ error: notice.error }, notice.error.message);
    this.publish({ kind: 'notice', notice });
  };

  /** Those of earlier runs: who comes in the morning should see what happened at night. */
  async recall(registry: Registry): Promise<void> {
    const openedAtMs = performance.timeOrigin;
    try {
      const earlier = (await registry.notices(MAX_NOTICES))
        .filter(({ atMs }) => atMs < openedAtMs && atMs > openedAtMs - NOTICE_AGE_MS)
        .toReversed();
      this.notices.unshift(...earlier);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      this.#logger.warn({ error }, 'earlier notices could not be read');
    }
  }
}
