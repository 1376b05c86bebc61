import { modelManifestSchema } from '../../contract/model-manifest.ts';
import type { ModelManifest } from '../../contract/model-manifest.ts';
import { DDA_MANIFEST_FILE, fromDdaManifest } from './dda-manifest.ts';
import type { PackageIdentity } from './dda-manifest.ts';
import { packageInvalid } from './package-invalid.ts';
import { describeIssues, readJson } from './read-json.ts';
import { variantProblems } from './variant-problems.ts';
import type { AuthoredInput } from './complete-input.ts';

export const MANIFEST_FILE = 'model.json';

const DECODERS_OF_TASK: Readonly<
  Record<ModelManifest['task'], readonly ModelManifest['output']['decoder'][]>
> = {
  'object-detection': [
    'end-to-end-detections',
    'yolo-detections',
    'rf-detr',
    'yolo-oriented-boxes',
    'end-to-end-oriented-boxes',
    'yolox',
    'rt-detr',
    'labelled-boxes',
    'scored-boxes',
  ],
  'anomaly-detection': ['anomaly', 'multi-head-anomaly'],
  classification: ['classification'],
  'keypoint-detection': ['movenet', 'yolo-poses', 'end-to-end-poses', 'heatmaps'],
  'instance-segmentation': ['yolo-segments', 'end-to-end-segments', 'mask-rcnn'],
  'semantic-segmentation': ['semantic-segmentation'],
  embedding: ['embedding'],
  tensors: ['tensors'],
  'text-detection': ['text-detection'],
  'text-direction': ['text-direction'],
  'text-recognition': ['text-recognition'],
};

export interface AuthoredManifest {
  readonly manifest: ModelManifest;
  /** `input` as its author wrote it, without defaults. */
  readonly authored: AuthoredInput;
}

/**
 * `model.json` of the package in `folder`, or, where that does not exist, DDA's `manifest.json`.
 * @param identity name and version of a DDA package, which does not know its own
 * @throws VedetteError MODEL_PACKAGE_INVALID with every problem in `details.problems`,
 * MODEL_RUNTIME_UNSUPPORTED for a DDA package that is not ONNX
 */
export async function readManifest(
  folder: string,
  identity?: PackageIdentity,
): Promise<AuthoredManifest> {
  const value = await readJson(folder, MANIFEST_FILE);
  if (value === undefined) {
    const dda = await readJson(folder, DDA_MANIFEST_FILE);
    if (dda !== undefined) return parse(folder, await fromDdaManifest(folder, dda, identity));
    throw packageInvalid(folder, [`${MANIFEST_FILE} does not exist`]);
  }
  return parse(folder, value);
}

function parse(folder: string, value: unknown): AuthoredManifest {
  const parsed = modelManifestSchema.safeParse(value);
  if (!parsed.success) throw packageInvalid(folder, describeIssues(parsed.error, MANIFEST_FILE));
  const manifest = parsed.data;
  const problems = contradictions(manifest);
  if (problems.length > 0) throw packageInvalid(folder, problems);
  const { input } = value as { input?: AuthoredInput };
  return { manifest, authored: input ?? {} };
}

/** What the schema cannot say: variants taken for each other, a decoder that is not the task's. */
function contradictions(manifest: ModelManifest): string[] {
  const problems = variantProblems(manifest.variants);
  const decoders = DECODERS_OF_TASK[manifest.task];
  if (!decoders.includes(manifest.output.decoder)) {
    const names = decoders.map((decoder) => `'${decoder}'`).join(' or ');
    problems.push(
      `output.decoder is '${manifest.output.decoder}', task '${manifest.task}' needs ${names}`,
    );
  }
  return problems;
}
