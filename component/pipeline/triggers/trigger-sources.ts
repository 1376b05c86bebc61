import { isDeepStrictEqual } from 'node:util';
import { VedetteError } from '../../contract/errors.ts';
import type { TriggerRequest, TriggerSourceStatus } from '../../contract/transaction.ts';
import type { TriggerConfig } from '../../contract/trigger-config.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import { openTrigger, type TriggerMeans } from './open-trigger.ts';
import { TriggerWatch } from './trigger-watch.ts';
import type { TriggerSource } from './trigger-source.ts';

export interface TriggerSourcesOptions extends TriggerMeans {
  /** @throws VedetteError as `EdgeRuntime.trigger` */
  readonly trigger: (camera: string, request: TriggerRequest) => unknown;
  readonly faults: FaultLog;
}

type Triggers = Readonly<Record<string, TriggerConfig>>;

interface Opened {
  readonly config: TriggerConfig;
  readonly watch: TriggerWatch;
  /** Absent when it is not enabled or could not be opened. */
  readonly source: TriggerSource | undefined;
}

/** Every configured trigger, opened and closed together. */
export class TriggerSources {
  readonly #options: TriggerSourcesOptions;
  readonly #opened = new Map<string, Opened>();
  #isClosed = false;

  constructor(options: TriggerSourcesOptions) {
    this.#options = options;
  }

  /** Those that are new or changed are opened; the others go on without a gap. After `close` none is. */
  async use(triggers: Triggers): Promise<void> {
    const over = [...this.#opened].filter(
      ([name, { config }]) => !isDeepStrictEqual(config, triggers[name]),
    );
    for (const [name] of over) this.#opened.delete(name);
    const closing = over.flatMap(([, { source }]) => (source ? [source.close()] : []));
    await Promise.all(closing);
    // A configuration that is put in force as the process ends must not open what was closed.
    if (this.#isClosed) return;
    for (const [name, config] of Object.entries(triggers)) {
      if (!this.#opened.has(name)) this.#opened.set(name, this.#open(name, config));
    }
  }

  statuses(): readonly TriggerSourceStatus[] {
    return [...this.#opened.values()].map(({ watch }) => watch.status());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.use({});
  }

  #open(name: string, config: TriggerConfig): Opened {
    const { trigger, faults } = this.#options;
    const watch = new TriggerWatch({ name, config, trigger, faults });
    if (!config.isEnabled) return { config, watch, source: undefined };
    try {
      return { config, watch, source: openTrigger(config, watch, this.#options) };
    } catch (thrown) {
      watch.lost(VedetteError.from(thrown));
      return { config, watch, source: undefined };
    }
  }
}
