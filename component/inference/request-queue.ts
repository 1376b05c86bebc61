/** Who asks: a camera, by the ring of its frames, or the programs that ask over HTTP, taken together. */
export type RequestSource = `ring-${number}` | 'requests';

export interface Queued {
  readonly source: RequestSource;
  /** Pictures that the model has to look at for it, 1 or more. */
  readonly cost: number;
  /** Memory that it holds while it waits, beside slots of rings. */
  readonly heldBytes: number;
}

export interface QueueLimits {
  /** Requests that may wait. Frames need no limit: each holds one of the few slots of its camera. */
  readonly requests: number;
  /** Their memory together; one that is larger may wait when no other does. */
  readonly bytes: number;
}

interface Line<T> {
  readonly items: T[];
  /** Virtual time up to which the source was served: the cost of all that it was given. */
  served: number;
}

/**
 * What waits for a model: a line for each source, first come, first served, and among sources whoever
 * was given least. A source that had nothing waiting begins with what the others have had, so that it
 * saves up no turns. Hence a source's first job waits for at most one job of each other source (and
 * what runs), whatever they ask for; and over time all that ask steadily are given the same number of
 * pictures. Rule: Goyal, Vin and Cheng, Start-time Fair Queueing (1996), with equal weights.
 */
export class RequestQueue<T extends Queued> {
  readonly #lines = new Map<RequestSource, Line<T>>();
  readonly #limits: QueueLimits;
  /** Virtual time: `served` of the source that was served last, before it was. */
  #now = 0;
  #length = 0;
  #cost = 0;
  #requestBytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#length;
  }

  /** Pictures that wait. */
  get cost(): number {
    return this.#cost;
  }

  /** Why one more request cannot wait; `undefined` when it can, and for frames. */
  whyFull({ source, heldBytes }: Queued): 'count' | 'bytes' | undefined {
    if (source !== 'requests') return undefined;
    const waiting = this.#lines.get('requests')?.items.length ?? 0;
    if (waiting >= this.#limits.requests) return 'count';
    const isBeyond = this.#requestBytes + heldBytes > this.#limits.bytes;
    return waiting > 0 && isBeyond ? 'bytes' : undefined;
  }

  push(item: T): void {
    let line = this.#lines.get(item.source);
    if (!line) {
      this.#forgetIdle();
      line = { items: [], served: this.#now };
      this.#lines.set(item.source, line);
    }
    if (line.items.length === 0) line.served = Math.max(line.served, this.#now);
    line.items.push(item);
    this.#count(item, 1);
  }

  /** The next to be served, which stays. */
  peek(): T | undefined {
    return this.#nextLine()?.items[0];
  }

  /** The first of each source that waits. */
  firsts(): T[] {
    return [...this.#lines.values()].flatMap(({ items }) => items.slice(0, 1));
  }

  shift(): T | undefined {
    const line = this.#nextLine();
    const item = line?.items.shift();
    if (!line || !item) return undefined;
    this.#now = line.served;
    line.served += item.cost;
    this.#count(item, -1);
    return item;
  }

  remove(item: T): boolean {
    const items = this.#lines.get(item.source)?.items ?? [];
    const index = items.indexOf(item);
    if (index < 0) return false;
    items.splice(index, 1);
    this.#count(item, -1);
    return true;
  }

  /** Everything that waits, in the order in which it would have been served. */
  drain(): T[] {
    const items: T[] = [];
    for (let item = this.shift(); item; item = this.shift()) items.push(item);
    return items;
  }

  #nextLine(): Line<T> | undefined {
    let next: Line<T> | undefined;
    for (const line of this.#lines.values()) {
      if (line.items.length > 0 && (!next || line.served < next.served)) next = line;
    }
    return next;
  }

  /** Sources that have nothing to wait for and no more than their share: cameras come and go. */
  #forgetIdle(): void {
    for (const [source, { items, served }] of this.#lines) {
      if (items.length === 0 && served <= this.#now) this.#lines.delete(source);
    }
  }

  #count(item: T, sign: 1 | -1): void {
    this.#length += sign;
    this.#cost += sign * item.cost;
    if (item.source === 'requests') this.#requestBytes += sign * item.heldBytes;
  }
}
