import type {
  ChannelListener,
  IncomingMessage,
  MessageChannel,
  Subscription,
} from '../contract/message-channel.ts';
import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { IpcConnection } from './ipc-connection.ts';

/**
 * A frame of nucleus lite holds 10,000 bytes: of them a payload, which grows by a third in Base64, the
 * topic and what frames it. 7,370 fit with a short topic; with the longest of ours these do.
 */
const MAX_PAYLOAD_BYTES = 7000;

/** A queue that is full has room again sooner: for longer the nucleus itself is offline. In milliseconds. */
const FULL_FOR_MS = 2000;

interface Wish {
  readonly filter: string;
  readonly listener: ChannelListener;
  readonly onRefused: (error: VedetteError) => void;
  readonly onHeard: () => void;
  stream: Pick<Subscription, 'close'> | undefined;
  isRefused: boolean;
}

/** What is not heard yet is subscribed again after so long, in milliseconds; then as after the last. */
const RETRY_PAUSES_MS = [500, 2000, 10_000, 30_000];

/**
 * AWS IoT Core through the nucleus. A publish that resolved is queued in the nucleus; it is not told
 * when the broker has it, nor when the nucleus loses its own connection: watchers hear of that when it
 * shows, which is when nothing is taken for 2 s, a QoS 0 message is not, or subscriptions died.
 */
export class IpcChannel implements MessageChannel {
  readonly description = 'Greengrass';
  readonly confirmsReceipt = false;
  readonly keepsOrder = false;
  readonly maxPayloadBytes = MAX_PAYLOAD_BYTES;
  readonly #watchers = new Set<(isConnected: boolean) => void>();
  readonly #wishes = new Set<Wish>();
  readonly #logger: Logger | undefined;
  #connection: IpcConnection | undefined;
  /** Since when it takes nothing. */
  #busySinceMs: number | undefined;
  /** Watchers were told that the nucleus is offline. */
  #isAway = false;
  #retry: NodeJS.Timeout | undefined;

  /** @param logger told of subscriptions that are tried again */
  constructor(logger?: Logger) {
    this.#logger = logger;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined && !this.#connection.lost.aborted;
  }

  /** Goes on over this connection, to be called for each: subscriptions do not outlive one. */
  async attach(connection: IpcConnection): Promise<void> {
    this.#connection = connection;
    this.#busySinceMs = undefined;
    this.#isAway = false;
    for (const wish of this.#wishes) wish.stream = undefined;
    await this.#openAll();
    connection.lost.addEventListener('abort', () => this.#tell(false), { once: true });
    if (!connection.lost.aborted) this.#tell(true);
  }

  /** Subscribes anew: nucleus lite leaves streams open that nothing comes on any more. */
  async renewSubscriptions(): Promise<void> {
    if (!this.isConnected) return;
    // What died with them took its queue along.
    this.#tell(false);
    const before = [...this.#wishes].map((wish) => {
      const { stream } = wish;
      wish.stream = undefined;
      return stream;
    });
    await this.#openAll();
    await Promise.allSettled(before.map(async (stream) => stream?.close()));
    if (this.isConnected) this.#tell(true);
  }

  async publish(topic: string, payload: Uint8Array, qos: 0 | 1 = 1): Promise<void> {
    const connection = this.#connected();
    try {
      await connection.publish(topic, payload, qos);
    } catch (thrown) {
      const error = channelError(thrown, `publish to ${topic}`);
      if (error.code === 'CHANNEL_BUSY') this.#noteBusy(qos);
      throw error;
    }
    this.#busySinceMs = undefined;
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#tell(true);
  }

  async subscribe(
    filter: string,
    listener: ChannelListener,
    onRefused: (error: VedetteError) => void = () => undefined,
    onHeard: () => void = () => undefined,
  ): Promise<Subscription> {
    const told = { listener, onRefused, onHeard };
    const wish: Wish = { filter, ...told, stream: undefined, isRefused: false };
    this.#wishes.add(wish);
    try {
      await this.#open(wish);
    } catch (error) {
      this.#wishes.delete(wish);
      throw error;
    }
    const isHeard = () => wish.stream !== undefined && this.isConnected;
    return {
      get isHeard() {
        return isHeard();
      },
      close: async () => {
        this.#wishes.delete(wish);
        await wish.stream?.close();
      },
    };
  }

  watch(listener: (isConnected: boolean) => void): () => void {
    const own = (isConnected: boolean) => listener(isConnected);
    this.#watchers.add(own);
    return () => this.#watchers.delete(own);
  }

  /** The connection itself is closed by who opened it. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    const wishes = [...this.#wishes];
    this.#wishes.clear();
    await Promise.allSettled(wishes.map(async ({ stream }) => stream?.close()));
  }

  #connected(): IpcConnection {
    const connection = this.#connection;
    if (connection !== undefined && !connection.lost.aborted) return connection;
    throw new VedetteError(
      'CHANNEL_OFFLINE',
      'There is no connection to the Greengrass nucleus now',
    );
  }

  /** One after the other, each for itself: what one is refused is no reason for the others. */
  async #openAll(attempt = 0): Promise<void> {
    for (const wish of this.#wishes) {
      if (wish.stream || (wish.isRefused && attempt > 0)) continue;
      await this.#open(wish, attempt).catch((thrown: unknown) => {
        wish.isRefused = true;
        wish.onRefused(VedetteError.from(thrown));
      });
    }
  }

  /**
   * What passes, or broke with the connection, is made up for: soon, or over the next one.
   * @throws VedetteError MESSAGE_REFUSED
   */
  async #open(wish: Wish, attempt = 0): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.lost.aborted) return;
    const { filter } = wish;
    try {
      const listener = (message: IncomingMessage) => wish.listener(message);
      const onEnded = () => {
        // The nucleus ended this one alone; with the connection all are made anew.
        if (connection.lost.aborted || wish.stream !== stream) return;
        wish.stream = undefined;
        this.#openSoon(0);
      };
      const stream = await connection.subscribe(filter, listener, onEnded);
      // Closed, or subscribed another time, while the nucleus was asked.
      const isWanted = this.#wishes.has(wish) && wish.stream === undefined;
      if (isWanted && connection === this.#connection) {
        wish.stream = stream;
        wish.onHeard();
      } else await stream.close();
    } catch (thrown) {
      const error = channelError(thrown, `subscribe to ${filter}`);
      if (connection.lost.aborted) return;
      if (error.code === 'MESSAGE_REFUSED') throw error;
      this.#logger?.warn({ error: error.serialize() }, `${filter} is not heard; it is tried again`);
      this.#openSoon(attempt);
    }
  }

  #openSoon(attempt: number): void {
    clearTimeout(this.#retry);
    const pauseMs = RETRY_PAUSES_MS[attempt] ?? RETRY_PAUSES_MS.at(-1);
    this.#retry = setTimeout(() => void this.#openAll(attempt + 1), pauseMs);
    this.#retry.unref();
  }

  /** QoS 0 needs no place in the queue: it is refused by a nucleus that is offline alone. */
  #noteBusy(qos: 0 | 1): void {
    const nowMs = performance.now();
    this.#busySinceMs ??= nowMs;
    if (this.#isAway || (qos === 1 && nowMs - this.#busySinceMs < FULL_FOR_MS)) return;
    this.#isAway = true;
    this.#tell(false);
  }

  #tell(isConnected: boolean): void {
    for (const watcher of this.#watchers) watcher(isConnected);
  }
}

/**
 * What the nucleus answered as one of the channel's errors. Nucleus lite words a full queue and a lost
 * connection to the broker alike, as a service error; both pass.
 */
function channelError(thrown: unknown, what: string): VedetteError {
  const error = VedetteError.from(thrown);
  const { shape } = error.details;
  // Without a shape it is a fault of the nucleus, such as classic's InternalServerError: that passes.
  const isRefused =
    error.code === 'GREENGRASS_REFUSED' && shape !== undefined && shape !== 'ServiceError';
  const code = isRefused
    ? 'MESSAGE_REFUSED'
    : error.code === 'GREENGRASS_REFUSED'
      ? 'CHANNEL_BUSY'
      : 'CHANNEL_OFFLINE';
  return new VedetteError(code, `${what}: ${error.message}`, {
    cause: error,
    details: error.details,
  });
}
