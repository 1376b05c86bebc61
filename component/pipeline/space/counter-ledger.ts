import { VedetteError } from '../../contract/errors.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import type { SceneCounters } from './scene.ts';

/** Numbers of objects are promised in the database so many at a time, before any of them is given. */
const RESERVED_IDS = 100;
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
  #reservedId = 0;
  #writing: Promise<void> | undefined;

  constructor(camera: string, store: Store, faults: FaultLog) {
    this.#camera = camera;
    this.#store = store;
    this.#faults = faults;
  }

  /**
   * Goes on where the counters stood. When the registry cannot tell, counts begin at 0, and are raised
   * to no less than what the database holds when it takes them again; numbers of objects begin with the
   * seconds since 1970, which are above those given before.
   */
  async load(): Promise<void> {
    try {
      const stored = await this.#store.counters(this.#camera);
      for (const [name, value] of Object.entries(stored)) this.#values.set(name, value);
      this.#nextId = (stored[TRACK_ID] ?? 0) + 1;
    } catch (thrown) {
      this.#warn(thrown, 'counts of earlier runs could not be read: they begin at 0');
      this.#nextId = Math.floor(Date.now() / 1000);
    }
    this.#reserve();
    await this.#writing;
  }

  nextTrackId(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#reservedId - id < RESERVED_IDS) this.#reserve();
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

  #reserve(): void {
    this.#reservedId = this.#nextId - 1 + 2 * RESERVED_IDS;
    this.#set(TRACK_ID, this.#reservedId);
  }

  #set(counter: string, value: number): void {
    this.#values.set(counter, value);
    this.#changed.add(counter);
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async #write(): Promise<void> {
    while (this.#changed.size > 0) {
      const names = [...this.#changed];
      this.#changed.clear();
      const values = Object.fromEntries(names.map((name) => [name, this.valueOf(name)]));
      try {
        await this.#store.raiseCounters(this.#camera, values);
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
