import { VedetteError } from '../../contract/errors.ts';
import type { TransactionEnding, TransactionRecord } from '../../contract/transaction.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import { UnstoredRecords } from '../../delivery/unstored-records.ts';

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
  /** Told when it is written, or given up. */
  readonly written?: PromiseWithResolvers<void>;
}

const NOT_OPENED = 'a trigger could not be recorded';
const NOT_ENDED = 'the end of a trigger could not be recorded';

/**
 * The triggers of a camera on their way to the registry. What it refuses now is offered again, in the
 * order of what happened; what is given up is logged, and ends at the next start.
 */
export class TransactionWrites {
  readonly #options: TransactionWritesOptions;
  readonly #unwritten: UnstoredRecords<Write>;
  readonly #underWay = new Set<Promise<unknown>>();
  /** The first try to write the opening of each that has no end yet, by id: written or put off. */
  readonly #opening = new Map<string, Promise<void>>();

  constructor(options: TransactionWritesOptions) {
    this.#options = options;
    this.#unwritten = new UnstoredRecords({
      store: async ({ write, written }) => {
        try {
          await write();
          written?.resolve();
          return undefined;
        } catch (thrown) {
          return VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
        }
      },
      onLost: ({ message, written }, why) => {
        this.#warn(why, message);
        written?.reject(why);
      },
      mayWait: false,
      signal: options.signal,
    });
  }

  /**
   * Resolves when it ends in the registry after a kill too, though it was refused at first. Rejects when
   * it is given up.
   */
  open(record: TransactionRecord, isPromised: boolean): Promise<void> {
    const write = () => this.#options.registry.openTransaction(record, isPromised);
    const written = Promise.withResolvers<void>();
    // Nobody may wait for it.
    written.promise.catch(() => {});
    const opening = this.#warned(
      this.#unwritten.store({ write, message: NOT_OPENED, written }),
      NOT_OPENED,
    );
    this.#opening.set(record.id, opening);
    this.#track(opening);
    return written.promise;
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
    await this.#opening.get(id);
    this.#opening.delete(id);
    // Its opening may be among those that wait, and comes first.
    await this.#warned(this.#unwritten.storeInOrder(ending), ending.message);
  }

  /** What is put off is told, as what is lost. */
  async #warned(storing: Promise<VedetteError | undefined>, message: string): Promise<void> {
    const refusal = await storing;
    if (refusal !== undefined) this.#warn(refusal, message);
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
