import { BackOff } from '../camera/back-off.ts';
import type { ExpiredRange, OutboundMessage } from '../contract/delivery.ts';

/** A refused topic is tried again after so long, in milliseconds; longer each time. */
const REFUSED = { firstMs: 1000, maximumMs: 300_000 };

/** One publish: a message, or a part of one. */
export interface Item {
  readonly message: OutboundMessage;
  /** From 0. */
  readonly part: number;
  readonly source: StreamSource;
  /** By `performance.now()`: later than this it is no longer sent. */
  readonly expiresAtMs: number;
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
  /** The highest key that will not be sent again; what waits or is under way may lie below. */
  settled: number;
  readonly ready: Item[] = [];
  /** Nothing more was in the outbox when it was asked last. */
  isDrained = false;
  refusal: string | undefined;
  /** Too old to be sent, not written down yet. */
  readonly expired: ExpiredRange[] = [];
  readonly #underWay = new Set<Item>();
  readonly #putBack = new Set<Item>();
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

  get inFlight(): number {
    return this.#underWay.size;
  }

  /** The smallest key that waits or is under way; `Infinity` when there is none. */
  get lowestPending(): number {
    const [first] = this.ready;
    const keys = [...this.#underWay].map(({ message }) => message.key);
    return Math.min(first?.message.key ?? Infinity, ...keys);
  }

  /** Milliseconds until it may be tried again; 0 when it may now. */
  blockedForMs(nowMs: number): number {
    return Math.max(0, this.#blockedUntilMs - nowMs);
  }

  /** Whether the next may follow those under way: what was put back is not overtaken any further. */
  mayFollow(keepsOrder: boolean): boolean {
    return this.inFlight === 0 || (keepsOrder && this.#putBack.size === 0);
  }

  refuse(nowMs: number, reason: string): void {
    this.refusal = reason;
    this.#blockedUntilMs = nowMs + this.#backOff.next();
  }

  accept(item: Item): void {
    this.#putBack.delete(item);
    this.refusal = undefined;
    this.#blockedUntilMs = 0;
    this.#backOff.reset();
  }

  push(message: OutboundMessage): void {
    const expiresAtMs = performance.now() + message.remainingMs;
    message.payloads.forEach((_, part) =>
      this.ready.push({ message, part, source: this, expiresAtMs }),
    );
    this.after = message.key;
  }

  begin(item: Item): void {
    this.ready.splice(this.ready.indexOf(item), 1);
    this.#underWay.add(item);
  }

  end(item: Item): void {
    this.#underWay.delete(item);
  }

  /** To be sent again, or still, before all that comes later. */
  putBack(item: Item): void {
    const isBefore = (one: Item): boolean =>
      one.message.key < item.message.key ||
      (one.message.key === item.message.key && one.part < item.part);
    const at = this.ready.findIndex((one) => !isBefore(one));
    this.ready.splice(at === -1 ? this.ready.length : at, 0, item);
    this.#putBack.add(item);
  }

  passBy(range: ExpiredRange): void {
    this.expired.push(range);
    this.after = Math.max(this.after, range.through);
    this.settled = Math.max(this.settled, range.through);
  }

  /** Passes by what became too old while it waited here. @returns how many messages */
  passByOld(nowMs: number): number {
    let messages = 0;
    for (let first = this.ready[0]; first && first.expiresAtMs < nowMs; first = this.ready[0]) {
      const { key, stream } = first.message;
      while (this.ready[0]?.message.key === key) this.#putBack.delete(this.ready.shift()!);
      this.passBy({ stream, after: key - 1, through: key });
      messages += 1;
    }
    return messages;
  }
}
