import type { ComponentRelease } from '../publication/component-release.ts';
import { componentRelease } from '../publication/component-release.ts';
import type { ModelArchive } from '../package/package-model.ts';
import type { PreparedModel } from '../prepare/prepare-model.ts';
import type { ComponentNeeds } from '../compatibility/component-catalog.ts';
import { needsTags } from './needs-tags.ts';
import { fillTemplate, readTemplate } from './fill-template.ts';

export interface ModelReleaseOptions {
  /** `io.vedette.model.<model name>` when absent. */
  readonly component?: string | undefined;
  /** The runtime's component, for whom packaged it under another name. */
  readonly runtimeComponent?: string | undefined;
}

export const RUNTIME_COMPONENT = 'io.vedette.EdgeRuntime';
const MODEL_COMPONENT_PREFIX = 'io.vedette.model.';
const RUNTIME_REQUIREMENT = '>=0.1.0 <2.0.0';
const PUBLISHER = 'Vedette';
/** Installing tries every variant: minutes on a small device. */
const WAIT_SECONDS = 840;
const TIMEOUT_SECONDS = 900;
/** Megabytes: two runs of one model do not differ by more, and get the same tags. */
const MEMORY_STEP = 50;

/**
 * The component of a model for Vedette's runtime: name stable over its versions, because nucleus lite
 * holds 50 names in its life; one manifest for each architecture.
 * @throws VedetteError RECIPE_INVALID with every problem, ARTIFACT_TOO_LARGE
 */
export async function modelRelease(
  prepared: PreparedModel,
  archives: readonly ModelArchive[],
  options: ModelReleaseOptions = {},
): Promise<ComponentRelease> {
  const { name, version, manifest } = prepared;
  const component = options.component ?? `${MODEL_COMPONENT_PREFIX}${name}`;
  const template = (await readTemplate('model')) as Readonly<Record<string, unknown>>;
  const [each] = template['Manifests'] as readonly unknown[];
  const values = {
    componentName: component,
    componentVersion: version,
    description: manifest.description || `${name}, ${manifest.task}`,
    publisher: PUBLISHER,
    runtimeComponent: options.runtimeComponent ?? RUNTIME_COMPONENT,
    runtimeRequirement: RUNTIME_REQUIREMENT,
    timeoutSeconds: TIMEOUT_SECONDS,
    waitSeconds: WAIT_SECONDS,
    modelName: name,
    modelVersion: version,
  };
  return componentRelease({
    profile: 'vedette',
    component,
    version,
    artifacts: archives.map((archive) => ({
      archive,
      key: ['components', component, version, archive.sha256, archive.fileName].join('/'),
    })),
    tags: {
      'vedette:model': name,
      'vedette:model-version': version,
      ...needsTags(needsOf(prepared, archives)),
    },
    render: (uris) => ({
      ...(fillTemplate({ ...template, Manifests: [] }, values) as object),
      Manifests: archives.flatMap(({ architectures, sha256, fileName }) =>
        architectures.map((architecture) =>
          fillTemplate(each, { ...values, architecture, fileName, uri: uris.get(sha256)! }),
        ),
      ),
    }),
  });
}

/** What a device must have for the model beside the runtime: of its archive, and as it was tried here. */
function needsOf(
  { manifest, reports }: PreparedModel,
  archives: readonly ModelArchive[],
): ComponentNeeds {
  // A variant without them runs on every one.
  const providers = manifest.variants.map(({ executionProviders }) => executionProviders);
  const memory = Math.max(0, ...reports.map(({ probe }) => probe?.memoryMegabytes ?? 0));
  return {
    artifactBytes: Object.fromEntries(
      archives.flatMap(({ architectures, byteLength }) =>
        architectures.map((architecture) => [architecture, byteLength] as const),
      ),
    ),
    ...(providers.includes(undefined)
      ? {}
      : { executionProviders: [...new Set(providers.flatMap((some) => some ?? []))] }),
    ...(memory > 0 ? { memoryMegabytes: Math.ceil(memory / MEMORY_STEP) * MEMORY_STEP } : {}),
  };
}
