import type { InferenceResult, Outcome } from './result.ts';

/**
 * What outputs have of a result: its verdict and what that belongs to. What was found may be megabytes, and
 * hundreds of verdicts may wait for a receiver that never answers.
 */
export type ToldResult = Pick<
  InferenceResult,
  | 'id'
  | 'thing'
  | 'camera'
  | 'triggerId'
  | 'transaction'
  | 'context'
  | 'product'
  | 'verdict'
  | 'error'
  | 'frame'
>;

/** A verdict as outputs tell it. */
export interface OutputMessage {
  readonly result: ToldResult;
  /** That of the verdict, or what an `error` counts as. */
  readonly outcome: Outcome;
}

/** What became of a verdict that an output was told, as it is stored. */
export interface OutputRecord {
  readonly output: string;
  readonly resultId: string;
  readonly camera: string;
  readonly outcome: Outcome;
  readonly atMs: number;
  readonly endedAtMs: number;
  readonly end: 'acknowledged' | 'given-up';
  readonly attempts: number;
  /** What the receiver said, or why it was given up. */
  readonly detail: string;
}

export interface OutputStatus {
  readonly name: string;
  readonly kind: string;
  readonly waiting: number;
  readonly acknowledged: number;
  readonly givenUp: number;
  readonly last?: OutputRecord;
}
