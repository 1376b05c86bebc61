import { createReadStream } from 'node:fs';
import { readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { VedetteError } from '../../contract/errors.ts';
import { PACKAGE_ARCHIVE_LIMITS } from '../../contract/package-archive-limits.ts';
import { insideFile } from '../package/package-files.ts';
import { packageInvalid } from '../package/package-invalid.ts';
import { packageRoot } from '../package/package-root.ts';
import { writeSyncedFile } from '../package/synced-file.ts';
import type { PackedFile } from '../package/synced-file.ts';
import { unpackArchive } from '../package/unpack-archive.ts';

/**
 * Copies a package, a folder or an archive, into `target`, which does not exist yet. Every file is on
 * the disk when it settles.
 * @throws VedetteError NOT_FOUND, MODEL_ARCHIVE_…, MODEL_PACKAGE_INVALID for a link that leads out
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
  const { maxFiles, maxBytes } = PACKAGE_ARCHIVE_LIMITS;
  const problems: string[] = [];
  const wanted: { path: string; real: string }[] = [];
  let bytes = 0;
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = relative(source, join(entry.parentPath, entry.name));
    const real = await insideFile(source, path, 'files', problems);
    if (!real) continue;
    wanted.push({ path, real });
    bytes += (await stat(real)).size;
    if (wanted.length > maxFiles || bytes > maxBytes) {
      throw new VedetteError(
        'MODEL_ARCHIVE_TOO_LARGE',
        `model package ${source} has more than ${maxFiles} files or ${maxBytes} bytes`,
        { details: { folder: source } },
      );
    }
  }
  if (problems.length > 0) throw packageInvalid(source, problems);
  const files: PackedFile[] = [];
  for (const { path, real } of wanted.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    signal?.throwIfAborted();
    files.push(await writeSyncedFile(target, path, createReadStream(real)));
  }
  return files;
}
