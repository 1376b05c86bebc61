import { VedetteError } from '../../component/contract/errors.ts';
import { nextMajor } from '../greengrass/compare-versions.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import type { ComponentRelease } from '../publication/component-release.ts';
import { publishComponent } from '../publication/publish-component.ts';
import type {
  PublicationDoors,
  PublishOptions,
  PublishedComponent,
} from '../publication/publish-component.ts';
import { CONTENT_TAG } from '../recipe/recipe-content.ts';
import { ddaComponentOf, requestProblems } from './dda-names.ts';
import { ddaComponentRelease } from './dda-release.ts';
import type { DdaTags } from './dda-release.ts';
import { resolveTarget } from './dda-targets.ts';
import type { DdaRelease, DdaRuntime } from './dda-targets.ts';

export interface DdaPublication {
  readonly name: string;
  readonly version?: string | undefined;
  readonly friendlyName: string;
  readonly targets: readonly string[];
  readonly runtime: DdaRuntime;
  readonly release: DdaRelease;
  readonly tags: DdaTags;
}

/** What became of one target, with the keys of DDA's portal. */
export interface TargetOutcome {
  readonly target: string;
  readonly platform: string;
  readonly component_name: string;
  readonly component_version?: string;
  readonly component_arn?: string;
  readonly status: 'published' | 'failed';
  readonly error?: string;
}

export interface TargetResult {
  readonly outcome: TargetOutcome;
  readonly published?: PublishedComponent;
  readonly fault?: VedetteError;
}

/** @throws VedetteError DDA_TARGET_UNKNOWN or REQUEST_INVALID with every problem, before anything is made */
export function checkDdaPublication(publication: DdaPublication): void {
  const problems = requestProblems(publication);
  if (problems.length === 0) return;
  const isTarget = problems.every((problem) => /^(no )?target/.test(problem));
  throw new VedetteError(
    isTarget ? 'DDA_TARGET_UNKNOWN' : 'REQUEST_INVALID',
    problems.map((problem) => `\n  - ${problem}`).join(''),
    { details: { problems } },
  );
}

/**
 * Publishes one component for each target; one that fails does not stop the others.
 * @param archiveFor packed for this target
 */
export async function publishTargets(
  publication: DdaPublication,
  archiveFor: (target: string) => Promise<PackedArchive>,
  doors: PublicationDoors,
  options: PublishOptions = {},
): Promise<TargetResult[]> {
  checkDdaPublication(publication);
  const results: TargetResult[] = [];
  for (const target of new Set(publication.targets)) {
    options.signal?.throwIfAborted();
    const { architecture } = resolveTarget(target, publication.runtime, publication.release);
    const component = ddaComponentOf(publication.name, target);
    const common = { target, platform: architecture, component_name: component };
    try {
      const release = await releaseFor(publication, target, await archiveFor(target), doors);
      const published = await publishComponent(release, doors, options);
      const { version, arn } = published;
      const ids = { component_version: version, component_arn: arn };
      results.push({ outcome: { ...common, ...ids, status: 'published' }, published });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      const fault = VedetteError.from(error);
      const outcome = {
        ...common,
        status: 'failed' as const,
        error: `${fault.code}: ${fault.message}`,
      };
      results.push({ outcome, fault });
    }
  }
  return results;
}

/** With the version asked for; else that of the same content when it is the newest, else the next major. */
export async function releaseFor(
  { name, version, friendlyName, runtime, release, tags }: DdaPublication,
  targetName: string,
  archive: PackedArchive,
  { gateway }: Pick<PublicationDoors, 'gateway'>,
): Promise<ComponentRelease> {
  const target = resolveTarget(targetName, runtime, release);
  const make = (wanted: string) =>
    ddaComponentRelease(archive, { name, version: wanted, friendlyName, target, release, tags });
  if (version !== undefined) return make(version);
  const component = ddaComponentOf(name, targetName);
  const versions = await gateway.versions(component);
  const [newest] = versions;
  if (newest !== undefined && /^[1-9]\d{0,5}\.0\.0$/.test(newest)) {
    const candidate = await make(newest);
    const found = await gateway.find(component, newest);
    if (found?.tags[CONTENT_TAG] === candidate.contentSha256) return candidate;
  }
  return make(nextMajor(versions));
}
