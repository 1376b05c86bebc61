import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { modelManifestSchema } from '../../contract/model-manifest.ts';
import type { ModelManifest } from '../../contract/model-manifest.ts';
import { packageInvalid } from './package-invalid.ts';
import { variantProblems } from './variant-problems.ts';
import type { AuthoredInput } from './complete-input.ts';

export const MANIFEST_FILE = 'model.json';
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

const DECODERS_OF_TASK: Readonly<
  Record<ModelManifest['task'], readonly ModelManifest['output']['decoder'][]>
> = {
  'object-detection': ['end-to-end-detections', 'yolo-detections'],
  'anomaly-detection': ['anomaly'],
  classification: ['classification'],
  'keypoint-detection': ['movenet', 'yolo-poses'],
};

export interface AuthoredManifest {
  readonly manifest: ModelManifest;
  /** `input` as its author wrote it, without defaults. */
  readonly authored: AuthoredInput;
}

/**
 * `model.json` of the package in `folder`.
 * @throws VedetteError MODEL_PACKAGE_INVALID with every problem in `details.problems`
 */
export async function readManifest(folder: string): Promise<AuthoredManifest> {
  const path = join(folder, MANIFEST_FILE);
  let value: unknown;
  try {
    const { size } = await stat(path);
    if (size > MAX_MANIFEST_BYTES) {
      throw new Error(`it has ${size} bytes, at most ${MAX_MANIFEST_BYTES} are read`);
    }
    value = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    const problem =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `${MANIFEST_FILE} does not exist`
        : `${MANIFEST_FILE} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw packageInvalid(folder, [problem], error);
  }
  const parsed = modelManifestSchema.safeParse(value);
  if (!parsed.success) {
    throw packageInvalid(
      folder,
      parsed.error.issues.flatMap((issue) => describeIssue(issue)),
    );
  }
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

function describeIssue(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): string[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.some((branch) => branch.length > 0)) {
    const branches = issue.errors.map((branch) =>
      branch.flatMap((inner) => describeIssue(inner, path)).join(' and '),
    );
    return [branches.join(', or ')];
  }
  const where = path.map((part, index) =>
    typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`,
  );
  return [`${where.join('') || MANIFEST_FILE}: ${issue.message}`];
}
