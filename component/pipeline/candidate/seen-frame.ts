import type { InferenceAnswer, NewResult } from '../../contract/ports.ts';
import type { Findings, Verdict } from '../../contract/result.ts';
import type { ModelGeneration } from '../../inference/model-generation.ts';

/** A frame of a camera that has its verdict, and is still held. */
export interface SeenFrame {
  readonly camera: string;
  readonly result: NewResult;
  /** Shows it to another version, in the same way. */
  readonly show: (version: ModelGeneration) => Promise<InferenceAnswer>;
  /** The camera's rules on other findings of the same frame. */
  readonly judge: (findings: Findings, version: ModelGeneration) => Verdict;
  /** Whether this version can be shown it, and the camera goes on undisturbed while it is held longer. */
  readonly mayBeShown: (version: ModelGeneration) => boolean;
  /** Settles when the result is stored, or is not going to be. */
  readonly kept: Promise<void>;
}
