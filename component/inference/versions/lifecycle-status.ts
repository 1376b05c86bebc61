import type {
  CandidateStatus,
  ChangeStage,
  ModelLifecycleStatus,
  VersionStatus,
} from '../../contract/model-lifecycle.ts';
import type { ModelState } from '../../contract/ports.ts';
import type { ModelGeneration } from '../model-generation.ts';
import type { ModelChanges } from './model-changes.ts';
import type { VersionSet } from './version-set.ts';

/** What was found out about a candidate so far. */
export type CandidateFigures = Pick<CandidateStatus, 'shadow' | 'canary' | 'labels'>;

const STAGES: Readonly<Partial<Record<ModelState, ChangeStage>>> = {
  loading: 'loading',
  probing: 'probing',
  'warming-up': 'warming-up',
};

/** The versions of a model as the API, the page and the command line show them. */
export function lifecycleStatus(
  versions: VersionSet,
  { running, last }: ModelChanges,
  figures: CandidateFigures,
): ModelLifecycleStatus {
  const { active, previous, candidate, incoming, memory } = versions;
  const stage = (incoming && STAGES[incoming.state]) ?? running?.stage;
  return {
    configuredPackage: memory.known.configuredPackage,
    isPinned: memory.known.isPinned,
    active: versionStatus(active),
    ...(previous
      ? {
          previous: {
            package: previous.package,
            ...(previous.identity ? { identity: previous.identity } : {}),
            ...(previous.warmUntilMs === undefined ? {} : { warmUntilMs: previous.warmUntilMs }),
          },
        }
      : {}),
    ...(candidate
      ? {
          candidate: {
            ...versionStatus(candidate.generation),
            mode: candidate.mode,
            sinceMs: candidate.sinceMs,
            cameras: candidate.cameras,
            ...figures,
          },
        }
      : {}),
    ...(running && stage ? { change: { ...running, stage } } : {}),
    ...(last ? { lastChange: last } : {}),
  };
}

function versionStatus({ packageName, identity, state, reason }: ModelGeneration): VersionStatus {
  return {
    package: packageName,
    ...(identity ? { identity } : {}),
    state,
    ...(reason ? { reason: reason.serialize() } : {}),
  };
}
