import type { MqttClient } from 'mqtt';
import { settledWithin } from '../timing/settled-within.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  ChannelListener,
  IncomingMessage,
  MessageChannel,
  Subscription,
} from '../contract/message-channel.ts';
import { isMatch, isOverlap } from './topic-filter.ts';

/** What IoT Core takes; brokers take at least as much unless they say otherwise. */
const MAX_PAYLOAD_BYTES = 131_072;
/** Of a packet beside its topic and payload: type, length, length of the topic, identifier, properties. */
const PACKET_BYTES = 10;
/** For the topic of a message of ours. */
const MAX_TOPIC_BYTES = 400;
/** What messages can be cut to. */
const MIN_PAYLOAD_BYTES = 1024;
const RECONNECT_MS = 1000;
const KEEP_ALIVE_SECONDS = 30;
/** So long a broker has to take the end of the connection, in milliseconds. */
const FAREWELL_MS = 300;
const CONNECT_TIMEOUT_MS = 15_000;
/** Longer than this a broker that is connected needs for nothing. */
const PUBLISH_TIMEOUT_MS = 30_000;
/** Reason codes of MQTT 5 that pass by themselves: the packet identifier is in use, quota exceeded. */
const BUSY_REASONS = new Set([0x91, 0x97]);

export interface MqttOptions {
  /** `mqtt://…` or `mqtts://…`, without credentials. */
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly ca?: string;
  readonly onFault: (error: VedetteError) => void;
  /** What the broker says when the connection ends without a word. */
  readonly will?: { readonly topic: string; readonly payload: string };
}

interface Hearer {
  readonly listener: ChannelListener;
  readonly onRefused: (error: VedetteError) => void;
  readonly onHeard: () => void;
}

/** A filter that somebody hears, or would. */
interface Topic {
  readonly filter: string;
  /** What its messages are marked with, from 1. */
  readonly identifier: number;
  readonly hearers: Set<Hearer>;
  /** Of the broker, over the connection of now, and not refused. */
  isAsked: boolean;
  /** Granted over the connection of now. */
  isHeard: boolean;
}

/**
 * A broker that speaks MQTT 5. A publish that resolved has reached it. A broker may send a message once
 * for each filter that it matches: subscription identifiers say for which. Where the broker has none,
 * a filter that overlaps one before it is refused, so that no message is heard twice.
 */
export class MqttChannel implements MessageChannel {
  readonly description: string;
  readonly confirmsReceipt = true;
  readonly keepsOrder = true;
  readonly #client: MqttClient;
  readonly #watchers = new Set<(isConnected: boolean) => void>();
  readonly #topics = new Map<string, Topic>();
  #maxPacketBytes = Infinity;
  #hasIdentifiers = true;
  #lastIdentifier = 0;
  #wasConnected = false;
  /** Which connection it is, from 1. */
  #connection = 0;

  private constructor(description: string, client: MqttClient) {
    this.description = description;
    this.#client = client;
  }

  /** Begins to connect and goes on by itself. */
  static async open(options: MqttOptions): Promise<MqttChannel> {
    // Loaded by who needs it alone.
    const { default: mqtt } = await import('mqtt');
    const { url, clientId, username, password, ca, will } = options;
    const client = mqtt.connect(url, {
      clientId,
      protocolVersion: 5,
      clean: true,
      keepalive: KEEP_ALIVE_SECONDS,
      reconnectPeriod: RECONNECT_MS,
      // The client forgets a filter that was refused once; here each connection asks for all again.
      resubscribe: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...(will === undefined
        ? {}
        : {
            will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: false },
          }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { ca }),
    });
    const channel = new MqttChannel(url, client);
    client.on('connect', ({ properties }) => {
      channel.#maxPacketBytes = properties?.maximumPacketSize ?? Infinity;
      channel.#hasIdentifiers = properties?.subscriptionIdentifiersAvailable ?? true;
      channel.#connection += 1;
      for (const topic of channel.#topics.values()) void channel.#askAgain(topic);
      channel.#tell(true);
    });
    client.on('close', () => {
      for (const topic of channel.#topics.values()) topic.isAsked = topic.isHeard = false;
      channel.#tell(false);
    });
    client.on('message', (topic, payload, { retain, properties }) => {
      const message = { topic, payload, isRetained: retain };
      channel.#hear(message, properties?.subscriptionIdentifier);
    });
    client.on('error', (cause) => {
      const message = `The broker ${url} cannot be reached: ${cause.message}`;
      options.onFault(new VedetteError('CHANNEL_OFFLINE', message, { cause }));
    });
    return channel;
  }

  get isConnected(): boolean {
    return this.#client.connected;
  }

  get maxPayloadBytes(): number {
    const room = this.#maxPacketBytes - PACKET_BYTES - MAX_TOPIC_BYTES;
    return Math.max(MIN_PAYLOAD_BYTES, Math.min(MAX_PAYLOAD_BYTES, room));
  }

  async publish(topic: string, payload: Uint8Array, qos: 0 | 1 = 1): Promise<void> {
    if (!this.#client.connected) {
      throw new VedetteError(
        'CHANNEL_OFFLINE',
        `There is no connection to ${this.description} now`,
      );
    }
    const packetBytes = payload.length + Buffer.byteLength(topic) + PACKET_BYTES;
    // The broker would end the connection, and with it everything else.
    if (packetBytes > this.#maxPacketBytes) {
      const message = `${this.description} takes packets of at most ${this.#maxPacketBytes} bytes; the one to ${topic} has ${packetBytes}`;
      throw new VedetteError('MESSAGE_REFUSED', message);
    }
    let timer: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        this.#client.publishAsync(topic, Buffer.from(payload), { qos }),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            const message = `The broker did not confirm a message to ${topic} in time`;
            reject(new VedetteError('CHANNEL_OFFLINE', message));
          }, PUBLISH_TIMEOUT_MS);
        }),
      ]);
    } catch (thrown) {
      throw channelError(thrown, `publish to ${topic}`);
    } finally {
      clearTimeout(timer);
    }
  }

  async subscribe(
    filter: string,
    listener: ChannelListener,
    onRefused: (error: VedetteError) => void = () => undefined,
    onHeard: () => void = () => undefined,
  ): Promise<Subscription> {
    const own = { listener, onRefused, onHeard };
    const topic = this.#topics.get(filter) ?? this.#addTopic(filter);
    topic.hearers.add(own);
    try {
      // Without a connection the next one asks.
      if (this.#wasConnected) await this.#ask(topic);
    } catch (error) {
      this.#leave(topic, own);
      throw error;
    }
    return {
      get isHeard() {
        return topic.isHeard;
      },
      close: async () => {
        const isLast = this.#leave(topic, own);
        if (isLast && this.#client.connected) await this.#client.unsubscribeAsync(filter);
      },
    };
  }

  watch(listener: (isConnected: boolean) => void): () => void {
    const own = (isConnected: boolean) => listener(isConnected);
    this.#watchers.add(own);
    return () => this.#watchers.delete(own);
  }

  async close(): Promise<void> {
    // Said in order the broker keeps the last will for itself; one that does not answer is left.
    await settledWithin(this.#client.endAsync(false), FAREWELL_MS);
    this.#client.stream.destroy();
  }

  #tell(isConnected: boolean): void {
    // `close` comes with every attempt that fails.
    if (isConnected === this.#wasConnected) return;
    this.#wasConnected = isConnected;
    for (const watcher of this.#watchers) watcher(isConnected);
  }

  #addTopic(filter: string): Topic {
    this.#lastIdentifier += 1;
    const own = { filter, identifier: this.#lastIdentifier, hearers: new Set<Hearer>() };
    const topic = { ...own, isAsked: false, isHeard: false };
    this.#topics.set(filter, topic);
    return topic;
  }

  /** Whether nobody hears it any more. */
  #leave(topic: Topic, own: Hearer): boolean {
    topic.hearers.delete(own);
    if (topic.hearers.size > 0 || this.#topics.get(topic.filter) !== topic) return false;
    return this.#topics.delete(topic.filter);
  }

  /**
   * A connection that ends meanwhile is no refusal: the next one asks.
   * @throws VedetteError MESSAGE_REFUSED, CHANNEL_BUSY
   */
  async #ask(topic: Topic): Promise<void> {
    const connection = this.#connection;
    const isOver = () => connection !== this.#connection || !this.#client.connected;
    if (!this.#hasIdentifiers) this.#refuseOverlap(topic);
    topic.isAsked = true;
    const properties = { subscriptionIdentifier: topic.identifier };
    try {
      const options = this.#hasIdentifiers ? { properties } : {};
      await this.#client.subscribeAsync(topic.filter, { qos: 1, ...options });
    } catch (thrown) {
      if (isOver()) return;
      topic.isAsked = topic.isHeard;
      throw channelError(thrown, `subscribe to ${topic.filter}`);
    }
    if (isOver()) return;
    topic.isHeard = true;
    for (const { onHeard } of topic.hearers) onHeard();
  }

  async #askAgain(topic: Topic): Promise<void> {
    try {
      await this.#ask(topic);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      for (const { onRefused } of topic.hearers) onRefused(error);
    }
  }

  /** @throws VedetteError MESSAGE_REFUSED */
  #refuseOverlap({ filter }: Topic): void {
    for (const other of this.#topics.values()) {
      if (other.filter === filter || !other.isAsked || !isOverlap(other.filter, filter)) continue;
      const message = `subscribe to ${filter}: a message may match ${other.filter} as well, and ${this.description} has no subscription identifiers that tell for which it came; choose filters that do not overlap`;
      throw new VedetteError('MESSAGE_REFUSED', message);
    }
  }

  /** @param marks the subscriptions that this delivery is for; absent where the broker does not say */
  #hear(message: IncomingMessage, marks: number | number[] | undefined): void {
    const marked = marks === undefined ? undefined : [marks].flat();
    for (const { filter, identifier, isAsked, hearers } of this.#topics.values()) {
      const isMeant = marked?.includes(identifier) ?? (isAsked && isMatch(filter, message.topic));
      if (!isMeant) continue;
      for (const { listener } of hearers) listener(message);
    }
  }
}

/** What the client throws. */
interface Refusal {
  readonly code?: unknown;
  readonly message?: string;
  readonly packet?: { readonly granted?: readonly number[] };
}

function channelError(thrown: unknown, what: string): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const { message, packet, code: said } = thrown as Refusal;
  // The client gives the reason of a refused SUBSCRIBE in its answer alone.
  const code = packet?.granted?.find((one) => one >= 0x80) ?? said;
  const isReason = typeof code === 'number' && code >= 0x80;
  const kind = !isReason
    ? 'CHANNEL_OFFLINE'
    : BUSY_REASONS.has(code)
      ? 'CHANNEL_BUSY'
      : 'MESSAGE_REFUSED';
  return new VedetteError(kind, `${what}: ${message ?? String(thrown)}`, {
    cause: thrown,
    details: isReason ? { reasonCode: code } : {},
  });
}
