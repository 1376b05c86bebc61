import type { RuntimeConfig } from '../contract/config.ts';
import type {
  ConfigurationRefusal,
  ConfigurationStatus,
} from '../contract/configuration-status.ts';
import { VedetteError } from '../contract/errors.ts';
import { configurationHash } from './configuration-hash.ts';

/** The configuration that is in force, and what became of what was asked for since. */
export class ConfigurationState {
  readonly #onChange: (status: ConfigurationStatus) => void;
  #config: RuntimeConfig;
  #hash: string;
  #inForceSinceMs = Date.now();
  #refusal: ConfigurationRefusal | undefined;
  #changesUnderWay = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param onChange told after every change of the status; must not throw */
  constructor(config: RuntimeConfig, onChange: (status: ConfigurationStatus) => void) {
    this.#config = config;
    this.#hash = configurationHash(config);
    this.#onChange = onChange;
  }

  get config(): RuntimeConfig {
    return this.#config;
  }

  status(): ConfigurationStatus {
    return {
      hash: this.#hash,
      inForceSinceMs: this.#inForceSinceMs,
      isApplying: this.#changesUnderWay > 0,
      ...(this.#refusal ? { refusal: this.#refusal } : {}),
    };
  }

  /**
   * One change after the other. `work` is given what it calls in the very moment from which on the new
   * configuration holds; when it rejects before, that is why it is refused.
   */
  change(work: (takes: (config: RuntimeConfig) => void) => Promise<void>): Promise<void> {
    const run = async () => {
      this.#tell();
      try {
        await work((config) => this.#take(config));
      } catch (thrown) {
        const reason = VedetteError.from(thrown);
        if (reason.code !== 'SHUTTING_DOWN') this.refuse(reason);
        throw reason;
      } finally {
        this.#changesUnderWay -= 1;
        this.#tell();
      }
    };
    this.#changesUnderWay += 1;
    const changed = this.#last.then(run);
    this.#last = changed.catch(() => undefined);
    return changed;
  }

  /** What was asked for is not going to be in force. */
  refuse(reason: VedetteError): void {
    this.#refusal = { atMs: Date.now(), error: reason.serialize() };
    this.#tell();
  }

  #take(config: RuntimeConfig): void {
    const hash = configurationHash(config);
    if (hash !== this.#hash) this.#inForceSinceMs = Date.now();
    this.#config = config;
    this.#hash = hash;
    this.#refusal = undefined;
  }

  #tell(): void {
    this.#onChange(this.status());
  }
}
