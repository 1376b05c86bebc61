import type { ModelManifest } from '../../contract/model-manifest.ts';
import { insideFile, sha256Of } from './package-files.ts';

/** Compares every file of the manifest's `files` with its sha256; what differs is pushed. */
export async function checkFileSums(
  root: string,
  { files }: Pick<ModelManifest, 'files'>,
  problems: string[],
): Promise<void> {
  for (const [name, expected] of Object.entries(files ?? {})) {
    const path = await insideFile(root, name, 'files', problems);
    if (!path) continue;
    const found = await sha256Of([path]);
    if (found !== expected) {
      problems.push(`files: sha256 of '${name}' is ${found}, expected ${expected}`);
    }
  }
}
