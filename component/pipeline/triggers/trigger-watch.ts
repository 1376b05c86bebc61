import { VedetteError } from '../../contract/errors.ts';
import type { TriggerRequest, TriggerSourceStatus } from '../../contract/transaction.ts';
import type { TriggerConfig } from '../../contract/trigger-config.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { TriggerListener } from './trigger-source.ts';

interface TriggerWatchOptions {
  readonly name: string;
  readonly config: TriggerConfig;
  /** @throws VedetteError as `EdgeRuntime.trigger` */
  readonly trigger: (camera: string, request: TriggerRequest) => unknown;
  readonly faults: FaultLog;
}

/** What a configured trigger says, brought to its camera, and how it stands. */
export class TriggerWatch implements TriggerListener {
  readonly #options: TriggerWatchOptions;
  #state: TriggerSourceStatus['state'];
  #reason: VedetteError | undefined;
  #taken = 0;
  #refused = 0;
  #lastTakenAtMs: number | undefined;
  #lastRefusal: VedetteError | undefined;

  constructor(options: TriggerWatchOptions) {
    this.#options = options;
    this.#state = options.config.isEnabled ? 'connecting' : 'disabled';
  }

  status(): TriggerSourceStatus {
    const { name, config } = this.#options;
    return {
      ...{ name, camera: config.camera, kind: config.kind, state: this.#state },
      ...(this.#reason ? { reason: this.#reason.serialize() } : {}),
      ...{ taken: this.#taken, refused: this.#refused },
      ...(this.#lastTakenAtMs === undefined ? {} : { lastTakenAtMs: this.#lastTakenAtMs }),
      ...(this.#lastRefusal ? { lastRefusal: this.#lastRefusal.serialize() } : {}),
    };
  }

  fire({ id, context, arriving }: Parameters<TriggerListener['fire']>[0]): void {
    const { name, config, trigger } = this.#options;
    const { camera, product } = config;
    // Who is refused does not wait for it.
    arriving?.catch(() => {});
    const whole = product === undefined ? context : { product, ...context };
    try {
      trigger(camera, {
        source: name,
        ...(id === undefined ? {} : { id }),
        ...(whole ? { context: whole } : {}),
        ...(arriving ? { arriving } : {}),
      });
      this.#taken += 1;
      this.#lastTakenAtMs = Date.now();
    } catch (thrown) {
      this.refuse(VedetteError.from(thrown));
    }
  }

  refuse(error: VedetteError): void {
    this.#refused += 1;
    this.#lastRefusal = error;
    this.#warn(error, 'a trigger was refused');
  }

  listening(): void {
    this.#state = 'listening';
    this.#reason = undefined;
  }

  lost(error: VedetteError): void {
    this.#state = 'lost';
    this.#reason = error;
    this.#warn(error, 'a trigger hears nothing');
  }

  #warn(error: VedetteError, message: string): void {
    const { name, config, faults } = this.#options;
    const fields = { trigger: name, camera: config.camera, error };
    faults.warn(`trigger/${name}/${error.code}`, fields, message);
  }
}
