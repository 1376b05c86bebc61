import { BackOff } from '../camera/back-off.ts';
import type { OutboundMessage } from '../contract/delivery.ts';

/** A refused topic is tried again after so long, in milliseconds; longer each time. */
const REFUSED = { firstMs: 1000, maximumMs: 300_000 };

/** One publish: a message, or a part of one. */
export interface Item {
  readonly message: OutboundMessage;
  /** From 0. */
  readonly part: number;
  readonly source: StreamSource;
}

/** A run of messages of one stream, sent in its order. */
export class StreamSource {
  readonly stream: number;
  readonly lane: number;
  readonly camera: string;
  /** Up to here messages were taken from the outbox. */
  after: number;
  /** The last key of the run; open at its end when absent. */
  through: number | undefined;
  /** Up to here nothing will be sent again. */
  settled: number;
  readonly ready: Item[] = [];
  inFlight = 0;
  /** Nothing more was in the outbox when it was asked last. */
  isDrained = false;
  refusal: string | undefined;
  readonly #backOff = new BackOff(REFUSED);
  #blockedUntilMs = 0;

  constructor(
    place: { readonly stream: number; readonly lane: number; readonly camera: string },
    after: number,
  ) {
    this.stream = place.stream;
    this.lane = place.lane;
    this.camera = place.camera;
    this.after = after;
    this.settled = after;
  }

  /** Milliseconds until it may be tried again; 0 when it may now. */
  blockedForMs(nowMs: number): number {
    return Math.max(0, this.#blockedUntilMs - nowMs);
  }

  refuse(nowMs: number, reason: string): void {
    this.refusal = reason;
    this.#blockedUntilMs = nowMs + this.#backOff.next();
  }

  accept(): void {
    this.refusal = undefined;
    this.#blockedUntilMs = 0;
    this.#backOff.reset();
  }

  push(message: OutboundMessage): void {
    message.payloads.forEach((_, part) => this.ready.push({ message, part, source: this }));
    this.after = message.key;
  }

  /** To be sent again, or still, before all that comes later. */
  putBack(item: Item): void {
    const isBefore = (one: Item): boolean =>
      one.message.key < item.message.key ||
      (one.message.key === item.message.key && one.part < item.part);
    const at = this.ready.findIndex((one) => !isBefore(one));
    this.ready.splice(at === -1 ? this.ready.length : at, 0, item);
  }
}
