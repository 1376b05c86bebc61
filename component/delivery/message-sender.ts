import { BackOff } from '../camera/back-off.ts';
import type { PayloadProfile } from '../contract/delivery-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { MessageChannel } from '../contract/message-channel.ts';
import type { Registry } from '../registry/registry.ts';
import { ResendWindow } from './resend-window.ts';
import type { Item, StreamSource } from './stream-source.ts';
import { StreamSources } from './stream-sources.ts';
import { WakeSignal } from './wake-signal.ts';

/** What nucleus lite takes before the broker confirmed any of it. */
const MAX_IN_FLIGHT = 10;
const MAX_IN_FLIGHT_BYTES = 15_000;
/** Messages asked of the outbox at once. */
const TAKE = 32;
/** Sent messages are written down after so many, or so long (milliseconds). */
const SETTLE_MESSAGES = 64;
const SETTLE_MS = 1000;
const BUSY = { firstMs: 10, maximumMs: 1000 };
const LOOK_AGAIN_MS = 1000;
/** A registry that cannot answer is asked again after so long, in milliseconds. */
const FAULT_MS = 500;

export interface MessageSenderOptions {
  readonly channel: MessageChannel;
  readonly registry: Pick<Registry, 'outboxState' | 'takeMessages' | 'settleMessages'>;
  readonly profile: PayloadProfile;
  readonly faults: {
    warn(key: string, fields: Record<string, unknown>, message: string): void;
  };
}

/**
 * Sends what waits in the outbox: alarms of now, then alarms of an outage, then everything else; each
 * stream in its order. What the channel only queued is sent again after every disconnection, as far
 * back as the queue may have held it; a restart begins there too, because only what is beyond is
 * written down as sent.
 */
export class MessageSender {
  readonly #options: MessageSenderOptions;
  readonly #sources: StreamSources;
  readonly #window: ResendWindow;
  readonly #busy = new BackOff(BUSY);
  #busyUntilMs = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  #sent = 0;
  #unsettled = 0;
  #settledAtMs = performance.now();
  #isStale = true;
  #wasDisconnected = false;
  #isClosed = false;
  readonly #signal = new WakeSignal();
  #unwatch: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MessageSenderOptions) {
    this.#options = options;
    this.#window = new ResendWindow(
      options.channel.confirmsReceipt ? 0 : MAX_IN_FLIGHT,
      MAX_IN_FLIGHT_BYTES,
    );
    this.#sources = new StreamSources(this.#window);
  }

  get statistics(): {
    readonly sent: number;
    readonly inFlight: number;
    readonly refusedTopics: Readonly<Record<string, string>>;
  } {
    const refused = this.#sources.all().flatMap(({ refusal, ready }) => {
      const topic = ready[0]?.message.topic;
      return refusal === undefined || topic === undefined ? [] : [[topic, refusal] as const];
    });
    return {
      sent: this.#sent,
      inFlight: this.#inFlight,
      refusedTopics: Object.fromEntries(refused),
    };
  }

  /** Whether all that waits was handed to the channel. */
  get isIdle(): boolean {
    return (
      !this.#isStale &&
      this.#inFlight === 0 &&
      this.#sources.all().every(({ isDrained, ready }) => isDrained && ready.length === 0)
    );
  }

  start(): void {
    this.#unwatch = this.#options.channel.watch((isConnected) => {
      if (!isConnected) this.#wasDisconnected = true;
      this.wake();
    });
    this.#running = this.#run();
  }

  /** Something was added to the outbox. */
  wake(): void {
    this.#isStale = true;
    this.#signal.give();
  }

  /** Sends everything of a camera that is still in the outbox once more. */
  sendAgain(camera: string): void {
    this.#sources.startAgain(camera);
    this.wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    this.#signal.give();
    await this.#running;
    await this.#settle().catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#step();
      } catch (thrown) {
        const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
        if (error.code === 'SHUTTING_DOWN') return;
        this.#options.faults.warn(`outbox/${error.code}`, { error }, 'the outbox cannot be read');
        await this.#signal.wait(FAULT_MS);
      }
    }
  }

  async #step(): Promise<void> {
    this.#signal.clear();
    const nowMs = performance.now();
    const isDue = this.#unsettled > 0 && nowMs - this.#settledAtMs > SETTLE_MS;
    if (isDue || this.#unsettled >= SETTLE_MESSAGES) await this.#settle();
    if (this.#wasDisconnected) {
      // Publishes under way end by themselves: only then it is known what was not taken.
      if (this.#inFlight > 0) return this.#signal.wait(LOOK_AGAIN_MS);
      this.#wasDisconnected = false;
      for (const item of this.#window.empty()) item.source.putBack(item);
    }
    const isHeldUp = !this.#options.channel.isConnected || this.#busyUntilMs > nowMs;
    if (isHeldUp)
      return this.#signal.wait(
        this.#options.channel.isConnected ? this.#busyUntilMs - nowMs : LOOK_AGAIN_MS,
      );
    if (this.#inFlight >= MAX_IN_FLIGHT) return this.#signal.wait(LOOK_AGAIN_MS);
    const item = await this.#next();
    if (item === undefined) return this.#signal.wait(this.#pauseMs());
    const bytes = payloadBytes(item);
    if (this.#inFlight > 0 && this.#inFlightBytes + bytes > MAX_IN_FLIGHT_BYTES) {
      return this.#signal.wait(LOOK_AGAIN_MS);
    }
    void this.#send(item, bytes);
    return undefined;
  }

  /** The next that may be sent; the outbox is asked for more of a rank only when its turn has come. */
  async #next(): Promise<Item | undefined> {
    if (this.#isStale) {
      this.#isStale = false;
      this.#sources.refresh(await this.#options.registry.outboxState());
    }
    for (const source of this.#sources.all()) {
      this.#unsettled += source.passByOld(performance.now());
    }
    for (const rank of this.#sources.ranks()) {
      const isFree = (one: StreamSource) => one.blockedForMs(performance.now()) === 0;
      const free = rank.filter(isFree);
      const hungry = free.filter(({ ready, isDrained }) => ready.length === 0 && !isDrained);
      if (hungry.length > 0) await this.#take(hungry);
      const waiting = free.filter((one) => one.ready.length > 0);
      const ready = waiting.filter((one) => one.mayFollow(this.#options.channel.keepsOrder));
      // The one with the oldest message: no camera waits for another.
      ready.sort((a, b) => a.ready[0]!.message.key - b.ready[0]!.message.key);
      const item = ready[0]?.ready[0];
      // What waits for its own order is not overtaken by what matters less.
      if (item !== undefined || waiting.length > 0) return item;
    }
    return undefined;
  }

  async #take(sources: readonly StreamSource[]): Promise<void> {
    const { channel, profile, registry } = this.#options;
    const { messages, expired, isCut } = await registry.takeMessages({
      ranges: sources.map(({ stream, after, through }) => ({
        stream,
        after,
        ...(through === undefined ? {} : { through }),
      })),
      limit: TAKE,
      profile,
      maxPayloadBytes: channel.maxPayloadBytes,
    });
    const of = (stream: number, key: number) =>
      sources.find(
        (one) =>
          one.stream === stream &&
          key > one.after &&
          (one.through === undefined || key <= one.through),
      );
    for (const range of expired) {
      const source = of(range.stream, range.through);
      if (source === undefined) continue;
      source.passBy(range);
      this.#unsettled += 1;
    }
    const fed = new Set<StreamSource>();
    for (const message of messages) {
      const source = of(message.stream, message.key);
      if (source === undefined) continue;
      source.push(message);
      fed.add(source);
    }
    for (const source of sources) {
      const isFed = fed.has(source) || expired.some(({ stream }) => stream === source.stream);
      source.isDrained = !isFed && !isCut;
    }
  }

  async #send(item: Item, bytes: number): Promise<void> {
    const { source, message, part } = item;
    const { channel } = this.#options;
    source.begin(item);
    this.#inFlight += 1;
    this.#inFlightBytes += bytes;
    try {
      await channel.publish(message.topic, Buffer.from(message.payloads[part]!));
      source.accept(item);
      this.#busy.reset();
      if (part === message.payloads.length - 1) this.#sent += 1;
      for (const one of this.#window.add(item, bytes)) this.#forget(one);
    } catch (thrown) {
      source.putBack(item);
      this.#suffer(VedetteError.from(thrown, 'CHANNEL_BUSY'), item);
    } finally {
      source.end(item);
      this.#inFlight -= 1;
      this.#inFlightBytes -= bytes;
      this.#signal.give();
    }
  }

  #suffer(error: VedetteError, { source, message }: Item): void {
    const nowMs = performance.now();
    if (error.code === 'MESSAGE_REFUSED') {
      source.refuse(nowMs, error.message);
      const { topic } = message;
      const text = 'a topic is refused; others go on, this one is tried again';
      this.#options.faults.warn(`message/${topic}/${error.code}`, { topic, error }, text);
      return;
    }
    if (error.code === 'CHANNEL_OFFLINE') this.#wasDisconnected = true;
    this.#busyUntilMs = nowMs + this.#busy.next();
  }

  /** A message that can no longer be lost on its way through the channel. */
  #forget({ source, message, part }: Item): void {
    if (part < message.payloads.length - 1) return;
    source.settled = Math.max(source.settled, message.key);
    this.#unsettled += 1;
  }

  async #settle(): Promise<void> {
    const unsettled = this.#unsettled;
    this.#unsettled = 0;
    this.#settledAtMs = performance.now();
    const settlement = this.#sources.settlement();
    const { sent, expired } = settlement;
    if (sent.length === 0 && expired.length === 0) return;
    try {
      await this.#options.registry.settleMessages(sent, expired);
      this.#sources.wrote(settlement);
    } catch (thrown) {
      // All of it is due again soon, not at once: what the registry can still give goes on.
      this.#unsettled += Math.min(unsettled, 1);
      throw thrown;
    }
  }

  /** Until something may be tried again by itself. */
  #pauseMs(): number {
    const nowMs = performance.now();
    const blocked = this.#sources
      .all()
      .map((one) => one.blockedForMs(nowMs))
      .filter((ms) => ms > 0);
    return Math.min(LOOK_AGAIN_MS, ...blocked);
  }
}

const payloadBytes = ({ message, part }: Item): number =>
  Buffer.byteLength(message.payloads[part]!);
