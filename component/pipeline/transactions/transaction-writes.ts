import { VedetteError } from '../../contract/errors.ts';
import type { TransactionEnding, TransactionRecord } from '../../contract/transaction.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import { UnstoredResults } from '../unstored-results.ts';

export interface TransactionWritesOptions {
  readonly camera: string;
  readonly registry: Pick<Registry, 'openTransaction' | 'endTransaction'>;
  readonly faults: FaultLog;
  /** The camera stops: what was refused is offered one last time. */
  readonly signal: AbortSignal;
}

interface Write {
  readonly write: () => Promise<void>;
  readonly message: string;
}

const NOT_OPENED = 'a trigger could not be recorded';
const NOT_ENDED = 'the end of a trigger could not be recorded';

/**
 * The triggers of a camera on their way to the registry. What it refuses now is offered again, in the
 * order of what happened; what is given up is logged, and ends at the next start.
 */
export class TransactionWrites {
  readonly #options: TransactionWritesOptions;
  readonly #unwritten: UnstoredResults<Write>;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #opened = new Map<string, Promise<void>>();

  constructor(options: TransactionWritesOptions) {
    this.#options = options;
    this.#unwritten = new UnstoredResults({
      store: async ({ write }) => {
        try {
          await write();
          return undefined;
        } catch (thrown) {
          return VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
        }
      },
      onLost: ({ message }, why) => this.#warn(why, message),
      mayWait: false,
      signal: options.signal,
    });
  }

  /** Resolves when it ends in the registry after a kill too. Rejects with the first refusal. */
  open(record: TransactionRecord, isPromised: boolean): Promise<void> {
    const write = () => this.#options.registry.openTransaction(record, isPromised);
    const opened = write();
    this.#opened.set(record.id, opened);
    this.#track(this.#putOffRefused(opened, { write, message: NOT_OPENED }));
    return opened;
  }

  /** Of one that has no end yet: that it was opened. */
  opened(id: string): Promise<void> {
    return this.#opened.get(id) ?? Promise.resolve();
  }

  /** Resolves when it is written, or put off. */
  end(ending: TransactionEnding): Promise<void> {
    const write = () => this.#options.registry.endTransaction(ending);
    const ended = this.#end(ending.id, { write, message: NOT_ENDED });
    this.#track(ended);
    return ended;
  }

  /** Resolves when nothing waits to be written: after `signal` soon, written or not. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
    await this.#unwritten.ended();
  }

  async #end(id: string, ending: Write): Promise<void> {
    await this.#opened.get(id)?.catch(() => {});
    this.#opened.delete(id);
    // Its opening may be among those that wait, and comes first.
    if (this.#unwritten.size > 0) return this.#unwritten.add(ending);
    await this.#putOffRefused(ending.write(), ending);
  }

  async #putOffRefused(written: Promise<void>, again: Write): Promise<void> {
    try {
      await written;
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      this.#warn(error, again.message);
      if (error.retryable && error.code !== 'SHUTTING_DOWN') await this.#unwritten.add(again);
    }
  }

  #track(write: Promise<void>): void {
    this.#underWay.add(write);
    void write.finally(() => this.#underWay.delete(write));
  }

  #warn(error: VedetteError, message: string): void {
    const { camera, faults } = this.#options;
    faults.warn(`trigger-record/${camera}/${error.code}`, { camera, error }, message);
  }
}
