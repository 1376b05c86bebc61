import { z } from 'zod';
import type { SerializedError } from './errors.ts';
import type { ModelIdentity, Outcome } from './result.ts';

/** What a version of a model is at. */
export type ModelState = 'loading' | 'probing' | 'warming-up' | 'ready' | 'failed' | 'closed';

/**
 * How a new version comes in. `shadow`: it sees the same frames, and its verdicts are compared, not
 * acted on. `canary`: the cameras named act on it. `swap`: it takes over as soon as it is ready.
 */
export const CANDIDATE_MODES = ['shadow', 'canary', 'swap'] as const;
export type CandidateMode = (typeof CANDIDATE_MODES)[number];
/** Those in which a version stays a candidate. */
export type StandingMode = Exclude<CandidateMode, 'swap'>;

/** What can be asked of a model while it runs. */
export type ModelChangeRequest =
  | {
      readonly kind: 'propose';
      /** An installed `name@version`, or the path of a package, which is installed first. */
      readonly package: string;
      readonly mode: CandidateMode;
      /** For `canary`: the cameras that act on it. */
      readonly cameras: readonly string[];
    }
  | { readonly kind: 'promote' | 'rollback' | 'discard' | 'pin' | 'unpin' };

/** What is remembered of a model over restarts and power cuts. */
export const rememberedModelSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** `models.<name>.package` when this was written: what is remembered holds while it is the same. */
  configuredPackage: z.string(),
  activePackage: z.string(),
  previousPackage: z.string().optional(),
  isPinned: z.boolean(),
  candidate: z
    .strictObject({
      package: z.string(),
      mode: z.enum(['shadow', 'canary']),
      cameras: z.array(z.string()),
      sinceMs: z.number(),
    })
    .optional(),
});
export type RememberedModel = z.infer<typeof rememberedModelSchema>;

/**
 * `proposed`: it became the candidate. `swapped`, `promoted`: it answers now. `rolled-back`: what ran
 * before answers again. `restored`: what was remembered could not be used at a start, or the
 * configuration names another package. `refused`: it did not get that far.
 */
export type ModelChangeKind =
  | 'proposed'
  | 'swapped'
  | 'promoted'
  | 'rolled-back'
  | 'discarded'
  | 'pinned'
  | 'unpinned'
  | 'restored'
  | 'refused';

/** What led to a change that nobody asked for. */
export type RollbackCause = 'errors' | 'latency' | 'verdicts' | 'lost';

/** Who asks for a change. */
export type ChangeCause = 'person' | 'labels' | 'component';

/** A line of a model's history. */
export interface ModelChangeRecord {
  readonly atMs: number;
  readonly model: string;
  readonly kind: ModelChangeKind;
  /** The package that the change is about. */
  readonly package: string;
  readonly mode?: CandidateMode;
  /**
   * `person`: it was asked for over HTTP or on the command line. `component`: a model component brought
   * the version. `configuration`: it names the version.
   */
  readonly cause: RollbackCause | ChangeCause | 'start' | 'configuration';
  readonly reason?: SerializedError;
}

export type ChangeStage = 'installing' | 'probing' | 'loading' | 'warming-up' | 'switching';

/** A change under way: another one is refused until it ends. */
export interface RunningChange {
  /** `configure`: a configuration that is being applied has other settings for the model. */
  readonly kind: ModelChangeRequest['kind'] | 'configure';
  readonly package: string;
  readonly mode?: CandidateMode;
  readonly stage: ChangeStage;
  readonly startedAtMs: number;
}

export interface EndedChange {
  readonly kind: ModelChangeRequest['kind'];
  readonly package: string;
  readonly endedAtMs: number;
  /** Why it failed; what ran before goes on. */
  readonly error?: SerializedError;
}

export interface Tally {
  readonly compared: number;
  readonly agreed: number;
}

/** Milliseconds from a frame's hand-over to its answer, over the newest answers. */
export interface LatencyFigures {
  readonly median: number;
  readonly p95: number;
}

export interface Disagreement {
  readonly resultId: string;
  readonly camera: string;
  readonly active: Outcome;
  readonly candidate: Outcome;
}

/** A candidate in shadow beside the active version, on the same frames. */
export interface ShadowFigures extends Tally {
  readonly cameras: Readonly<Record<string, Tally>>;
  /** Frames that the candidate did not see, since it was busy or the camera had no slot to spare. */
  readonly dropped: number;
  /** Frames on which it failed, with the newest reason. */
  readonly failed: number;
  readonly lastFailure?: SerializedError;
  readonly activeMs?: LatencyFigures;
  readonly candidateMs?: LatencyFigures;
  /** Newest first, the last 20. */
  readonly disagreements: readonly Disagreement[];
}

/** Results of one camera by outcome. */
export interface OutcomeTally {
  readonly results: number;
  readonly errors: number;
  readonly fails: number;
  readonly reviews: number;
}

/** A canary's results on a camera beside those that the active version gave there before. */
export interface CanaryFigures extends OutcomeTally {
  readonly medianMs?: number;
  readonly baseline: OutcomeTally & { readonly medianMs?: number };
  /** At so many results it is looked at next. */
  readonly nextLookAt: number;
}

/** Results that a person labelled, and how many of them each version had right. */
export interface LabelFigures {
  readonly active: { readonly labelled: number; readonly right: number };
  readonly candidate: { readonly labelled: number; readonly right: number };
}

export interface VersionStatus {
  readonly package: string;
  readonly identity?: ModelIdentity;
  readonly state: ModelState;
  readonly reason?: SerializedError;
}

export interface CandidateStatus extends VersionStatus {
  readonly mode: StandingMode;
  readonly sinceMs: number;
  /** Those that act on it, in `canary`. */
  readonly cameras: readonly string[];
  readonly shadow?: ShadowFigures;
  readonly canary?: Readonly<Record<string, CanaryFigures>>;
  readonly labels?: LabelFigures;
}

/** The versions of one model. */
export interface ModelLifecycleStatus {
  readonly configuredPackage: string;
  readonly isPinned: boolean;
  readonly active: VersionStatus;
  /** What `rollback` goes back to; at once until `warmUntilMs`, while it is still loaded. */
  readonly previous?: {
    readonly package: string;
    readonly identity?: ModelIdentity;
    readonly warmUntilMs?: number;
  };
  readonly candidate?: CandidateStatus;
  readonly change?: RunningChange;
  readonly lastChange?: EndedChange;
}
