import type { Edge } from '../../contract/trigger-config.ts';

/**
 * The edges in the values of a signal. The first value is where it stands and no edge: what became of the
 * signal while nobody looked belongs to parts that have passed.
 */
export class EdgeWatch {
  readonly #edge: Edge;
  readonly #holdOffMs: number;
  readonly #steadyMs: () => number;
  #last: number | undefined;
  #firedAtMs = -Infinity;

  /** @param holdOffMs edges that come within so long after one that counted do not count */
  constructor(edge: Edge, holdOffMs: number, steadyMs = () => performance.now()) {
    this.#edge = edge;
    this.#holdOffMs = holdOffMs;
    this.#steadyMs = steadyMs;
  }

  get isSeen(): boolean {
    return this.#last !== undefined;
  }

  /** @returns whether this value is an edge that counts */
  see(value: number): boolean {
    const last = this.#last;
    this.#last = value;
    if (last === undefined || last === value) return false;
    const isRising = value > last;
    if (this.#edge !== 'change' && isRising !== (this.#edge === 'rising')) return false;
    const nowMs = this.#steadyMs();
    if (nowMs - this.#firedAtMs < this.#holdOffMs) return false;
    this.#firedAtMs = nowMs;
    return true;
  }

  /** Nobody looks any more: the next value is the first one again. */
  lose(): void {
    this.#last = undefined;
  }
}
