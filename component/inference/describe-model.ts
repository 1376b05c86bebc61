import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import type { SerializedError } from '../contract/errors.ts';
import type { ModelManifest, ModelManifestInput } from '../contract/model-manifest.ts';
import type { TensorSpec } from '../contract/tensor.ts';
import { packageFacts } from './describe-package.ts';
import type { PackageFacts, PackageKind } from './describe-package.ts';
import { isFolder, packageOf, suggestFor, unpackTemporarily } from './open-package.ts';
import { identityOf } from './package/dda-manifest.ts';
import type { PackageIdentity } from './package/dda-manifest.ts';
import { sha256Of } from './package/package-files.ts';
import { MANIFEST_FILE, readManifest } from './package/read-manifest.ts';
import { readOnnx } from './package/read-onnx.ts';
import type { OnnxStructure } from './package/read-onnx.ts';
import { readPackage } from './package/read-package.ts';
import type { ModelPackage } from './package/read-package.ts';
import { isArchive } from './package/unpack-archive.ts';
import { runProbe } from './run-probe.ts';
import type { ProbeLimits, ProbeReport } from './run-probe.ts';
import { runtimeVersion } from './runtime-version.ts';

/** What `vedette model inspect` shows. Parts that could not be found out are absent. */
export interface ModelDescription {
  readonly path: string;
  readonly kind: 'package' | 'onnx-file';
  readonly runtimeVersion: string;
  readonly manifest?: ModelManifest;
  readonly variant?: string;
  readonly sha256?: string;
  readonly labels?: readonly string[];
  /** How a picture becomes the input tensor, defaults and what the file says included. */
  readonly input?: TensorSpec & { readonly name: string; readonly sizeMultiple?: number };
  readonly graph?: OnnxStructure;
  /** Where values come from, why a variant, and what the author left out. */
  readonly facts?: PackageFacts;
  /** For a bare ONNX file: a manifest to begin with. */
  readonly suggestion?: {
    readonly manifest: ModelManifestInput;
    readonly guesses: readonly string[];
  };
  /** The first run in the probe process. */
  readonly probe?: ProbeReport;
  /** Why it would not run; absent when it would (or was not tried). */
  readonly problem?: SerializedError & { readonly remedy: string };
}

export interface DescribeOptions {
  readonly variant?: string | undefined;
  /** Absent: the model is read, but not run. */
  readonly probe?: ProbeLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Describes a model package (a folder or an archive) or a bare ONNX file, as far as it can be read: a faulty model
 * is described with its problem.
 * @throws VedetteError NOT_FOUND when there is nothing at the path, MODEL_ARCHIVE_INVALID,
 * MODEL_ARCHIVE_TOO_LARGE
 */
export async function describeModel(
  path: string,
  options: DescribeOptions = {},
): Promise<ModelDescription> {
  const isAFolder = await isFolder(path);
  if (isAFolder || !(await isArchive(path))) return describe(path, path, isAFolder, options);
  const { root, release } = await unpackTemporarily(path, options.signal);
  try {
    return await describe(path, root, true, options);
  } finally {
    await release();
  }
}

/** @param path as the caller named it; `place` is where its files lie */
async function describe(
  path: string,
  place: string,
  isFolder: boolean,
  options: DescribeOptions,
): Promise<ModelDescription> {
  let description: ModelDescription = {
    path,
    kind: isFolder ? 'package' : 'onnx-file',
    runtimeVersion: await runtimeVersion(),
  };
  const learn = (more: Partial<ModelDescription>) => {
    description = { ...description, ...more };
  };
  try {
    const model = isFolder
      ? await learnPackage(
          place,
          options.variant,
          place === path ? undefined : identityOf(path),
          learn,
        )
      : await learnFile(place, learn);
    if (model) {
      const kind = isFolder ? await packageKind(place) : 'onnx-file';
      learn({ ...partsOf(model), facts: packageFacts(model, kind) });
      if (options.probe) learn({ probe: await runProbe(model, options.probe, options.signal) });
    }
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    learn({ problem: { ...error.serialize(), remedy: error.remedy } });
  }
  return description;
}

type Learn = (more: Partial<ModelDescription>) => void;

/**
 * A package that contradicts itself still shows its manifest and its graph.
 * @param identity of a DDA package in an archive, as `installModel` calls it; the folder's when absent
 */
async function learnPackage(
  folder: string,
  variantName: string | undefined,
  identity: PackageIdentity | undefined,
  learn: Learn,
): Promise<ModelPackage> {
  try {
    return await readPackage(folder, variantName, { identity });
  } catch (error) {
    const manifest = await readManifest(folder, identity).catch(() => undefined);
    if (manifest) {
      learn({ manifest: manifest.manifest });
      const { variants } = manifest.manifest;
      const variant = variants.find(({ name }) => name === variantName) ?? variants[0]!;
      const graph = await readOnnx(join(folder, variant.file)).catch(() => undefined);
      if (graph) learn({ graph });
    }
    throw error;
  }
}

async function learnFile(path: string, learn: Learn): Promise<ModelPackage | undefined> {
  const file = await realpath(path);
  const graph = await readOnnx(file);
  learn({ graph, sha256: await sha256Of([file]) });
  const suggestion = suggestFor(file, graph);
  learn({ suggestion });
  return packageOf(file, suggestion);
}

function partsOf(model: ModelPackage): Partial<ModelDescription> {
  return {
    manifest: model.manifest,
    variant: model.variant.name,
    sha256: model.sha256,
    labels: model.labels,
    input: {
      name: model.inputName,
      ...model.spec,
      ...(model.sizeMultiple === undefined ? {} : { sizeMultiple: model.sizeMultiple }),
    },
    graph: model.structure,
  };
}

async function packageKind(folder: string): Promise<PackageKind> {
  const isOwn = await stat(join(folder, MANIFEST_FILE)).then(
    (found) => found.isFile(),
    () => false,
  );
  return isOwn ? 'package' : 'dda-package';
}
