import { mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import { modelManifestSchema, parseModelReference } from '../contract/model-manifest.ts';
import { describeOutputs } from '../decode/output-values.ts';
import { locatePackage } from './model-store/locate-package.ts';
import type { ModelStore } from './model-store/model-store.ts';
import { identityOf } from './package/dda-manifest.ts';
import { readModelMetadata } from './package/model-metadata.ts';
import { packageRoot } from './package/package-root.ts';
import { readOnnx } from './package/read-onnx.ts';
import type { OnnxStructure } from './package/read-onnx.ts';
import { completePackage, readPackage } from './package/read-package.ts';
import type { ModelPackage } from './package/read-package.ts';
import { suggestManifest, UNKNOWN_FAMILY } from './package/suggest-manifest.ts';
import type { ManifestSuggestion } from './package/suggest-manifest.ts';
import { isArchive, unpackArchive } from './package/unpack-archive.ts';

/** A model as a person names it on the command line, read and free of contradictions. */
export interface OpenedPackage {
  readonly model: ModelPackage;
  /** Whether it passed its first run when it was installed. */
  readonly isInstalled: boolean;
  /** What had to be guessed for want of a `model.json`. */
  readonly guesses: readonly string[];
  /** Its files are no longer read. */
  readonly release: () => Promise<void>;
}

export interface OpenPackageOptions {
  readonly variant?: string | undefined;
  /** For installed models. */
  readonly store: ModelStore;
  readonly signal?: AbortSignal | undefined;
}

const nothing = () => Promise.resolve();

/**
 * Opens an installed `name@version`, the folder or archive of a package, or a bare ONNX file, for
 * which the manifest is made that `vedette model inspect` suggests.
 * @throws VedetteError NOT_FOUND, MODEL_NOT_INSTALLED, MODEL_STORE_CORRUPT, MODEL_ARCHIVE_…, and those
 * of readPackage
 */
export async function openPackage(
  named: string,
  { variant, store, signal }: OpenPackageOptions,
): Promise<OpenedPackage> {
  if (parseModelReference(named)) {
    const located = await locatePackage(named, store, signal);
    const model = await readPackage(located.folder, variant, located);
    const isInstalled = located.passed.includes(model.variant.name);
    return { model, isInstalled, guesses: [], release: () => located.release() };
  }
  const opened = { isInstalled: false, guesses: [], release: nothing };
  if (await isFolder(named)) return { ...opened, model: await readPackage(named, variant) };
  if (await isArchive(named)) return { ...opened, ...(await openArchive(named, variant, signal)) };
  return { ...opened, ...(await openFile(named, variant)) };
}

/** @throws VedetteError NOT_FOUND when there is nothing at the path */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new VedetteError('NOT_FOUND', `there is no model package or ONNX file at ${path}`, {
      cause: error,
    });
  }
}

/** Unpacked into a folder of its own below the system's temporary one, for as long as it is used. */
export async function unpackTemporarily(
  archive: string,
  signal?: AbortSignal,
): Promise<{ readonly root: string; readonly release: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-package-'));
  const release = () => rm(folder, { recursive: true, force: true });
  try {
    const unpacked = join(folder, 'package');
    await unpackArchive(archive, unpacked, signal);
    return { root: await packageRoot(unpacked), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function openArchive(
  archive: string,
  variant: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Pick<OpenedPackage, 'model' | 'release'>> {
  const { root, release } = await unpackTemporarily(archive, signal);
  try {
    return { model: await readPackage(root, variant, { identity: identityOf(archive) }), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function openFile(
  path: string,
  variant: string | undefined,
): Promise<Pick<OpenedPackage, 'model' | 'guesses'>> {
  const file = await realpath(path);
  const suggestion = suggestFor(file, await readOnnx(file));
  return { model: await packageOf(file, suggestion, variant), guesses: suggestion.guesses };
}

/** @throws VedetteError MODEL_MISMATCH when no input can be a picture */
export function suggestFor(file: string, graph: OnnxStructure): ManifestSuggestion {
  const metadata = readModelMetadata(graph.metadata);
  const suggestion = suggestManifest(basename(file), graph, metadata, UNKNOWN_FAMILY);
  if (suggestion) return suggestion;
  throw new VedetteError(
    'MODEL_MISMATCH',
    `no input of the graph can take a picture: expected three or four dimensions; the graph has ${describeOutputs(graph.inputs)}`,
  );
}

/** A bare ONNX file as a package. `file` must be a real path. */
export function packageOf(
  file: string,
  { manifest }: ManifestSuggestion,
  variant?: string,
): Promise<ModelPackage> {
  const authored = { ...manifest.input };
  const parsed = modelManifestSchema.parse(manifest);
  return completePackage(dirname(file), { manifest: parsed, authored }, variant);
}
