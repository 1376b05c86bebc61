import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ArchiveGuard } from './archive-guard.ts';
import type { PackedFile } from './synced-file.ts';
import { unpackTar } from './unpack-tar.ts';
import { unpackZip } from './unpack-zip.ts';

type ArchiveKind = 'zip' | 'tar' | 'tar.gz';

/**
 * Unpacks an archive of a model package (zip, tar or tar.gz, told by its first bytes) within
 * PACKAGE_ARCHIVE_LIMITS. Memory does not depend on its size.
 * @param folder made by this call, and removed again when the archive is refused
 * @returns every file, synced to the disk
 * @throws VedetteError MODEL_ARCHIVE_INVALID, MODEL_ARCHIVE_TOO_LARGE; errors of the file system as
 * they are
 */
export async function unpackArchive(
  archive: string,
  folder: string,
  signal?: AbortSignal,
): Promise<PackedFile[]> {
  const file = await openFile(archive);
  try {
    const guard = new ArchiveGuard(archive, (await file.stat()).size);
    const kind = await kindOf(file);
    if (!kind) throw guard.invalid('it is no zip, tar or tar.gz');
    const files =
      kind === 'zip'
        ? await unpackZip(archive, folder, guard, signal)
        : await unpackTar(file, folder, guard, kind === 'tar.gz', signal);
    if (files.length === 0) throw guard.invalid('it holds no file');
    return files;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Whether a file begins as an archive of a kind that can be unpacked. */
export async function isArchive(path: string): Promise<boolean> {
  const file = await openFile(path);
  try {
    return (await kindOf(file)) !== undefined;
  } finally {
    await file.close();
  }
}

/** A pipe would be waited for without an end, a device read without one. */
async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isFile()) return file;
  await file.close();
  throw new ArchiveGuard(path, 0).invalid('it is no regular file');
}

async function kindOf(file: FileHandle): Promise<ArchiveKind | undefined> {
  const head = Buffer.alloc(512);
  await file.read(head, 0, head.length, 0);
  if (head[0] === 0x1f && head[1] === 0x8b) return 'tar.gz';
  const start = head.toString('latin1', 0, 4);
  if (start === 'PK\x03\x04' || start === 'PK\x05\x06') return 'zip';
  return head.toString('latin1', 257, 262) === 'ustar' ? 'tar' : undefined;
}
