import type { RetentionConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { Registry } from '../registry/registry.ts';

const INTERVAL_MS = 10_000;

export interface RetentionOptions {
  readonly registry: Registry;
  readonly retention: RetentionConfig;
  readonly faults: {
    warn(key: string, fields: Record<string, unknown>, message: string): void;
  };
}

/**
 * Has the registry apply the limits again and again. Counts and bytes hold between two rounds too,
 * since the registry makes room whenever it adds something; ages only pass with the rounds.
 */
export class Retention {
  readonly #options: RetentionOptions;
  #retention: RetentionConfig;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#retention = options.retention;
  }

  start(): void {
    if (this.#isClosed) return;
    this.#round = this.#apply().finally(() => this.#schedule());
  }

  /** Other limits, from the next round on. */
  configure(retention: RetentionConfig): void {
    this.#retention = retention;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(): void {
    if (this.#isClosed) return;
    // Jitter keeps devices that were switched on together from deleting in step on shared storage.
    const delayMs = INTERVAL_MS * (0.8 + 0.4 * Math.random());
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  async #apply(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#options.registry.applyRetention(this.#retention);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      const message = 'old results and captures could not be deleted; it is tried again';
      this.#options.faults.warn(`retention/${error.code}`, { error }, message);
    }
  }
}
