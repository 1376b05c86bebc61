import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { packageInvalid } from './package-invalid.ts';

const MAX_BYTES = 16 * 1024 * 1024;

/** A JSON file of a package, or `undefined` when there is none. @throws VedetteError MODEL_PACKAGE_INVALID */
export async function readJson(folder: string, file: string): Promise<unknown> {
  const path = join(folder, file);
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, at most ${MAX_BYTES} are read`);
    return JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw packageInvalid(folder, [`${file} cannot be read: ${why}`], error);
  }
}

/** Everything that is wrong with a value, each with its path; `file` stands for the whole. */
export const describeIssues = (error: z.ZodError, file: string): string[] =>
  error.issues.flatMap((issue) => describeIssue(issue, file));

function describeIssue(
  issue: z.core.$ZodIssue,
  file: string,
  prefix: readonly PropertyKey[] = [],
): string[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.some((branch) => branch.length > 0)) {
    const branches = issue.errors.map((branch) =>
      branch.flatMap((inner) => describeIssue(inner, file, path)).join(' and '),
    );
    return [branches.join(', or ')];
  }
  const where = path.map((part, index) =>
    typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`,
  );
  return [`${where.join('') || file}: ${issue.message}`];
}
