import type { DeviceHealth } from '../contract/device-health.ts';
import { VedetteError } from '../contract/errors.ts';
import type { MessageChannel } from '../contract/message-channel.ts';
import type { RemoteConfig } from '../contract/control-config.ts';
import { settledWithin } from '../timing/settled-within.ts';
import { shadowChange } from './shadow-diff.ts';
import type { Logger } from '../logging/create-logger.ts';

/** Changes that come together are told together: at most four times as often as the heartbeat. */
const BEATS_PER_INTERVAL = 4;
const MAX_CHANGE_PAUSE_MS = 5000;
/** A process that ends has little time: so long for what is being told, and for the last word. */
const LAST_WORD_MS = 400;

export interface PresenceOptions {
  readonly thing: string;
  readonly channel: MessageChannel;
  readonly logger: Logger;
  readonly config: () => RemoteConfig;
  readonly compose: (
    availability: DeviceHealth['availability'],
    sequence: number,
  ) => Promise<DeviceHealth>;
  /** Told of every document, with the figures of the last one that was due for the shadow. */
  readonly onDocument: (document: DeviceHealth) => void;
}

/** The heartbeat of the device: on `vedette/{thing}/health` at its interval, and soon after changes. */
export class Presence {
  readonly #options: PresenceOptions;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: () => void = () => {};
  #sequence = 0;
  #toldMs = -Infinity;
  #telling: Promise<void> = Promise.resolve();
  #shadowed: { readonly document: DeviceHealth; readonly atMs: number } | undefined;
  #isTelling = false;
  #hasChanged = false;
  #isClosed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  open(): void {
    this.#unwatch = this.#options.channel.watch((isConnected) => {
      if (isConnected) this.changed();
    });
    this.changed();
  }

  /** Something of the device changed. */
  changed(): void {
    this.#hasChanged = true;
    if (this.#isTelling) return;
    const intervalMs = this.#options.config().heartbeatSeconds * 1000;
    const pauseMs = Math.min(MAX_CHANGE_PAUSE_MS, intervalMs / BEATS_PER_INTERVAL);
    this.#after(Math.max(0, this.#toldMs + pauseMs - performance.now()));
  }

  /** Tells it now. Resolves when it was handed on. @throws VedetteError of the channel */
  async tell(availability: DeviceHealth['availability'] = 'online'): Promise<DeviceHealth> {
    const { thing, channel, compose } = this.#options;
    this.#toldMs = performance.now();
    const document = await compose(availability, this.#sequence++);
    if (availability === 'online') this.#tellShadow(document);
    // QoS 0: what could not leave now is old when it could, and places among QoS 1 are few.
    await channel.publish(`vedette/${thing}/health`, Buffer.from(JSON.stringify(document)), 0);
    return document;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#unwatch();
    await settledWithin(this.#telling, LAST_WORD_MS);
    await settledWithin(this.tell('stopping'), LAST_WORD_MS);
  }

  #after(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#telling = this.#tellAndGoOn();
    }, ms);
    this.#timer.unref();
  }

  async #tellAndGoOn(): Promise<void> {
    this.#isTelling = true;
    this.#hasChanged = false;
    try {
      await this.tell();
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      const isPassing = error.code === 'CHANNEL_OFFLINE' || error.code === 'CHANNEL_BUSY';
      const level = isPassing ? 'debug' : 'warn';
      this.#options.logger[level]({ error: error.serialize() }, 'the heartbeat was not published');
    }
    this.#isTelling = false;
    if (this.#hasChanged) this.changed();
    else this.#after(this.#options.config().heartbeatSeconds * 1000);
  }

  /** States at once; figures, which always differ a little, only when they are due. */
  #tellShadow(document: DeviceHealth): void {
    const { config, onDocument } = this.#options;
    const nowMs = performance.now();
    const last = this.#shadowed;
    if (last === undefined || nowMs - last.atMs >= config().shadowSeconds * 1000) {
      this.#shadowed = { document, atMs: nowMs };
      onDocument(document);
      return;
    }
    const steady = withFiguresOf(document, last.document);
    if (shadowChange(last.document, steady) === undefined) return;
    const told = { ...steady, at: document.at };
    this.#shadowed = { document: told, atMs: last.atMs };
    onDocument(told);
  }
}

/** States of `now` with the figures of `before`: what both have in common is no change. */
export function withFiguresOf(now: DeviceHealth, before: DeviceHealth): DeviceHealth {
  const { at, sequence, disk, memory, nextWithinSeconds } = before;
  const { delivery: _, ...rest } = now;
  const cameras = Object.entries(now.cameras).map(([name, camera]) => {
    const figures = before.cameras[name]?.figures;
    return [name, figures === undefined ? camera : { ...camera, figures }] as const;
  });
  const models = Object.entries(now.models).map(([name, model]) => {
    const queue = before.models[name]?.queue ?? model.queue;
    return [name, { ...model, queue }] as const;
  });
  return {
    ...rest,
    ...{ at, sequence, disk, memory, nextWithinSeconds },
    ...(before.delivery === undefined ? {} : { delivery: before.delivery }),
    cameras: Object.fromEntries(cameras),
    models: Object.fromEntries(models),
  };
}
