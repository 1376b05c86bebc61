import { randomUUID } from 'node:crypto';
import type { MessageChannel, Subscription } from '../contract/message-channel.ts';
import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';

/** How often a message is sent round, in milliseconds. */
const INTERVAL_MS = 300_000;
/** What has not come back by now will not, in milliseconds. */
const WAIT_MS = 20_000;

export interface SubscriptionWatchOptions {
  readonly thing: string;
  readonly channel: MessageChannel & { renewSubscriptions(): Promise<void> };
  readonly logger: Logger;
  readonly intervalMs?: number;
  readonly waitMs?: number;
}

/**
 * Finds subscriptions that died without a word (nucleus lite, when its MQTT part restarts): a message
 * to a topic of this device's own must come back. When it does not, everything is subscribed anew.
 */
export class SubscriptionWatch {
  readonly #options: SubscriptionWatchOptions;
  readonly #topic: string;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #expected = '';
  #isClosed = false;

  constructor(options: SubscriptionWatchOptions) {
    this.#options = options;
    this.#topic = `vedette/${options.thing}/echo`;
  }

  async open(): Promise<void> {
    const { channel, logger } = this.#options;
    this.#subscription = await channel.subscribe(
      this.#topic,
      ({ payload }) => {
        if (Buffer.from(payload).toString() === this.#expected) this.#expected = '';
      },
      (error) => logger.warn({ error: error.serialize() }, 'lost subscriptions are not noticed'),
    );
    this.#next();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#subscription?.close();
  }

  #next(): void {
    if (this.#isClosed) return;
    const { intervalMs = INTERVAL_MS } = this.#options;
    this.#timer = setTimeout(() => void this.#send(), intervalMs);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    const { channel, waitMs = WAIT_MS } = this.#options;
    try {
      this.#expected = randomUUID();
      await channel.publish(this.#topic, Buffer.from(this.#expected), 0);
    } catch {
      // Nothing was sent, so nothing is to come: the next round tells.
      this.#next();
      return;
    }
    this.#timer = setTimeout(() => void this.#look(), waitMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const { channel, logger } = this.#options;
    if (this.#expected !== '' && !this.#isClosed) {
      logger.warn('a message to this device did not come back; topics are subscribed anew');
      await channel.renewSubscriptions().catch((thrown: unknown) => {
        const error = VedetteError.from(thrown).serialize();
        logger.warn({ error }, 'topics could not be subscribed anew; it is tried again');
      });
    }
    this.#next();
  }
}
