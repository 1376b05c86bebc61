import type { ModelManifestInput } from '../../contract/model-manifest.ts';
import { isUltralytics } from './model-metadata.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import { KNOWN_OUTPUTS, recogniseFamily } from './recognise-family.ts';
import type { RecognisedFamily } from './recognised-family.ts';

export interface ManifestSuggestion {
  readonly manifest: ModelManifestInput;
  /** What was guessed and must be looked at by someone who knows how the model was trained. */
  readonly guesses: readonly string[];
}

export const TASKS_WITHOUT_LABELS: ReadonlySet<ModelManifestInput['task']> = new Set([
  'anomaly-detection',
  'keypoint-detection',
  'text-detection',
  'text-direction',
  'embedding',
  'tensors',
]);

/** Results tell what comes out, and people can see what it may mean. */
export const UNKNOWN_FAMILY: RecognisedFamily = {
  task: 'tensors',
  output: { decoder: 'tensors' },
  guesses: [
    `the outputs are of no family that Vedette decodes, so that results only tell of them: expected ${KNOWN_OUTPUTS}`,
  ],
};

/**
 * A `model.json` for a bare ONNX file, from its outputs and metadata; `otherwise`, or `undefined`, when
 * its outputs are of no family that a decoder exists for.
 */
export function suggestManifest(
  fileName: string,
  structure: OnnxStructure,
  metadata: ModelMetadata,
  otherwise?: RecognisedFamily,
): ManifestSuggestion | undefined {
  const family = recogniseFamily(structure, metadata) ?? otherwise;
  const input = structure.inputs.find(({ shape }) => shape.length >= 3);
  if (!family || !input) return undefined;
  const guesses = [...family.guesses];
  if (family.input) {
    guesses.push("input is what the family's public models want");
  } else if (isUltralytics(metadata)) {
    guesses.push("input is filled in as Ultralytics' models want it");
  } else if (input.dtype.startsWith('float')) {
    guesses.push('input.scale 1/255, mean 0, std 1: take the values of the training');
    guesses.push("input.resize 'stretch': take what the training used");
  }
  if (!family.input?.colourOrder) guesses.push("input.colourOrder 'rgb'");
  if (!TASKS_WITHOUT_LABELS.has(family.task) && !metadata.labels) {
    const what = family.task === 'text-recognition' ? 'character' : 'label';
    guesses.push(`labels are missing: add a text file with one ${what} a line`);
  }
  return {
    manifest: {
      schemaVersion: 1,
      name: packageName(fileName),
      version: '1.0.0',
      task: family.task,
      variants: [{ name: 'fp32', file: fileName }],
      ...(family.input ? { input: family.input } : {}),
      output: family.output,
    },
    guesses,
  };
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
