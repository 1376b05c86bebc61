import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser } from 'tar';
import type { ReadEntry } from 'tar';
import { VedetteError } from '../../contract/errors.ts';
import type { ArchiveGuard } from './archive-guard.ts';
import { writeSyncedFile } from './synced-file.ts';
import type { PackedFile } from './synced-file.ts';

const FILE_TYPES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile']);
/** Of one extended header (pax, long names). */
const MAX_HEADER_BYTES = 64 * 1024;

/** Unpacks a tar (ustar, pax, GNU names), gzipped or not, entry by entry as it is read. */
export async function unpackTar(
  file: FileHandle,
  folder: string,
  guard: ArchiveGuard,
  isGzipped: boolean,
  signal?: AbortSignal,
): Promise<PackedFile[]> {
  const written: PackedFile[] = [];
  // Entries come one after another: the parser waits until one was read.
  let work = Promise.resolve();
  let current: ReadEntry | undefined;
  let failure: { readonly error: unknown } | undefined;
  async function* content(entry: ReadEntry): AsyncGenerator<Uint8Array> {
    const chunks = entry[Symbol.asyncIterator]();
    for (;;) {
      if (failure) throw failure.error;
      const next = await chunks.next();
      if (next.done) return;
      yield next.value;
    }
  }
  const parser = new Parser({
    strict: true,
    maxMetaEntrySize: MAX_HEADER_BYTES,
    onReadEntry: (entry) => {
      work = work.then(() => take(entry));
      work.catch((error: Error) => parser.abort(error));
    },
  });
  const take = async (entry: ReadEntry): Promise<void> => {
    const isFolder = entry.type === 'Directory';
    if (!isFolder && !FILE_TYPES.has(entry.type)) {
      throw guard.invalid(`'${entry.path}' is a link or a special file, only files are read`);
    }
    const path = guard.admit(entry.path, isFolder);
    if (path === undefined) {
      entry.resume();
      return;
    }
    current = entry;
    written.push(await writeSyncedFile(folder, path, content(entry)));
    current = undefined;
  };
  const ended = once(parser, 'end');
  // Its rejection is seen below; the parser may tell the same error more than once.
  ended.catch(() => undefined);
  parser.on('error', (error: unknown) => {
    failure ??= { error };
  });
  // What the parser would leave out: sparse files, headers beyond the limit, kinds of one vendor.
  parser.on('ignoredEntry', ({ path, type, size, meta }: ReadEntry) => {
    const what = meta
      ? `is a header (${type}) of ${size} bytes, at most ${MAX_HEADER_BYTES} are read`
      : `is of the kind ${type}, only plain files are read`;
    parser.abort(guard.invalid(`'${path}' ${what}`));
  });
  const source = file.createReadStream({ start: 0, autoClose: false });
  const feed = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      guard.count(chunk.length);
      const isFlowing = parser.write(chunk);
      // Once aborted it takes nothing more, and never drains.
      if (failure) throw failure.error;
      if (!isFlowing) await once(parser, 'drain');
    }
    parser.end();
    await ended;
  };
  const options = signal ? { signal } : {};
  try {
    await (isGzipped
      ? pipeline(source, createGunzip(), feed, options)
      : pipeline(source, feed, options));
    await work;
  } catch (thrown) {
    // The rest of the entry that is being read never comes.
    failure = { error: thrown };
    current?.destroy();
    const own = await work.then(
      () => undefined,
      (error: unknown) => error,
    );
    const error = own instanceof VedetteError || isSystemError(own) ? own : thrown;
    if (error instanceof VedetteError || isSystemError(error)) throw error;
    signal?.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    throw guard.invalid(`it is damaged or cut short (${text})`, error);
  }
  return written;
}

/** Of the file system (a full disk), not of the archive. */
const isSystemError = (error: unknown): boolean =>
  error instanceof Error && 'errno' in error && 'syscall' in error;
