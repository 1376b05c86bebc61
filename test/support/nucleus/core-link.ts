import { connect, type MqttClient } from 'mqtt';
import type { Personality } from './personality.ts';

export interface Publication {
  readonly topicName: string;
  readonly qos: '0' | '1';
  readonly payload: Buffer;
}
interface Waiting extends Publication {
  readonly retain: boolean;
}
export type Deliver = (topic: string, payload: Buffer) => void;

const RECONNECT_MS = 50;
/** Packet identifier, lengths of topic and packet, type. */
const PACKET_OVERHEAD_BYTES = 8;

/** The nucleus' own connection to AWS IoT Core, with what each nucleus makes of an outage. */
export class CoreLink {
  readonly #url: string;
  readonly #personality: Personality;
  readonly #subscriptions = new Map<Deliver, string>();
  /** What classic keeps until the broker has it. */
  readonly #spool: Waiting[] = [];
  /** QoS 1 messages that the broker has not acknowledged. */
  readonly #inFlight = new Set<Waiting>();
  #client: MqttClient | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Acknowledgements of the broker are not looked at until `acknowledge`. */
  holdsAcknowledgements = false;
  /** A connection that was lost is not made again until this is over. */
  staysAway = false;

  constructor(url: string, personality: Personality) {
    this.#url = url;
    this.#personality = personality;
  }

  get isConnected(): boolean {
    return this.#client?.connected === true;
  }

  /** Resolves when it is connected; later it connects again by itself. */
  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#connect(resolve));
  }

  #connect(onConnected: () => void = () => {}): void {
    const { keepsOffline } = this.#personality;
    // A new client for each connection: what was in flight on lite is gone with the old one.
    const client = connect(this.#url, { reconnectPeriod: 0, queueQoSZero: false });
    this.#client = client;
    client.on('error', () => {});
    client.on('connect', () => {
      for (const filter of new Set(this.#subscriptions.values()))
        client.subscribe(filter, { qos: 1 });
      this.#pump();
      onConnected();
    });
    client.on('message', (topic, payload) => this.receive(topic, payload));
    client.on('close', () => {
      if (keepsOffline) this.#spool.unshift(...this.#inFlight);
      this.#inFlight.clear();
      if (this.#isClosed) return;
      this.#reconnect(onConnected);
    });
  }

  #reconnect(onConnected: () => void): void {
    this.#retry = setTimeout(
      () => (this.staysAway ? this.#reconnect(onConnected) : this.#connect(onConnected)),
      RECONNECT_MS,
    );
  }

  /** Whether it was taken; taken does not mean that it arrives. */
  publish(message: Publication, retain: boolean): boolean {
    const { keepsOffline, maxInFlight, maxInFlightBytes, takesRetain } = this.#personality;
    const waiting = { ...message, retain: retain && takesRetain };
    if (keepsOffline) {
      if (message.qos === '0' && !this.isConnected) return true;
      this.#spool.push(waiting);
      this.#pump();
      return true;
    }
    if (!this.isConnected) return false;
    if (message.qos === '1') {
      const bytes = [...this.#inFlight].reduce((sum, one) => sum + one.payload.length, 0);
      const isFull = this.#inFlight.size >= maxInFlight;
      if (isFull || bytes + message.payload.length > maxInFlightBytes) return false;
    }
    this.#send(waiting);
    return true;
  }

  /** Lets go of acknowledgements that were held. */
  acknowledge(): void {
    this.#inFlight.clear();
    this.#pump();
  }

  /** Begins, and tells `onTaken`, when the broker has it; at once while that is away. */
  subscribe(filter: string, deliver: Deliver, onTaken: () => void): void {
    const begin = () => {
      this.#subscriptions.set(deliver, filter);
      onTaken();
    };
    if (this.isConnected && this.#client) this.#client.subscribe(filter, { qos: 1 }, begin);
    else begin();
  }

  unsubscribe(deliver: Deliver): void {
    const filter = this.#subscriptions.get(deliver);
    this.#subscriptions.delete(deliver);
    if (filter === undefined || [...this.#subscriptions.values()].includes(filter)) return;
    if (this.isConnected) this.#client?.unsubscribe(filter);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#client?.end(true);
  }

  #pump(): void {
    while (this.isConnected && this.#inFlight.size < this.#personality.maxInFlight) {
      const next = this.#spool.shift();
      if (!next) return;
      this.#send(next);
    }
  }

  #send(message: Waiting): void {
    const { topicName, payload, retain } = message;
    if (message.qos === '1') this.#inFlight.add(message);
    const options = { qos: message.qos === '1' ? 1 : 0, retain } as const;
    this.#client?.publish(topicName, payload, options, (error) => {
      // What the end of a connection left unanswered was seen to when it closed.
      if (error || this.holdsAcknowledgements) return;
      this.#inFlight.delete(message);
      this.#pump();
    });
  }

  /** A message of the broker. */
  receive(topic: string, payload: Buffer): void {
    const packetBytes = payload.length + Buffer.byteLength(topic) + PACKET_OVERHEAD_BYTES;
    // Measured on lite: neither delivered nor logged.
    if (packetBytes > this.#personality.maxInboundPacketBytes) return;
    for (const [deliver, filter] of [...this.#subscriptions]) {
      if (topicMatches(filter, topic)) deliver(topic, payload);
    }
  }
}

/** Whether `topic` falls under `filter` with MQTT's wildcards. */
export function topicMatches(filter: string, topic: string): boolean {
  const [wanted, given] = [filter.split('/'), topic.split('/')];
  const isReserved = topic.startsWith('$') && /^[+#]/.test(filter);
  if (isReserved) return false;
  const end = wanted.indexOf('#');
  if (end === -1 && wanted.length !== given.length) return false;
  if (end > given.length) return false;
  const fixed = end === -1 ? wanted : wanted.slice(0, end);
  return fixed.every((level, index) => level === '+' || level === given[index]);
}
