import type { ModelManifestInput } from '../../contract/model-manifest.ts';

/** The family that a graph belongs to, as a manifest would name it. */
export interface RecognisedFamily extends Pick<ModelManifestInput, 'task' | 'output'> {
  /** What the family's public models want of their input, where that is known. */
  readonly input?: ModelManifestInput['input'];
  readonly guesses: readonly string[];
}
