import { isDeepStrictEqual } from 'node:util';
import { VedetteError } from '../../contract/errors.ts';
import type { MessageChannel } from '../../contract/message-channel.ts';
import type { TriggerRequest } from '../../contract/transaction.ts';
import type { TriggerConfig } from '../../contract/trigger-config.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import { openMqttTrigger } from './mqtt-trigger.ts';
import { openScheduleTrigger } from './schedule-trigger.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

export interface TriggerSourcesOptions {
  /** Where messages come from; nowhere when absent. */
  readonly channel: MessageChannel | undefined;
  /** @throws VedetteError as `EdgeRuntime.trigger` */
  readonly trigger: (camera: string, request: TriggerRequest) => unknown;
  readonly faults: FaultLog;
}

type Triggers = Readonly<Record<string, TriggerConfig>>;

interface Opened {
  readonly config: TriggerConfig;
  readonly source: TriggerSource;
}

/** Every configured trigger, opened and closed together. */
export class TriggerSources {
  readonly #options: TriggerSourcesOptions;
  readonly #opened = new Map<string, Opened>();

  constructor(options: TriggerSourcesOptions) {
    this.#options = options;
  }

  /** Those that are new or changed are opened; the others go on without a gap. */
  async use(triggers: Triggers): Promise<void> {
    const over = [...this.#opened].filter(
      ([name, { config }]) => !isDeepStrictEqual(config, triggers[name]),
    );
    for (const [name] of over) this.#opened.delete(name);
    await Promise.all(over.map(([, { source }]) => source.close()));
    for (const [name, config] of Object.entries(triggers)) {
      if (!config.isEnabled || this.#opened.has(name)) continue;
      const source = this.#open(name, config);
      if (source) this.#opened.set(name, { config, source });
    }
  }

  async close(): Promise<void> {
    await this.use({});
  }

  #open(name: string, config: TriggerConfig): TriggerSource | undefined {
    const listener = this.#listenerOf(name, config);
    if (config.kind === 'schedule') return openScheduleTrigger(config, listener);
    const { channel } = this.#options;
    if (channel) return openMqttTrigger(config, channel, listener);
    const message = `trigger ${name} waits for messages, but there is neither Greengrass nor \`delivery.mqtt\``;
    listener.refuse(new VedetteError('CHANNEL_OFFLINE', message));
    return undefined;
  }

  #listenerOf(name: string, { camera, product }: TriggerConfig): TriggerListener {
    const { trigger, faults } = this.#options;
    const refuse = (error: VedetteError) =>
      faults.warn(
        `trigger/${name}/${error.code}`,
        { trigger: name, camera, error },
        'a trigger was refused',
      );
    return {
      refuse,
      fire: ({ id, context }) => {
        const whole = product === undefined ? context : { product, ...context };
        try {
          trigger(camera, {
            source: name,
            ...(id === undefined ? {} : { id }),
            ...(whole ? { context: whole } : {}),
          });
        } catch (thrown) {
          refuse(VedetteError.from(thrown));
        }
      },
    };
  }
}
