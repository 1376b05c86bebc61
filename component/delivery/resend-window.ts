import type { Item, StreamSource } from './stream-source.ts';

/** What was sent last and may still be lost in a queue on the way to the broker. */
export class ResendWindow {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #items: { readonly item: Item; readonly bytes: number }[] = [];

  /** @param maxItems 0 when the channel tells what the broker has */
  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
  }

  /** @returns what left the window: the queue cannot hold that much */
  add(item: Item, bytes: number): Item[] {
    this.#items.push({ item, bytes });
    const left: Item[] = [];
    let total = this.#items.reduce((sum, one) => sum + one.bytes, 0);
    while (
      this.#items.length > this.#maxItems ||
      (this.#items.length > 1 && total > this.#maxBytes)
    ) {
      const first = this.#items.shift()!;
      total -= first.bytes;
      left.push(first.item);
    }
    return left;
  }

  holds(source: StreamSource): boolean {
    return this.#items.some(({ item }) => item.source === source);
  }

  /** `Infinity` when nothing of the source is in it. */
  lowestKey(source: StreamSource): number {
    const own = this.#items.filter(({ item }) => item.source === source);
    return Math.min(Infinity, ...own.map(({ item }) => item.message.key));
  }

  /** Everything in it, which is to be sent again. */
  empty(): Item[] {
    return this.#items.splice(0).map(({ item }) => item);
  }

  forget(sources: ReadonlySet<StreamSource>): void {
    this.#items = this.#items.filter(({ item }) => !sources.has(item.source));
  }
}
