import type { ModelManifestInput } from '../../contract/model-manifest.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';

export interface ManifestSuggestion {
  readonly manifest: ModelManifestInput;
  /** What was guessed and must be looked at by someone who knows how the model was trained. */
  readonly guesses: readonly string[];
}

/**
 * A `model.json` for a bare ONNX file, from its outputs and metadata; `undefined` when its outputs
 * are of no family that a decoder exists for.
 */
export function suggestManifest(
  fileName: string,
  structure: OnnxStructure,
  metadata: ModelMetadata,
): ManifestSuggestion | undefined {
  const output = suggestOutput(structure);
  const [input] = structure.inputs;
  if (!output || !input || structure.inputs.length > 1) return undefined;
  const guesses: string[] = [];
  const isUltralytics = metadata.stride !== undefined;
  if (isUltralytics) {
    guesses.push("input.resize 'letterbox' with scale 1/255, as Ultralytics' models want it");
  } else if (input.dtype === 'float32') {
    guesses.push('input.scale 1/255, mean 0, std 1: take the values of the training');
    guesses.push("input.resize 'stretch': take what the training used");
  }
  guesses.push("input.colourOrder 'rgb'");
  if (output.task === 'object-detection' && !metadata.labels) {
    guesses.push('labels are missing: add a text file with one label a line');
  }
  return {
    manifest: {
      schemaVersion: 1,
      name: packageName(fileName),
      version: '1.0.0',
      task: output.task,
      variants: [{ name: 'fp32', file: fileName }],
      ...(isUltralytics ? { input: { resize: 'letterbox' as const } } : {}),
      output: output.output,
    },
    guesses,
  };
}

function suggestOutput(
  structure: OnnxStructure,
): Pick<ModelManifestInput, 'task' | 'output'> | undefined {
  const { outputs } = structure;
  if (outputs.some(({ name }) => name === 'pred_score')) {
    return { task: 'anomaly-detection', output: { decoder: 'anomaly' } };
  }
  const [only] = outputs;
  const isDetections =
    outputs.length === 1 &&
    only?.dtype === 'float32' &&
    only.shape.at(-1) === 6 &&
    (only.shape.length === 2 || only.shape.length === 3);
  if (!isDetections) return undefined;
  return { task: 'object-detection', output: { decoder: 'end-to-end-detections' } };
}

function packageName(fileName: string): string {
  const name = fileName
    .replace(/\.onnx$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64)
    .replace(/-+$/, '');
  return name || 'model';
}
