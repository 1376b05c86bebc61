import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DDA_MANIFEST_FILE, identityOf } from '../../component/inference/package/dda-manifest.ts';
import { packageInvalid } from '../../component/inference/package/package-invalid.ts';
import { readJson } from '../../component/inference/package/read-json.ts';
import { readPackage } from '../../component/inference/package/read-package.ts';
import { unpackArchive } from '../../component/inference/package/unpack-archive.ts';
import { runProbe } from '../../component/inference/run-probe.ts';
import type { ProbeLimits, ProbeReport } from '../../component/inference/run-probe.ts';
import { openModelSource } from '../prepare/model-source.ts';
import { openScratchFolder } from '../prepare/scratch-folder.ts';
import type { ModelSource } from '../prepare/model-source.ts';
import type { CompilableModel } from '../sagemaker/compilation-request.ts';
import { stageTypeOf } from './dda-graph.ts';
import { ddaManifestOfOnnx } from './dda-manifest-of-onnx.ts';
import type { DdaRuntime } from './dda-targets.ts';
import { EXPORT_FOLDER, readTrainingOutput } from './training-output.ts';

export interface DdaPrepareOptions {
  /** Archives of SageMaker Neo by target. */
  readonly compiled?: ReadonlyMap<string, string>;
  readonly probe?: ProbeLimits | undefined;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A file of the stage's folder: where it lies here, by its path in the package. */
export interface StageFile {
  readonly path: string;
  readonly file: string;
}

/** A model for DDA's LocalServer, checked. `close` must follow. */
export interface PreparedDda {
  /** Of the folder or file, when nobody gives another. */
  readonly name: string;
  readonly stageType: string;
  readonly runtime: DdaRuntime;
  readonly manifest: Readonly<Record<string, unknown>>;
  /** @throws VedetteError MODEL_PACKAGE_INVALID when this target needs a compiled archive that was not given */
  readonly filesFor: (target: string) => readonly StageFile[];
  /** What SageMaker Neo can compile for a target; absent where nothing has to be compiled. */
  readonly compilable?: CompilableModel;
  /** Takes the archive that was compiled for a target. @throws VedetteError MODEL_ARCHIVE_INVALID, MODEL_ARCHIVE_TOO_LARGE */
  readonly addCompiled: (target: string, archive: string) => Promise<void>;
  readonly probe?: ProbeReport;
  readonly close: () => Promise<void>;
}

interface DdaModel {
  readonly stageType: string;
  readonly runtime: DdaRuntime;
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Of every target; a model that is compiled has none. */
  readonly files: readonly StageFile[];
  readonly compilable?: CompilableModel;
}

/**
 * First phase for DDA: a DDA package as it is, the output of a training job (with SageMaker Neo's
 * archives for what is compiled), or a bare ONNX file of a detector. ONNX models are read and tried
 * as LocalServer would run them.
 * @throws VedetteError MODEL_PACKAGE_INVALID with every problem, those of archives and of the probe
 */
export async function prepareDda(path: string, options: DdaPrepareOptions): Promise<PreparedDda> {
  const {
    compiled = new Map<string, string>(),
    probe,
    onProgress = () => undefined,
    signal,
  } = options;
  const source = await openModelSource(path, signal);
  const scratch = await openScratchFolder();
  const close = async (): Promise<void> => {
    await rm(scratch, { recursive: true, force: true });
    await source.close();
  };
  try {
    const problems: string[] = [];
    const model = await readDdaModel(source, problems);
    if (!model || problems.length > 0) throw packageInvalid(path, problems);
    const byTarget = new Map<string, readonly StageFile[]>();
    const { stageType, runtime, manifest, compilable } = model;
    const addCompiled = async (target: string, archive: string): Promise<void> => {
      // Not by the target's name, which comes from outside.
      const folder = join(scratch, `compiled-${byTarget.size + 1}`);
      await unpackArchive(archive, folder, signal);
      byTarget.set(target, await stageFiles(folder, stageType));
    };
    for (const [target, archive] of compiled) await addCompiled(target, archive);
    const isTried = runtime === 'onnx';
    if (isTried) onProgress('first run');
    const report = isTried
      ? await tryModel(model, join(scratch, 'package'), probe, signal)
      : undefined;
    const filesFor = (target: string): readonly StageFile[] => {
      const files = byTarget.get(target) ?? model.files;
      if (files.length > 0) return files;
      throw packageInvalid(path, [
        `target '${target}' needs a model compiled for it: give --compiled ${target}=<archive of SageMaker Neo>, or --compile-role and --compile-output`,
      ]);
    };
    const { name } = identityOf(basename(path).replace(/\.onnx$/i, ''));
    return {
      name,
      stageType,
      runtime,
      manifest,
      filesFor,
      ...(compilable ? { compilable } : {}),
      addCompiled,
      ...(report ? { probe: report } : {}),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readDdaModel(
  source: ModelSource,
  problems: string[],
): Promise<DdaModel | undefined> {
  if (source.kind === 'file') {
    const { manifest, stageType } = await ddaManifestOfOnnx(source.place);
    const files = [{ path: `${stageType}/model.onnx`, file: source.place }];
    return { stageType, runtime: 'onnx', manifest, files };
  }
  const folder = source.place;
  const isTraining = await stat(join(folder, EXPORT_FOLDER)).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isTraining) {
    const output = await readTrainingOutput(folder, problems);
    if (!output) return undefined;
    const { modelFile, stageType, runtime, manifest, inputShape } = output;
    if (runtime === 'dlr') {
      const compilable = { file: modelFile, inputShape };
      return { stageType, runtime, manifest, files: [], compilable };
    }
    const files = [{ path: `${stageType}/model.onnx`, file: modelFile }];
    return { stageType, runtime, manifest, files };
  }
  return readDdaPackage(folder, problems);
}

async function readDdaPackage(folder: string, problems: string[]): Promise<DdaModel | undefined> {
  const value = await readJson(folder, DDA_MANIFEST_FILE);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(
      `there is neither DDA's ${DDA_MANIFEST_FILE} nor ${EXPORT_FOLDER}: expected a DDA package, the output of its training, or an ONNX file`,
    );
    return undefined;
  }
  const manifest = value as Readonly<Record<string, unknown>>;
  const runtime = manifest['runtime'] ?? 'dlr';
  if (runtime !== 'dlr' && runtime !== 'onnx' && runtime !== 'pytorch') {
    problems.push(`runtime is ${JSON.stringify(runtime)}, expected 'dlr', 'onnx' or 'pytorch'`);
  }
  const stageType = stageTypeOf(manifest['model_graph'], problems);
  if (stageType === undefined) return undefined;
  const files = await stageFiles(join(folder, stageType), stageType).catch(() => []);
  if (files.length === 0) problems.push(`the folder ${stageType} is missing or empty`);
  return { stageType, runtime: runtime as DdaRuntime, manifest, files };
}

/** Every file below a folder, as the package has it below the stage's. */
async function stageFiles(folder: string, stageType: string): Promise<StageFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: `${stageType}/${file.slice(folder.length + 1)}`, file }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Reads and runs the package as it will be on the device. */
async function tryModel(
  { manifest, files }: DdaModel,
  folder: string,
  limits: ProbeLimits | undefined,
  signal: AbortSignal | undefined,
): Promise<ProbeReport | undefined> {
  await mkdir(folder);
  await writeFile(join(folder, DDA_MANIFEST_FILE), JSON.stringify(manifest));
  for (const { path, file } of files) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await copyFile(file, join(folder, path));
  }
  const model = await readPackage(folder);
  return limits && runProbe(model, limits, signal);
}
