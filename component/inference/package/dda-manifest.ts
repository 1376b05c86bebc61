import { basename } from 'node:path';
import { VedetteError } from '../../contract/errors.ts';
import { nameSchema } from '../../contract/model-manifest.ts';
import type { ModelManifestInput } from '../../contract/model-manifest.ts';
import { ddaInput } from './dda-input.ts';
import { ddaOutput } from './dda-output.ts';
import { ddaManifestSchema } from './dda-schema.ts';
import { insideFile } from './package-files.ts';
import { packageInvalid } from './package-invalid.ts';
import { describeIssues } from './read-json.ts';
import { readOnnx } from './read-onnx.ts';

export const DDA_MANIFEST_FILE = 'manifest.json';

export interface PackageIdentity {
  readonly name: string;
  readonly version: string;
}

/** DDA's device code reads the engine's file here, below the folder named after the stage's type. */
const DEFAULT_ARTIFACT = 'model.onnx';

/** Stage types that give neither anomaly scores nor detections, and what they would be here. */
const OTHER_TASKS: ReadonlyMap<string, ModelManifestInput['task']> = new Map([
  ['classification', 'classification'],
  ['rf_detr_semantic_segmentation', 'semantic-segmentation'],
]);

/**
 * The manifest of a package of AWS' Defect Detection Application (DDA), as a `model.json` would say
 * it: single-stage graphs for ONNX, with the preprocessing, thresholds and suppression of its
 * LocalServer.
 * @param value `manifest.json`, parsed
 * @param identity its name and version; when absent the folder's name and 1.0.0
 * @throws VedetteError MODEL_RUNTIME_UNSUPPORTED, MODEL_PACKAGE_INVALID with every problem,
 * MODEL_FILE_INVALID, MODEL_MISMATCH
 */
export async function fromDdaManifest(
  folder: string,
  value: unknown,
  identity?: PackageIdentity,
): Promise<ModelManifestInput> {
  requireOnnx(folder, value);
  const parsed = ddaManifestSchema.safeParse(value);
  if (!parsed.success)
    throw packageInvalid(folder, describeIssues(parsed.error, DDA_MANIFEST_FILE));
  const dda = parsed.data;
  const [stage] = dda.model_graph.stages;
  const type = stage.type ?? stage.stage_type;
  if (type === undefined) throw packageInvalid(folder, ['model_graph.stages[0].type is missing']);
  const otherTask = OTHER_TASKS.get(type);
  if (otherTask !== undefined) {
    throw packageInvalid(folder, [
      `model_graph.stages[0].type is '${type}', whose outputs DDA's manifest does not describe: add a model.json with the task '${otherTask}'`,
    ]);
  }
  const problems: string[] = [];
  const artifact = `${type}/${dda.runtime_artifact ?? DEFAULT_ARTIFACT}`;
  const file = await insideFile(folder, artifact, 'runtime_artifact', problems);
  const input = ddaInput(dda, problems);
  if (!file) throw packageInvalid(folder, problems);
  const structure = await readOnnx(file);
  const { task, output, labels } = ddaOutput(dda, type, structure, problems);
  if (problems.length > 0) throw packageInvalid(folder, problems);
  return {
    ...(identity ?? identityOf(folder)),
    task,
    description: `DDA package, ${type}`,
    variants: [{ name: 'onnx', file: artifact }],
    input,
    output,
    ...(labels ? { labels } : {}),
  };
}

/** DDA takes a package without `runtime` for one of SageMaker Neo's (`dlr`). */
function requireOnnx(folder: string, value: unknown): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || !('model_graph' in value)) {
    throw packageInvalid(folder, [
      `there is no model.json, and ${DDA_MANIFEST_FILE} is not DDA's: it has no model_graph`,
    ]);
  }
  const runtime: unknown = 'runtime' in value ? value.runtime : undefined;
  if (runtime === 'onnx') return;
  const engines: Readonly<Record<string, string>> = {
    dlr: 'SageMaker Neo',
    pytorch: 'PyTorch',
  };
  const name = typeof runtime === 'string' ? runtime : JSON.stringify(runtime);
  const what =
    runtime === undefined
      ? "no 'runtime', which means 'dlr' (SageMaker Neo)"
      : `the runtime '${name}'${engines[name] ? ` (${engines[name]})` : ''}`;
  throw new VedetteError(
    'MODEL_RUNTIME_UNSUPPORTED',
    `DDA package ${folder} has ${what}; Vedette runs 'onnx': export the trained model to ONNX (torch.onnx.export, or the target 'onnx' of DDA's portal) and set "runtime": "onnx"`,
    { details: { folder, runtime: runtime ?? null } },
  );
}

/** What a package without a name of its own is called: as its folder or archive. */
export const identityOf = (path: string): PackageIdentity => ({
  name: nameOf(path),
  version: '1.0.0',
});

/** A folder's or archive's name as a model's, without its suffix. */
function nameOf(path: string): string {
  const name = basename(path)
    .replace(/\.(zip|tar|tgz|tar\.gz)$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 64)
    .replaceAll(/^-+|-+$/g, '');
  return nameSchema.safeParse(name).success ? name : 'model';
}
