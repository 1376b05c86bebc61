import { VedetteError } from '../../contract/errors.ts';
import type { InferenceResult } from '../../contract/result.ts';
import type { TransactionRecord } from '../../contract/transaction.ts';
import type { Registry } from '../../registry/registry.ts';
import { settledWithin } from '../../timing/settled-within.ts';
import { STALL_MS } from '../result-storage.ts';
import type { Transaction } from './transaction.ts';

/** Ids that are remembered of a camera; the oldest is forgotten before its time when there are more. */
const MAX_REMEMBERED = 10_000;

type Answer = () => Promise<InferenceResult>;
type Memorable = Pick<TransactionRecord, 'id' | 'triggerId' | 'deadlineMs'>;

/** The answer to an id that came before. */
export interface RememberedTrigger {
  readonly openedAtMs: number;
  /** In the steady time of this process; absent of a trigger of the process before. */
  readonly openedSteadyMs?: number;
  readonly transaction: Memorable;
  /** Resolves when it is on the disk, rejects when it never will be. */
  readonly written: Promise<void>;
  readonly answer: Answer;
}

/** What is remembered of a transaction: nothing whose size who triggers decides but the id. */
export const memorable = ({ id, triggerId, deadlineMs }: Memorable): Memorable => ({
  ...{ id, triggerId, deadlineMs },
});

/**
 * The answer to repeats of a trigger that has its verdict: read from the registry, so that ids cost little
 * memory. A result that is not there (yet) is given without what was found and without its context.
 */
export function storedAnswer(registry: Pick<Registry, 'result'>, result: InferenceResult): Answer {
  const { schemaVersion, id, thing, camera, triggerId, transaction, model, frame } = result;
  const { verdict, timings, error } = result;
  const compact: InferenceResult = {
    ...{ schemaVersion, id, thing, model, frame, verdict, timings },
    ...(camera === undefined ? {} : { camera }),
    ...(triggerId === undefined ? {} : { triggerId }),
    ...(transaction === undefined ? {} : { transaction }),
    ...(error === undefined ? {} : { error }),
  };
  return async () => {
    try {
      const reading = registry.result(id);
      return (await settledWithin(reading, STALL_MS)) ? await reading : compact;
    } catch (thrown) {
      if (VedetteError.from(thrown).code === 'SHUTTING_DOWN') throw thrown;
      return compact;
    }
  };
}

/** The ids of a camera's triggers, which outlive its source. */
export class TriggerMemory {
  readonly #triggers = new Map<string, RememberedTrigger>();

  remember(trigger: RememberedTrigger): void {
    const { triggerId } = trigger.transaction;
    this.#triggers.delete(triggerId);
    this.#triggers.set(triggerId, trigger);
    if (this.#triggers.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#triggers.keys();
    if (oldest !== undefined) this.#triggers.delete(oldest);
  }

  /** It has its verdict: from now on the answer is this one, which holds less. */
  settle({ id, triggerId }: Pick<Transaction, 'id' | 'triggerId'>, answer: Answer): void {
    const trigger = this.#triggers.get(triggerId);
    if (trigger?.transaction.id !== id) return;
    // Its place in the order is that of its opening.
    this.#triggers.set(triggerId, { ...trigger, answer });
  }

  forget(triggerId: string): void {
    this.#triggers.delete(triggerId);
  }

  recall(triggerId: string, windowMs: number): RememberedTrigger | undefined {
    const trigger = this.#triggers.get(triggerId);
    if (trigger === undefined) return undefined;
    const { openedAtMs, openedSteadyMs } = trigger;
    const ageMs =
      openedSteadyMs === undefined
        ? Math.max(0, Date.now() - openedAtMs)
        : performance.now() - openedSteadyMs;
    return ageMs <= windowMs ? trigger : undefined;
  }
}
