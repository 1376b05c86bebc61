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

/** What tells versions apart: new labels or thresholds may come with the weights of before. */
export type VersionKey = Pick<ModelIdentity, 'version' | 'sha256'>;

export const isSameVersion = (one: VersionKey | undefined, other: VersionKey | undefined) =>
  one?.version === other?.version && one?.sha256 === other?.sha256;

/** Of which results versions are judged. */
export interface LabelQuestion {
  readonly model: string;
  readonly active: VersionKey;
  readonly candidate: VersionKey;
}

export type LabelAnswer = LabelFigures;

export interface RecentQuestion {
  readonly camera: string;
  readonly model: string;
  readonly version: VersionKey;
  readonly limit: number;
}

/** A result as far as a canary is compared with it. */
export interface RecentOutcome {
  readonly outcome: Outcome;
  /** Of a result that is an error. */
  readonly errorCode: string | null;
  /** From the hand-over of the frame to its answer. */
  readonly answerMs: number;
}
