import { VedetteError } from '../../contract/errors.ts';
import type { ModelChangeRequest, RunningChange } from '../../contract/model-lifecycle.ts';
import type { VersionSet } from './version-set.ts';

/**
 * Whether a change may begin now.
 * @returns the package that it is about
 * @throws VedetteError MODEL_CHANGE_RUNNING, MODEL_PINNED, MODEL_CANDIDATE_EXISTS,
 * MODEL_CANDIDATE_NONE, MODEL_PREVIOUS_NONE, REQUEST_INVALID
 */
export function checkChange(
  name: string,
  request: ModelChangeRequest,
  running: RunningChange | undefined,
  versions: VersionSet,
): string {
  if (running) throw changeRunning(name, running);
  const { active, previous, candidate, memory } = versions;
  const candidatePackage = candidate?.generation.packageName;
  const requireUnpinned = () => {
    if (memory.known.isPinned) throw pinned(name, active.packageName);
  };
  switch (request.kind) {
    case 'propose':
      if (request.mode !== 'shadow') requireUnpinned();
      if (candidatePackage !== undefined && candidatePackage !== request.package) {
        throw candidateExists(name, candidatePackage);
      }
      if (request.package === active.packageName) {
        throw new VedetteError(
          'REQUEST_INVALID',
          `${request.package} is the version of model '${name}' that runs already`,
        );
      }
      return request.package;
    case 'promote':
      requireUnpinned();
      return candidatePackage ?? noCandidate(name);
    case 'discard':
      return candidatePackage ?? noCandidate(name);
    case 'rollback':
      if (candidatePackage !== undefined) return candidatePackage;
      requireUnpinned();
      return previous?.package ?? noPrevious(name);
    case 'pin':
      if (candidate?.mode === 'canary') throw candidateExists(name, candidatePackage ?? '');
      return active.packageName;
    case 'unpin':
      return active.packageName;
  }
}

function changeRunning(name: string, { kind, package: named, stage }: RunningChange): VedetteError {
  return new VedetteError(
    'MODEL_CHANGE_RUNNING',
    `model '${name}' is being changed already: ${kind} of ${named}, ${stage}`,
    { details: { model: name, kind, package: named, stage } },
  );
}

const pinned = (name: string, named: string): VedetteError =>
  new VedetteError('MODEL_PINNED', `model '${name}' is pinned to ${named}`, {
    details: { model: name, package: named },
  });

const candidateExists = (name: string, named: string): VedetteError =>
  new VedetteError('MODEL_CANDIDATE_EXISTS', `${named} is the candidate of model '${name}'`, {
    details: { model: name, package: named },
  });

function noCandidate(name: string): never {
  throw new VedetteError('MODEL_CANDIDATE_NONE', `model '${name}' has no candidate`);
}

function noPrevious(name: string): never {
  throw new VedetteError(
    'MODEL_PREVIOUS_NONE',
    `no version of model '${name}' is known that ran before the present one`,
  );
}
