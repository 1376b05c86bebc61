import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { ArchiveGuard } from '../../component/inference/package/archive-guard.ts';
import { readZip } from '../../component/inference/package/unpack-zip.ts';
import { writeStoredZip } from './write-stored-zip.ts';
import type { ZipSource } from './write-stored-zip.ts';

export interface ArchivedFile {
  readonly path: string;
  readonly byteLength: number;
  readonly sha256: string;
}

/** An archive in the publisher's folder, by its content: `<sha256>.zip`. */
export interface PackedArchive {
  readonly file: string;
  /** What it is called where it is published. */
  readonly fileName: string;
  readonly byteLength: number;
  readonly sha256: string;
  readonly files: readonly ArchivedFile[];
}

/**
 * Writes an archive under the name of its content and reads it back with the code that a device
 * unpacks with. Not synced to the disk: whoever comes back to it later compares its digest.
 * @throws VedetteError MODEL_ARCHIVE_INVALID or MODEL_ARCHIVE_TOO_LARGE where a device would refuse it,
 * MODEL_PACKAGE_INVALID when a file changes meanwhile; errors of the file system as they are
 */
export async function packArchive(
  folder: string,
  fileName: string,
  sources: readonly ZipSource[],
  signal?: AbortSignal,
): Promise<PackedArchive> {
  await mkdir(folder, { recursive: true });
  const part = join(folder, `${randomUUID()}.part`);
  try {
    const written = await writeStoredZip(part, sources, signal);
    const files = await readZip(
      part,
      new ArchiveGuard(fileName, written.byteLength),
      digestOf,
      signal,
    );
    if (files.length !== sources.length) {
      throw new VedetteError(
        'MODEL_ARCHIVE_INVALID',
        `${fileName} holds ${files.length} files, ${sources.length} were packed`,
      );
    }
    const file = join(folder, `${written.sha256}.zip`);
    await rename(part, file);
    return { file, fileName, ...written, files };
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function digestOf(path: string, chunks: AsyncIterable<Uint8Array>): Promise<ArchivedFile> {
  const hash = createHash('sha256');
  let byteLength = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    byteLength += chunk.byteLength;
  }
  return { path, byteLength, sha256: hash.digest('hex') };
}
