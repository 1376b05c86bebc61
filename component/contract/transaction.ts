import type { SerializedError } from './errors.ts';
import type { InferenceResult, Outcome } from './result.ts';

/** Ids that are longer are refused. */
export const MAX_TRIGGER_ID_LENGTH = 128;

/** Something happened, and a verdict is owed. */
export interface TriggerRequest {
  /** Who triggers names it; the same again within `repeatWindowMs` gets the same answer. */
  readonly id?: string;
  /** Passed through to the result; `product` chooses by what the picture is judged. */
  readonly context?: Readonly<Record<string, unknown>>;
  /**
   * What of the context has to be asked for after the trigger, as a product in a register. The frame is
   * that of the trigger, and is judged when this is there; when it rejects, or comes after the deadline,
   * the fail-safe verdict is given.
   */
  readonly arriving?: Promise<Readonly<Record<string, unknown>>>;
  /** `http`, `frame`, or the name of the trigger in the configuration. */
  readonly source: string;
  /** Whether `accepted` has to hold after a power cut too, and not after a kill alone. */
  readonly isPromised?: boolean;
}

export const TRANSACTION_ENDS = ['answered', 'fail-safe', 'dropped'] as const;
export type TransactionEnd = (typeof TRANSACTION_ENDS)[number];

/** Why a trigger got no transaction, or lost it. */
export const TRIGGER_DROP_REASONS = ['busy', 'queue-full', 'replaced', 'invalid'] as const;
export type TriggerDropReason = (typeof TRIGGER_DROP_REASONS)[number];

/** A trigger from its opening to its end, as it is stored. Times in milliseconds since 1970. */
export interface TransactionRecord {
  readonly id: string;
  readonly camera: string;
  readonly triggerId: string;
  readonly source: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly openedAtMs: number;
  readonly deadlineMs: number;
  readonly failSafe: 'fail' | 'review';
  /** The model that was to judge it. */
  readonly model: string;
  /** Absent while it is open. */
  readonly end?: TransactionEnd;
  readonly endedAtMs?: number;
  readonly reason?: string;
  readonly resultId?: string;
  readonly outcome?: Outcome;
}

export interface TransactionEnding {
  readonly id: string;
  readonly end: TransactionEnd;
  readonly endedAtMs: number;
  readonly reason?: string;
  readonly resultId?: string;
  readonly outcome?: Outcome;
  /** What was not known when it was opened. */
  readonly arrived?: Required<Pick<TransactionRecord, 'context' | 'model'>>;
  readonly isPromised: boolean;
}

/** What who triggered gets. */
export interface TriggerAnswer {
  readonly transaction: Pick<
    TransactionRecord,
    'id' | 'triggerId' | 'camera' | 'openedAtMs' | 'deadlineMs'
  >;
  /** The id came before, and this is the answer of the first. */
  readonly isRepeated: boolean;
  /** From then on it ends in the registry, also after a kill. */
  readonly accepted: Promise<void>;
  /** Resolves within the deadline. @throws VedetteError TRIGGER_REPLACED */
  readonly verdict: Promise<InferenceResult>;
  /** The verdict when it is stored, or at the deadline without its number. */
  readonly answer: Promise<InferenceResult>;
}

/** How the triggers of a camera ended since it was started. */
export interface TriggerStatus {
  readonly open: number;
  readonly answered: number;
  readonly failSafe: number;
  readonly repeated: number;
  /** Answers of a model that came when the fail-safe verdict had been given. */
  readonly late: number;
  readonly dropped: Readonly<Record<TriggerDropReason, number>>;
}

/** A configured trigger since it was opened. */
export interface TriggerSourceStatus {
  readonly name: string;
  readonly camera: string;
  readonly kind: string;
  /** `lost`: it hears nothing, as `reason` says, and tries again where trying can help. */
  readonly state: 'connecting' | 'listening' | 'lost' | 'disabled';
  readonly reason?: SerializedError;
  /** Transactions that it opened, repeats among them. */
  readonly taken: number;
  /** What the camera did not take, and what was no trigger. */
  readonly refused: number;
  readonly lastTakenAtMs?: number;
  readonly lastRefusal?: SerializedError;
}
