import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { VedetteError } from '../../component/contract/errors.ts';
import { writeWhole } from '../../component/inference/package/synced-file.ts';
import { directory, localHeader } from './zip-records.ts';
import type { StoredEntry } from './zip-records.ts';

/** What becomes an entry: a file on disk, or bytes made here such as a manifest. */
export interface ZipSource {
  /** Path in the archive, with `/`. */
  readonly path: string;
  readonly content: { readonly file: string } | { readonly bytes: Uint8Array };
}

export interface WrittenFile {
  readonly path: string;
  readonly byteLength: number;
  readonly crc32: number;
  readonly sha256: string;
}

export interface WrittenZip {
  readonly byteLength: number;
  readonly sha256: string;
  /** In the order of the archive. */
  readonly files: readonly WrittenFile[];
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Writes a zip whose bytes depend on paths and contents alone: entries in the order of their paths'
 * bytes, no times, no modes, no extra fields below 4 GiB. Entries are stored: what deflate gives
 * differs between builds of zlib and processors, and costs ten times the time of hashing and copying.
 * Each file is read twice, because its CRC-32 stands before its bytes: readers that stream, such as
 * Java's, accept a sum behind the bytes for deflated entries only.
 * @param target made by this call; removed again when it fails
 * @throws VedetteError MODEL_PACKAGE_INVALID when a file changes while it is packed; errors of the
 * file system as they are
 */
export async function writeStoredZip(
  target: string,
  sources: readonly ZipSource[],
  signal?: AbortSignal,
): Promise<WrittenZip> {
  const ordered = sources.toSorted((a, b) =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)),
  );
  const output = new HashedFile(await open(target, 'wx', 0o644));
  try {
    const entries: StoredEntry[] = [];
    const files: WrittenFile[] = [];
    for (const source of ordered) {
      const { path } = source;
      const { sha256, ...sum } = await checksum(source, signal);
      files.push({ path, ...sum, sha256 });
      entries.push({ path, ...sum, offset: output.byteLength });
      await output.write(localHeader({ path, ...sum }));
      const copied = await copy(source, output, signal);
      if (copied.byteLength !== sum.byteLength || copied.crc32 !== sum.crc32) {
        throw new VedetteError(
          'MODEL_PACKAGE_INVALID',
          `'${source.path}' changed while it was packed`,
        );
      }
    }
    await output.write(directory(entries, output.byteLength));
    return { ...(await output.finish()), files };
  } catch (error) {
    await output.close();
    await rm(target, { force: true });
    throw error;
  }
}

interface Sum {
  readonly byteLength: number;
  readonly crc32: number;
}

async function checksum(
  source: ZipSource,
  signal?: AbortSignal,
): Promise<Sum & { readonly sha256: string }> {
  const hash = createHash('sha256');
  let sum: Sum = { byteLength: 0, crc32: 0 };
  for await (const chunk of chunksOf(source, signal)) {
    hash.update(chunk);
    sum = counted(sum, chunk);
  }
  return { ...sum, sha256: hash.digest('hex') };
}

/** The next chunk is read and the last one written while this one is hashed. */
async function copy(source: ZipSource, output: HashedFile, signal?: AbortSignal): Promise<Sum> {
  let sum: Sum = { byteLength: 0, crc32: 0 };
  for await (const chunk of chunksOf(source, signal)) {
    sum = counted(sum, chunk);
    await output.write(chunk);
  }
  await output.flush();
  return sum;
}

const counted = (sum: Sum, chunk: Uint8Array): Sum => ({
  byteLength: sum.byteLength + chunk.byteLength,
  crc32: crc32(chunk, sum.crc32),
});

/** Chunks are good until the one after the next is asked for: two buffers take turns. */
async function* chunksOf(
  { content }: ZipSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if ('bytes' in content) {
    yield content.bytes;
    return;
  }
  const buffers = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)] as const;
  const file = await open(content.file, 'r');
  try {
    for (let turn = 0; ; turn = 1 - turn) {
      signal?.throwIfAborted();
      const buffer = buffers[turn as 0 | 1];
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** A file that is hashed as it is written, one write at a time behind the hash. */
class HashedFile {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #pending: Promise<void> = Promise.resolve();
  byteLength = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#pending;
    this.byteLength += bytes.byteLength;
    this.#pending = writeWhole(this.#file, bytes);
    // Told of by the next write or flush.
    this.#pending.catch(() => undefined);
    this.#hash.update(bytes);
  }

  async flush(): Promise<void> {
    await this.#pending;
  }

  async finish(): Promise<Omit<WrittenZip, 'files'>> {
    await this.#pending;
    await this.#file.close();
    return { byteLength: this.byteLength, sha256: this.#hash.digest('hex') };
  }

  /** After a failure: nothing of it is kept, so that a second one says nothing new. */
  async close(): Promise<void> {
    await this.#pending.catch(() => undefined);
    await this.#file.close();
  }
}
