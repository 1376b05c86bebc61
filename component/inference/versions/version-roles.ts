import type { ModelChangeRecord, StandingMode } from '../../contract/model-lifecycle.ts';
import type { ModelIdentity } from '../../contract/result.ts';
import type { GenerationOptions } from '../generation-options.ts';
import type { ModelGeneration } from '../model-generation.ts';
import type { VersionStore } from './version-memory.ts';

export interface VersionSetOptions extends Pick<
  GenerationOptions,
  'name' | 'config' | 'maxImagePixels' | 'trust' | 'store' | 'library' | 'onFault'
> {
  readonly versionStore?: VersionStore;
  /** Told after every change of a version's state, and of which is which. Must not throw. */
  readonly onChange: () => void;
  /** Told of each change for the history. Must not throw. */
  readonly onRecord?: (change: ModelChangeRecord) => void;
}

/** What a change of the configuration may change of them. */
export type VersionSettings = Pick<VersionSetOptions, 'config' | 'maxImagePixels'>;

/** A version that is tried beside the active one, and is ready. */
export interface Candidate {
  readonly generation: ModelGeneration;
  readonly mode: StandingMode;
  /** Those that act on it, in `canary`. */
  readonly cameras: readonly string[];
  readonly sinceMs: number;
}

/** The version that answered before. */
export interface PreviousVersion {
  readonly package: string;
  readonly identity?: ModelIdentity;
  /** While it is kept warm, until then. */
  readonly generation?: ModelGeneration;
  readonly warmUntilMs?: number;
}

/** As it outlives the process. */
export function remembered({ generation, mode, cameras, sinceMs }: Candidate) {
  return { package: generation.packageName, mode, cameras: [...cameras], sinceMs };
}
