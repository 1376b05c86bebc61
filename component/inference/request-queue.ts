/** Who asks: frames of cameras, or requests of programs. */
export type Lane = 'frame' | 'request';

/**
 * What waits for a model, first come, first served in each of two lanes that take turns: a flood of
 * requests cannot starve a camera, nor busy cameras a request. Requests are limited; frames need no
 * limit, since each holds one of the few slots of its camera.
 */
export class RequestQueue<T extends { readonly lane: Lane }> {
  readonly #lanes: Record<Lane, T[]> = { frame: [], request: [] };
  readonly #requestLimit: number;
  #next: Lane = 'frame';

  constructor(requestLimit: number) {
    this.#requestLimit = requestLimit;
  }

  get length(): number {
    return this.#lanes.frame.length + this.#lanes.request.length;
  }

  isFull(lane: Lane): boolean {
    return lane === 'request' && this.#lanes.request.length >= this.#requestLimit;
  }

  push(item: T): void {
    this.#lanes[item.lane].push(item);
  }

  shift(): T | undefined {
    const first = this.#lanes[this.#next].shift();
    const other = this.#next === 'frame' ? 'request' : 'frame';
    if (!first) return this.#lanes[other].shift();
    this.#next = other;
    return first;
  }

  remove(item: T): boolean {
    const lane = this.#lanes[item.lane];
    const index = lane.indexOf(item);
    if (index >= 0) lane.splice(index, 1);
    return index >= 0;
  }

  /** Everything that waits, in the order in which it would have been served. */
  drain(): T[] {
    const items: T[] = [];
    for (let item = this.shift(); item; item = this.shift()) items.push(item);
    return items;
  }
}
