import { realpath } from 'node:fs/promises';
import { VedetteError } from '../../contract/errors.ts';
import type {
  ExecutionProvider,
  ModelManifest,
  ModelVariant,
} from '../../contract/model-manifest.ts';
import type { TensorDeclaration, TensorSpec } from '../../contract/tensor.ts';
import { createDecoder } from '../../decode/create-decoder.ts';
import { checkLabels } from './check-labels.ts';
import { checkFileSums } from './check-file-sums.ts';
import { completeInput } from './complete-input.ts';
import type { AuthoredInput } from './complete-input.ts';
import type { SizeInput } from './pick-inputs.ts';
import { completeOutput } from './complete-output.ts';
import type { PackageIdentity } from './dda-manifest.ts';
import { findExternalFiles } from './find-external-files.ts';
import { readModelMetadata } from './model-metadata.ts';
import type { ModelMetadata } from './model-metadata.ts';
import { fixedBatch, itemDeclarations } from './graph-batch.ts';
import { insideFile, sha256Of } from './package-files.ts';
import { packageInvalid } from './package-invalid.ts';
import { pickVariant } from './pick-variant.ts';
import type { PreferredVariant } from './pick-variant.ts';
import { readEnrolled } from './read-enrolled.ts';
import { readLabels } from './read-labels.ts';
import { readManifest } from './read-manifest.ts';
import type { AuthoredManifest } from './read-manifest.ts';
import { readOnnx } from './read-onnx.ts';
import type { OnnxStructure } from './read-onnx.ts';

/** A model package that was read and found free of contradictions. */
export interface ModelPackage {
  /** Absolute path of the folder, links resolved. */
  readonly folder: string;
  /** As written, with `output` completed from the ONNX file. */
  readonly manifest: ModelManifest;
  readonly variant: ModelVariant;
  /** Why this variant was taken. */
  readonly variantReason: string;
  /** Absolute path of the variant's ONNX file. */
  readonly modelFile: string;
  /**
   * sha256 of the ONNX file, followed by those that hold its weights, in the order of their names,
   * when there are any. Always computed.
   */
  readonly sha256: string;
  /** By class index; empty when the model has none. */
  readonly labels: readonly string[];
  /** How a picture becomes the input tensor. */
  readonly spec: TensorSpec;
  /** Sides of the input follow the picture in multiples of this, up to those of `spec`. */
  readonly sizeMultiple?: number;
  /** Name of the graph input that takes the picture. */
  readonly inputName: string;
  /** Whether that input has a batch dimension before the picture's three. */
  readonly isBatched: boolean;
  /** The graph input that is told width and height of `spec`, where there is one. */
  readonly sizeInput?: SizeInput | undefined;
  /** Absolute path of the file of enrolled vectors, where the model is compared with some. */
  readonly enrolledFile?: string | undefined;
  readonly declarations: {
    readonly inputs: readonly TensorDeclaration[];
    readonly outputs: readonly TensorDeclaration[];
  };
  readonly structure: OnnxStructure;
  /** `input` as its author wrote it: the rest of `spec` comes from the file or is assumed. */
  readonly authored: AuthoredInput;
}

export interface ReadOptions {
  /** Name and version of a DDA package, which does not know its own. */
  readonly identity?: PackageIdentity | undefined;
  /** Taken when no variant is named. */
  readonly preferred?: PreferredVariant | undefined;
  /** Execution providers that are configured, the CPU among them; the CPU alone when absent. */
  readonly providers?: readonly ExecutionProvider[] | undefined;
}

/** Ultralytics' tasks, and the task of Vedette that runs such an export. */
const TASK_OF_METADATA: Readonly<Record<string, ModelManifest['task']>> = {
  detect: 'object-detection',
  segment: 'instance-segmentation',
  classify: 'classification',
  pose: 'keypoint-detection',
  obb: 'object-detection',
};

/**
 * Reads a model package: `model.json`, the ONNX file's structure, labels and golden pictures' files.
 * Weights are hashed, not loaded; nothing is run.
 * @param variantName the variant; the first one that is for this machine when absent
 * @throws VedetteError MODEL_PACKAGE_INVALID with every problem at once, MODEL_FILE_INVALID,
 * MODEL_MISMATCH naming the contradicting fields
 */
export async function readPackage(
  folder: string,
  variantName?: string,
  { identity, preferred, providers }: ReadOptions = {},
): Promise<ModelPackage> {
  const root = await realFolder(folder);
  return completePackage(
    root,
    await readManifest(root, identity),
    variantName,
    preferred,
    providers,
  );
}

/** The same for a manifest that was read or made already; `root` must be a real path. */
export async function completePackage(
  root: string,
  { manifest, authored }: AuthoredManifest,
  variantName?: string,
  preferred?: PreferredVariant,
  providers?: readonly ExecutionProvider[],
): Promise<ModelPackage> {
  const problems: string[] = [];
  const choice = pickVariant(manifest, variantName, problems, preferred, providers);
  const variant = choice?.variant;
  const modelFile = variant && (await insideFile(root, variant.file, 'variants', problems));
  const fileLabels = await labelsOf(root, manifest, problems);
  for (const [index, golden] of manifest.golden.entries()) {
    await insideFile(root, golden.image, `golden[${index}].image`, problems);
  }
  const enrolledFile = await enrolledFileOf(root, manifest, problems);
  const enrolled = enrolledFile
    ? await readEnrolled(enrolledFile, 'enrolled', problems)
    : undefined;
  await checkFileSums(root, manifest, problems);
  if (!choice || !variant || !modelFile) throw packageInvalid(root, problems);

  const structure = await readOnnx(modelFile);
  const weights = await findExternalFiles(root, variant.file, structure.externalFiles, problems);
  const metadata = readModelMetadata(structure.metadata);
  checkMetadata(manifest, fileLabels, metadata, problems);
  const sha256 = await sha256Of([modelFile, ...weights]);
  if (variant.sha256 !== undefined && variant.sha256 !== sha256) {
    problems.push(`variants: sha256 of '${variant.file}' is ${sha256}, expected ${variant.sha256}`);
  }
  if (problems.length > 0) throw packageInvalid(root, problems);

  const labels = enrolled?.labels ?? fileLabels ?? metadata.labels ?? [];
  checkFollowing(manifest);
  const input = completeInput(manifest.input, authored, structure, metadata);
  const output = completeOutput(manifest.output, structure, metadata);
  const batch = fixedBatch(structure.inputs, input.name);
  createDecoder(output, itemDeclarations(structure.outputs, batch), {
    labels,
    spec: input.spec,
    enrolled,
  });
  return {
    folder: root,
    manifest: { ...manifest, output },
    variant,
    variantReason: choice.reason,
    modelFile,
    sha256,
    labels,
    spec: input.spec,
    ...(input.sizeMultiple === undefined ? {} : { sizeMultiple: input.sizeMultiple }),
    inputName: input.name,
    isBatched: input.isBatched,
    sizeInput: input.sizeInput,
    enrolledFile,
    declarations: { inputs: structure.inputs, outputs: structure.outputs },
    structure,
    authored,
  };
}

/** Decoders that do not rely on the size of the input being that of the manifest. */
const FOLLOWING: readonly string[] = ['text-detection', 'text-recognition', 'text-direction'];

function checkFollowing({ input, output }: ModelManifest): void {
  if (input.sizeMultiple === undefined || FOLLOWING.includes(output.decoder)) return;
  throw new VedetteError(
    'MODEL_MISMATCH',
    `input.sizeMultiple is set, but decoder '${output.decoder}' wants an input of one size; it is for ${FOLLOWING.join(', ')}`,
  );
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    throw packageInvalid(folder, ['the folder does not exist or cannot be read'], error);
  }
}

async function enrolledFileOf(
  root: string,
  { output, labels }: ModelManifest,
  problems: string[],
): Promise<string | undefined> {
  if (output.decoder !== 'embedding' || output.enrolled === undefined) return undefined;
  if (labels !== undefined) {
    problems.push('labels: leave it out, the enrolled vectors of output.enrolled have labels');
  }
  return insideFile(root, output.enrolled, 'output.enrolled', problems);
}

async function labelsOf(
  root: string,
  manifest: ModelManifest,
  problems: string[],
): Promise<readonly string[] | undefined> {
  if (manifest.labels === undefined) return undefined;
  if (typeof manifest.labels !== 'string') return manifest.labels;
  const file = await insideFile(root, manifest.labels, 'labels', problems);
  const areCharacters = manifest.output.decoder === 'text-recognition';
  return file ? readLabels(file, manifest.labels, problems, { areCharacters }) : undefined;
}

function checkMetadata(
  manifest: ModelManifest,
  labels: readonly string[] | undefined,
  metadata: ModelMetadata,
  problems: string[],
): void {
  if (labels && metadata.labels && labels.length !== metadata.labels.length) {
    const from = typeof manifest.labels === 'string' ? manifest.labels : 'labels';
    problems.push(
      `${from} has ${labels.length} labels, the ONNX file's metadata names ${metadata.labels.length} classes`,
    );
  } else if (labels && metadata.labels) {
    checkLabels(labels, metadata.labels);
  }
  const { task } = metadata;
  if (task !== undefined && task in TASK_OF_METADATA && TASK_OF_METADATA[task] !== manifest.task) {
    throw new VedetteError(
      'MODEL_MISMATCH',
      `task is '${manifest.task}', the ONNX file's metadata says '${task}'`,
      { details: { task: manifest.task, metadataTask: task } },
    );
  }
}
