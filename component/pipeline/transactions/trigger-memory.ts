import type { InferenceResult } from '../../contract/result.ts';
import type { Transaction } from './transaction.ts';

/** Ids that are remembered of a camera; the oldest is forgotten before its time when there are more. */
const MAX_REMEMBERED = 10_000;

/** The answer to an id that came before. */
export interface RememberedTrigger {
  readonly openedAtMs: number;
  /** In the steady time of this process; absent of a trigger of the process before. */
  readonly openedSteadyMs?: number;
  readonly transaction: Pick<Transaction, 'id' | 'triggerId'> & { readonly deadlineMs: number };
  readonly answer: () => Promise<InferenceResult>;
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
