import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DDA_MANIFEST_FILE } from './dda-manifest.ts';
import { MANIFEST_FILE } from './read-manifest.ts';

/**
 * The folder of an unpacked archive that is the package: where `model.json` lies (or
 * DDA's `manifest.json`), be it at the top or
 * in the only folder there, as when a folder was packed together with its name.
 */
export async function packageRoot(folder: string): Promise<string> {
  if (await hasManifest(folder)) return folder;
  const [only, ...others] = await readdir(folder, { withFileTypes: true });
  if (!only?.isDirectory() || others.length > 0) return folder;
  const inner = join(folder, only.name);
  return (await hasManifest(inner)) ? inner : folder;
}

export async function hasManifest(folder: string): Promise<boolean> {
  for (const name of [MANIFEST_FILE, DDA_MANIFEST_FILE]) {
    const isFile = await stat(join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile) return true;
  }
  return false;
}
