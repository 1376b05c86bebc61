import {
  deliveredSchema,
  type Delivered,
  type OutboxSettings,
} from '../../component/contract/delivery.ts';

/** What a registry is opened with when everything is delivered and nothing else said. */
export const everything: OutboxSettings = {
  thing: 'station-7',
  results: 'all',
  cameras: {},
  maxBytes: 1_000_000_000,
  sendsMessages: true,
  timeToLiveMs: 86_400_000,
  hasLedger: false,
  hasAcknowledgements: false,
  uploadsCaptures: false,
};

/**
 * What a receiver makes of payloads: parts put together, copies told apart, everything checked against
 * the schema.
 */
export class Receiver {
  /** By id, in the order in which they came first. */
  readonly messages = new Map<string, Delivered>();
  readonly copies = new Map<string, number>();
  readonly #parts = new Map<string, string[]>();

  receive(payload: Uint8Array): void {
    const message = JSON.parse(Buffer.from(payload).toString()) as {
      kind: string;
      id: string;
      part: number;
      parts: number;
      text: string;
    };
    if (message.kind !== 'part') return this.#take(message);
    const parts = this.#parts.get(message.id) ?? [];
    this.#parts.set(message.id, parts);
    parts[message.part - 1] = message.text;
    if (parts.filter((one) => one !== undefined).length < message.parts) return undefined;
    this.#parts.delete(message.id);
    return this.#take(JSON.parse(parts.join('')));
  }

  /** Sequence numbers of a camera in ascending order. */
  sequences(camera: string): number[] {
    return this.of(camera)
      .map(({ sequence }) => sequence)
      .sort((a, b) => a - b);
  }

  of(camera: string): Delivered[] {
    return [...this.messages.values()].filter((one) => one.camera === camera);
  }

  #take(value: unknown): void {
    const message = deliveredSchema.parse(value);
    this.copies.set(message.id, (this.copies.get(message.id) ?? 0) + 1);
    if (!this.messages.has(message.id)) this.messages.set(message.id, message);
  }
}

/** 1, 2, 3 … */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
