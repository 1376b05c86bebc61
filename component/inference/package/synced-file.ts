import { createHash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export { syncFolder } from '../../configuration/write-synced.ts';

/** A file of a package as it was written. */
export interface PackedFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly byteLength: number;
  readonly sha256: string;
}

/**
 * Writes a file that does not exist yet, chunk by chunk, and lets it reach the disk. The folders on
 * the way are made; making *them* last is up to the caller (`syncFolder`).
 */
export async function writeSyncedFile(
  folder: string,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<PackedFile> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  let byteLength = 0;
  const file = await open(target, 'wx', 0o644);
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      byteLength += chunk.byteLength;
      await writeWhole(file, chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { path, byteLength, sha256: hash.digest('hex') };
}

/** At the end of what the file holds, however little the system takes at once. */
export async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, done);
    done += bytesWritten;
  }
}
