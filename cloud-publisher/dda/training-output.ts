import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { readJson } from '../../component/inference/package/read-json.ts';
import { inputShapeOf, stageTypeOf } from './dda-graph.ts';

export const EXPORT_FOLDER = 'export_artifacts';
export const TRAINING_CONFIG = 'config.yaml';

const configSchema = z.looseObject({
  dataset: z.looseObject({ image_width: z.int().min(1), image_height: z.int().min(1) }),
});

/** What a SageMaker training job of DDA left behind, as a manifest and its model file. */
export interface TrainingOutput {
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly stageType: string;
  readonly runtime: 'dlr' | 'onnx';
  /** The ONNX file; a PyTorch model is compiled elsewhere, target by target. */
  readonly modelFile: string;
  /** `[1, 3, height, width]` */
  readonly inputShape: readonly number[];
}

/**
 * Reads `config.yaml`, `export_artifacts/manifest.json` and the model beside it. With a `.pt` the
 * manifest becomes the one that DDA's notebook writes, of three keys; with a `.onnx` it keeps its
 * keys but `compilable_models`, and names the runtime.
 */
export async function readTrainingOutput(
  folder: string,
  problems: string[],
): Promise<TrainingOutput | undefined> {
  const dataset = await datasetOf(folder, problems);
  const exported = join(folder, EXPORT_FOLDER);
  const value = await readJson(exported, 'manifest.json');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(`${EXPORT_FOLDER}/manifest.json is missing or no object`);
    return undefined;
  }
  const original = value as Readonly<Record<string, unknown>>;
  const stageType = stageTypeOf(original['model_graph'], problems);
  const shape = inputShapeOf(original, problems);
  if (dataset && shape) compareSizes(dataset, shape, problems);
  const modelFile = await modelFileOf(exported, problems);
  if (!dataset || !shape || stageType === undefined || modelFile === undefined) return undefined;
  const { model_graph } = original;
  if (modelFile.endsWith('.pt')) {
    const compilable = {
      filename: modelFile,
      data_input_config: { input: shape },
      framework: 'PYTORCH',
    };
    const manifest = { model_graph, compilable_models: [compilable], dataset };
    return {
      manifest,
      stageType,
      runtime: 'dlr',
      modelFile: join(exported, modelFile),
      inputShape: shape,
    };
  }
  const { compilable_models: _, ...kept } = original;
  const manifest = {
    ...kept,
    runtime: 'onnx',
    runtime_artifact: 'model.onnx',
    input_shape: shape,
    dataset: (kept['dataset'] as object | undefined) ?? dataset,
  };
  return {
    manifest,
    stageType,
    runtime: 'onnx',
    modelFile: join(exported, modelFile),
    inputShape: shape,
  };
}

interface Dataset {
  readonly image_width: number;
  readonly image_height: number;
}

async function datasetOf(folder: string, problems: string[]): Promise<Dataset | undefined> {
  let value: unknown;
  try {
    value = parse(await readFile(join(folder, TRAINING_CONFIG), 'utf8'), { maxAliasCount: 10 });
  } catch (error) {
    problems.push(`${TRAINING_CONFIG} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
  const parsed = configSchema.safeParse(value);
  if (parsed.success) {
    const { image_width, image_height } = parsed.data.dataset;
    return { image_width, image_height };
  }
  for (const { path, message } of parsed.error.issues) {
    problems.push(`${TRAINING_CONFIG} ${path.join('.')}: ${message}`);
  }
  return undefined;
}

function compareSizes(
  { image_width, image_height }: Dataset,
  [, , height, width]: readonly number[],
  problems: string[],
): void {
  if (image_width === width && image_height === height) return;
  problems.push(
    `${TRAINING_CONFIG} has pictures of ${image_width}×${image_height}, input_shape is for ${width}×${height}`,
  );
}

async function modelFileOf(exported: string, problems: string[]): Promise<string | undefined> {
  const names: string[] = await readdir(exported).catch(() => []);
  names.sort();
  const models = names.filter((name) => name.endsWith('.pt') || name.endsWith('.onnx'));
  if (models.length === 1) return models[0];
  problems.push(
    `${EXPORT_FOLDER} holds ${models.length === 0 ? 'no model' : models.join(' and ')}, expected one .pt or .onnx file`,
  );
  return undefined;
}
