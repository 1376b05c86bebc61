import { VedetteError } from '../../contract/errors.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import type { SceneCounters } from './scene.ts';

/**
 * Numbers of objects are promised in the database so many at a time, before any of them is given: more
 * than a frame can need.
 */
const RESERVED_IDS = 1000;
/** No camera numbers so many objects in a millisecond. */
const IDS_PER_MS = 1000;
const TRACK_ID = 'track';

type Store = Pick<Registry, 'counters' | 'raiseCounters'>;

/**
 * A camera's counters in memory, written to the registry as they change: one write at a time, each with
 * all that changed since the last. A killed process loses at most the write under way. What the registry
 * does not take now is offered again with the next change, and at the end.
 */
export class CounterLedger implements SceneCounters {
  readonly #camera: string;
  readonly #store: Store;
  readonly #faults: FaultLog;
  readonly #values = new Map<string, number>();
  readonly #changed = new Set<string>();
  #nextId = 1;
  /** What the database holds: after a restart numbers begin above it. */
  #reservedId = 0;
  /** The numbers in hand were never promised. */
  #isSeeded = false;
  #writing: Promise<void> | undefined;

  constructor(camera: string, store: Store, faults: FaultLog) {
    this.#camera = camera;
    this.#store = store;
    this.#faults = faults;
  }

  /**
   * Goes on where the counters stood. When the registry cannot tell, counts begin at 0, and are raised
   * to no less than what the database holds when it takes them again; numbers of objects begin with
   * the time, see `#seed`.
   */
  async load(): Promise<void> {
    try {
      const stored = await this.#store.counters(this.#camera);
      for (const [name, value] of Object.entries(stored)) this.#values.set(name, value);
      this.#reservedId = stored[TRACK_ID] ?? 0;
      this.#nextId = this.#reservedId + 1;
    } catch (thrown) {
      this.#warn(thrown, 'counts of earlier runs could not be read: they begin at 0');
      this.#seed();
    }
    this.#reserve(this.#nextId);
    await this.#writing;
  }

  nextTrackId(): number {
    if (this.#nextId <= this.#reservedId) this.#isSeeded = false;
    else if (!this.#isSeeded) this.#seed();
    const id = this.#nextId;
    this.#nextId += 1;
    this.#reserve(id);
    return id;
  }

  increment(counter: string): void {
    this.#set(counter, this.valueOf(counter) + 1);
  }

  valueOf(counter: string): number {
    return this.#values.get(counter) ?? 0;
  }

  /** Resolves when nothing waits to be written, or the last attempt failed. */
  async close(): Promise<void> {
    await this.#writing;
    if (this.#changed.size > 0) await this.#write();
  }

  /**
   * Numbers that were not promised would be given again after a restart: while the database takes none,
   * they go on from the milliseconds since 1970, a thousand for each, which no other run begins with.
   */
  #seed(): void {
    this.#nextId = Math.max(this.#nextId, Date.now() * IDS_PER_MS);
    this.#isSeeded = true;
  }

  #reserve(id: number): void {
    if (this.valueOf(TRACK_ID) - id < RESERVED_IDS) this.#set(TRACK_ID, id + 2 * RESERVED_IDS);
    else if (this.#reservedId - id < RESERVED_IDS) this.#begin();
  }

  #set(counter: string, value: number): void {
    this.#values.set(counter, value);
    this.#changed.add(counter);
    this.#begin();
  }

  #begin(): void {
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async #write(): Promise<void> {
    while (this.#changed.size > 0) {
      const names = [...this.#changed];
      this.#changed.clear();
      const values = Object.fromEntries(names.map((name) => [name, this.valueOf(name)]));
      try {
        await this.#store.raiseCounters(this.#camera, values);
        this.#reservedId = Math.max(this.#reservedId, values[TRACK_ID] ?? 0);
      } catch (thrown) {
        for (const name of names) this.#changed.add(name);
        this.#warn(thrown, 'counts could not be stored now');
        return;
      }
    }
  }

  #warn(thrown: unknown, message: string): void {
    const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    this.#faults.warn(
      `counters/${this.#camera}/${error.code}`,
      { camera: this.#camera, error },
      message,
    );
  }
}
