import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import type { VedetteError } from '../../contract/errors.ts';
import type { ArchiveGuard } from './archive-guard.ts';
import { writeSyncedFile } from './synced-file.ts';
import type { PackedFile } from './synced-file.ts';

/** File type bits of Unix in the upper half of the external attributes (made by Unix: 3). */
const TYPE_MASK = 0o170000;
const FOLDER = 0o040000;
const REGULAR = 0o100000;

/**
 * Unpacks a zip (zip64 too; stored and deflated entries). The whole directory is looked at before a
 * file is written: names, kinds, encryption, announced sizes. Then each file is compared with its
 * announced size and CRC-32.
 */
export function unpackZip(
  archive: string,
  folder: string,
  guard: ArchiveGuard,
  signal?: AbortSignal,
): Promise<PackedFile[]> {
  return withDirectory(archive, guard, async (zip, files) => {
    const written: PackedFile[] = [];
    for (const { entry, path } of files) {
      signal?.throwIfAborted();
      written.push(await writeSyncedFile(folder, path, content(zip, entry, guard)));
    }
    return written;
  });
}

/** What would be unpacked, after the same look at the directory; contents are not read. */
export const listZip = (archive: string, guard: ArchiveGuard): Promise<ListedFile[]> =>
  withDirectory(archive, guard, async (_zip, files) =>
    files.map(({ entry, path }) => ({
      path,
      byteLength: entry.uncompressedSize,
      crc32: entry.crc32,
    })),
  );

export interface ListedFile {
  readonly path: string;
  readonly byteLength: number;
  readonly crc32: number;
}

async function withDirectory<T>(
  archive: string,
  guard: ArchiveGuard,
  action: (zip: ZipFile, files: readonly { entry: Entry; path: string }[]) => Promise<T>,
): Promise<T> {
  let zip: ZipFile;
  try {
    zip = await openZip(archive);
  } catch (error) {
    throw guard.invalid(`it is damaged or cut short (${text(error)})`, error);
  }
  try {
    guard.expectEntries(zip.entryCount);
    const files: { entry: Entry; path: string }[] = [];
    for (const entry of await directory(zip, guard)) {
      const path = guard.admit(entry.fileName, isFolder(entry));
      if (path === undefined) continue;
      checkKind(entry, guard);
      guard.count(entry.uncompressedSize);
      files.push({ entry, path });
    }
    guard.recount();
    return await action(zip, files);
  } finally {
    zip.close();
  }
}

function openZip(archive: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    const options = {
      lazyEntries: true,
      autoClose: false,
      strictFileNames: true,
      validateEntrySizes: true,
    };
    yauzl.open(archive, options, (error, zip) => (error ? reject(error) : resolve(zip)));
  });
}

function directory(zip: ZipFile, guard: ArchiveGuard): Promise<Entry[]> {
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.once('end', () => resolve(entries));
    zip.once('error', (error: Error) => reject(guard.invalid(text(error), error)));
    zip.readEntry();
  });
}

const unixType = (entry: Entry): number =>
  entry.versionMadeBy >>> 8 === 3 ? (entry.externalFileAttributes >>> 16) & TYPE_MASK : 0;

const isFolder = (entry: Entry): boolean =>
  entry.fileName.endsWith('/') || unixType(entry) === FOLDER;

function checkKind(entry: Entry, guard: ArchiveGuard): void {
  const { fileName } = entry;
  const type = unixType(entry);
  if (type !== 0 && type !== REGULAR) {
    throw guard.invalid(`'${fileName}' is a link or a special file, only files are read`);
  }
  if (entry.isEncrypted()) throw guard.invalid(`'${fileName}' is encrypted`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw guard.invalid(
      `'${fileName}' is compressed with method ${entry.compressionMethod}, expected stored or deflated`,
    );
  }
}

async function* content(
  zip: ZipFile,
  entry: Entry,
  guard: ArchiveGuard,
): AsyncGenerator<Uint8Array> {
  const damaged = (error: unknown): VedetteError =>
    guard.invalid(`'${entry.fileName}' is damaged (${text(error)})`, error);
  let stream: Readable;
  try {
    stream = await new Promise((resolve, reject) =>
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
    );
  } catch (error) {
    throw damaged(error);
  }
  let sum = 0;
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      let next: IteratorResult<Buffer>;
      try {
        next = await chunks.next();
      } catch (error) {
        throw damaged(error);
      }
      if (next.done) break;
      guard.count(next.value.length);
      sum = crc32(next.value, sum);
      yield next.value;
    }
  } finally {
    stream.destroy();
  }
  if (sum !== entry.crc32) {
    throw guard.invalid(
      `'${entry.fileName}' is damaged (its CRC-32 is ${sum}, expected ${entry.crc32})`,
    );
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
