import { DDA_MANIFEST_FILE } from '../../component/inference/package/dda-manifest.ts';
import { packArchive } from '../package/packed-archive.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import { componentRelease } from '../publication/component-release.ts';
import type { ComponentRelease } from '../publication/component-release.ts';
import { fillTemplate, readTemplate } from '../recipe/fill-template.ts';
import { ddaComponentOf } from './dda-names.ts';
import type { DdaRelease, ResolvedTarget } from './dda-targets.ts';
import type { PreparedDda, StageFile } from './prepare-dda.ts';

const SUFFIX = '_greengrass_model_component.zip';
/** What LocalServer places on a fresh device some time after it started. */
const SEEDS = ['model_convertor.py', 'convert_model_cleanup.py', 'resources_for_copy'];
const SEED_TIMEOUT_SECONDS = 600;

/** The tags of DDA's portal; those without a value are left out. */
export interface DdaTags {
  readonly usecaseId?: string | undefined;
  readonly trainingId?: string | undefined;
  readonly createdBy?: string | undefined;
}

export interface DdaReleaseOptions {
  readonly name: string;
  readonly version: string;
  readonly friendlyName: string;
  readonly target: ResolvedTarget;
  readonly release: DdaRelease;
  readonly tags: DdaTags;
}

/** The archive's name begins with twelve digits, of its own content: the same model has the same. */
export const ddaIdOf = (sha256: string): string => sha256.slice(0, 12);

/** Second phase: `manifest.json` and the stage's folder at the top of the zip. */
export async function packageDda(
  { manifest }: Pick<PreparedDda, 'manifest'>,
  files: readonly StageFile[],
  folder: string,
  signal?: AbortSignal,
): Promise<PackedArchive> {
  const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const sources = files.map(({ path, file }) => ({ path, content: { file } }));
  const packed = await packArchive(
    folder,
    'model.zip',
    [{ path: DDA_MANIFEST_FILE, content: { bytes } }, ...sources],
    signal,
  );
  return { ...packed, fileName: `${ddaIdOf(packed.sha256)}${SUFFIX}` };
}

/**
 * The component of one target, as DDA's notebook and portal write it.
 * @throws VedetteError RECIPE_INVALID, ARTIFACT_TOO_LARGE
 */
export async function ddaComponentRelease(
  archive: PackedArchive,
  { name, version, friendlyName, target, release, tags }: DdaReleaseOptions,
): Promise<ComponentRelease> {
  const component = ddaComponentOf(name, target.name);
  const template = await readTemplate('model-dda');
  const convert =
    `python3 /aws_dda/model_convertor.py --unarchived_model_path ` +
    `{artifacts:decompressedPath}/${archive.fileName.replace(/\.zip$/, '')}/ ` +
    `--model_version ${version} --model_name ${component}`;
  const id = ddaIdOf(archive.sha256);
  return componentRelease({
    profile: 'dda',
    component,
    version,
    artifacts: [{ archive, key: `model_artifacts/model-${id}/${archive.fileName}` }],
    tags: {
      'dda-portal:managed': 'true',
      ...(tags.usecaseId === undefined ? {} : { 'dda-portal:usecase-id': tags.usecaseId }),
      ...(tags.trainingId === undefined ? {} : { 'dda-portal:training-id': tags.trainingId }),
      'dda-portal:model-name': friendlyName,
      ...(tags.createdBy === undefined ? {} : { 'dda-portal:created-by': tags.createdBy }),
    },
    render: (uris) =>
      fillTemplate(template, {
        componentName: component,
        componentVersion: version,
        friendlyName: `${friendlyName} (${target.name})`,
        localServer: target.localServer,
        architecture: target.architecture,
        startupScript: release === '2025' ? convert : `${waitForSeeds()}${convert}`,
        timeoutSeconds: release === '2025' ? 900 : 1800,
        uri: uris.get(archive.sha256)!,
      }),
  });
}

/**
 * A HARD dependency says that LocalServer's start began, not that its scripts are there: on a fresh
 * device a model that did not wait failed, and the whole deployment with it.
 */
function waitForSeeds(): string {
  const all = SEEDS.map((name) => `[ -e /aws_dda/${name} ]`).join(' && ');
  return [
    `seed_timeout=${SEED_TIMEOUT_SECONDS}`,
    'waited=0',
    `until ${all}; do`,
    '  if [ "$waited" -ge "$seed_timeout" ]; then',
    '    echo "LocalServer did not place its scripts in /aws_dda within $seed_timeout s: look at its log"',
    '    exit 1',
    '  fi',
    '  sleep 5',
    '  waited=$((waited + 5))',
    'done',
    '',
  ].join('\n');
}
