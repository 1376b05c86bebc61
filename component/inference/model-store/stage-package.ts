import { createReadStream } from 'node:fs';
import { opendir, realpath, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { VedetteError } from '../../contract/errors.ts';
import { PACKAGE_ARCHIVE_LIMITS } from '../../contract/package-archive-limits.ts';
import { insideFile } from '../package/package-files.ts';
import { packageInvalid } from '../package/package-invalid.ts';
import { hasManifest, packageRoot } from '../package/package-root.ts';
import { MANIFEST_FILE } from '../package/read-manifest.ts';
import { writeSyncedFile } from '../package/synced-file.ts';
import type { PackedFile } from '../package/synced-file.ts';
import { unpackArchive } from '../package/unpack-archive.ts';

/**
 * Copies a package, a folder or an archive, into `target`, which does not exist yet. Every file is on
 * the disk when it settles.
 * @throws VedetteError NOT_FOUND, MODEL_ARCHIVE_…, MODEL_PACKAGE_INVALID for a folder without a
 * manifest, before anything of it is copied, and for a link that leads out
 */
export async function stagePackage(
  source: string,
  target: string,
  signal?: AbortSignal,
): Promise<PackedFile[]> {
  const found = await stat(source).catch((cause: unknown) => {
    throw new VedetteError('NOT_FOUND', `there is no model package at ${source}`, { cause });
  });
  if (found.isDirectory()) return copyFolder(await realpath(source), target, signal);
  const unpacked = `${target}.unpacked`;
  const files = await unpackArchive(source, unpacked, signal);
  const root = await packageRoot(unpacked);
  await rename(root, target);
  // Still there, and empty, when the package was a folder in it.
  await rm(unpacked, { recursive: true, force: true });
  const prefix = relative(unpacked, root);
  const skipped = prefix === '' ? 0 : prefix.length + 1;
  return files.map((file) => ({ ...file, path: file.path.slice(skipped) }));
}

async function copyFolder(
  source: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<PackedFile[]> {
  if (!(await hasManifest(source))) {
    throw packageInvalid(source, [`${MANIFEST_FILE} does not exist`]);
  }
  const { maxBytes } = PACKAGE_ARCHIVE_LIMITS;
  const problems: string[] = [];
  const wanted: { path: string; real: string }[] = [];
  let bytes = 0;
  for (const path of await filesBelow(source, signal)) {
    signal?.throwIfAborted();
    const real = await insideFile(source, path, 'files', problems);
    if (!real) continue;
    wanted.push({ path, real });
    bytes += (await stat(real)).size;
    if (bytes > maxBytes) throw tooLarge(source, `${maxBytes} bytes`);
  }
  if (problems.length > 0) throw packageInvalid(source, problems);
  const files: PackedFile[] = [];
  for (const { path, real } of wanted.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    signal?.throwIfAborted();
    files.push(await writeSyncedFile(target, path, createReadStream(real)));
  }
  return files;
}

/** Paths in the folder of everything that is no folder; links are not followed. */
async function filesBelow(source: string, signal: AbortSignal | undefined): Promise<string[]> {
  const { maxFiles, maxDepth } = PACKAGE_ARCHIVE_LIMITS;
  const files: string[] = [];
  const folders = [''];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of await opendir(join(source, folder))) {
      signal?.throwIfAborted();
      entries += 1;
      if (entries > maxFiles) throw tooLarge(source, `${maxFiles} files and folders`);
      const path = join(folder, entry.name);
      if (path.split('/').length > maxDepth) {
        throw tooLarge(source, `${maxDepth} names in a path, such as ${path}`);
      }
      (entry.isDirectory() ? folders : files).push(path);
    }
  }
  return files;
}

const tooLarge = (folder: string, what: string): VedetteError =>
  new VedetteError('MODEL_ARCHIVE_TOO_LARGE', `model package ${folder} has more than ${what}`, {
    details: { folder },
  });
