import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { ArchiveGuard } from '../../component/inference/package/archive-guard.ts';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import { listZip } from '../../component/inference/package/unpack-zip.ts';
import { writeStoredZip } from './write-stored-zip.ts';
import type { WrittenFile, WrittenZip, ZipSource } from './write-stored-zip.ts';

/** An archive in the publisher's folder, by its content: `<sha256>.zip`. */
export interface PackedArchive {
  readonly file: string;
  /** What it is called where it is published. */
  readonly fileName: string;
  readonly byteLength: number;
  readonly sha256: string;
  readonly files: readonly WrittenFile[];
}

/**
 * Writes an archive under the name of its content and reads it back: its directory with the code that
 * a device unpacks with, its bytes for their digest. Not synced to the disk: whoever comes back to it
 * later compares its digest.
 * @throws VedetteError MODEL_ARCHIVE_INVALID or MODEL_ARCHIVE_TOO_LARGE where a device would refuse it,
 * MODEL_PACKAGE_INVALID when a file changes meanwhile, ARTIFACT_CORRUPT when the disk gives other
 * bytes back; errors of the file system as they are
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
    await readBack(part, fileName, written);
    const file = join(folder, `${written.sha256}.zip`);
    await rename(part, file);
    return { file, fileName, ...written };
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function readBack(
  part: string,
  fileName: string,
  { byteLength, sha256, files }: WrittenZip,
): Promise<void> {
  const listed = await listZip(part, new ArchiveGuard(fileName, byteLength));
  const wanted = files.map(({ path, byteLength: bytes, crc32 }) => `${path} ${bytes} ${crc32}`);
  const found = listed.map(({ path, byteLength: bytes, crc32 }) => `${path} ${bytes} ${crc32}`);
  if (wanted.join('\n') === found.join('\n') && (await sha256Of([part])) === sha256) return;
  throw new VedetteError(
    'ARTIFACT_CORRUPT',
    `${fileName} is not what was written when it is read back`,
  );
}
