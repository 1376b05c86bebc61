import type { SerializedError } from './errors.ts';

/** What is configured on a device, and whether what was asked for last is in force. */
export interface ConfigurationStatus {
  /** Of every value in force: the first 16 hex digits of a sha256. Another text is another configuration. */
  readonly hash: string;
  readonly inForceSinceMs: number;
  /** A change is being made: models that it needs are loaded beside those that run. */
  readonly isApplying: boolean;
  /** Why what was asked for last is not in force; absent once something is taken again. */
  readonly refusal?: ConfigurationRefusal;
}

export interface ConfigurationRefusal {
  readonly atMs: number;
  /** Its `details.problems` has each value that is wrong, with its path. */
  readonly error: SerializedError;
}
