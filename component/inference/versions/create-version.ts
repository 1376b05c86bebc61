import type { GenerationOptions } from '../generation-options.ts';
import { ModelGeneration } from '../model-generation.ts';
import type { VersionSetOptions } from './version-roles.ts';

/** What one version of a model has of its own. */
export type OwnOfVersion = Pick<
  GenerationOptions,
  'occasion' | 'isAside' | 'runs' | 'check' | 'makeRoom' | 'onChange'
>;

/** @param named the package that it runs */
export function createVersion(
  options: VersionSetOptions,
  named: string,
  own: OwnOfVersion,
): ModelGeneration {
  const { config } = options;
  // A variant is one of the package that is configured beside it.
  const { variant: _, ...others } = config;
  return new ModelGeneration({
    ...options,
    ...own,
    config: named === config.package ? config : { ...others, package: named },
  });
}
