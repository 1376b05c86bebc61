import type { LabelFigures } from './model-lifecycle.ts';
import type { InferenceResult, ModelIdentity, Outcome, Verdict } from './result.ts';

/** What a version in shadow said of a frame, beside the result that counts. */
export interface ShadowResult {
  readonly resultId: string;
  /** Key of the model in the configuration. */
  readonly model: string;
  readonly camera: string;
  readonly candidate: ModelIdentity;
  readonly activeOutcome: Outcome;
  readonly verdict: Verdict;
  readonly findings: Pick<
    InferenceResult,
    'detections' | 'anomaly' | 'classes' | 'poses' | 'segments' | 'error'
  >;
  readonly timings: { readonly queueMs: number; readonly totalMs: number };
}

export interface ShadowQuery {
  readonly model: string;
  readonly onlyDisagreements: boolean;
  /** Newest first, 1–1000. */
  readonly limit: number;
}

/** What a person says that a result should have been. */
export interface VerdictLabel {
  readonly resultId: string;
  readonly outcome: 'pass' | 'fail';
  readonly note?: string;
}

/** Of which results a version is judged: those of one weights file. */
export interface LabelQuestion {
  readonly model: string;
  readonly activeSha256: string;
  readonly candidateSha256: string;
}

export type LabelAnswer = LabelFigures;

export interface RecentQuestion {
  readonly camera: string;
  readonly model: string;
  readonly sha256: string;
  readonly limit: number;
}

/** A result as far as a canary is compared with it. */
export interface RecentOutcome {
  readonly outcome: Outcome;
  /** From the hand-over of the frame to its answer. */
  readonly answerMs: number;
}
