import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { filesOf } from './stage.ts';

/** The first moment that a zip can hold, in the zone of whoever reads it. */
const MTIME = new Date(1980, 0, 1);

export interface WrittenZip {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Zips a folder: the same bytes for the same files, wherever and whenever it is done. */
export async function writeZip(folder: string, file: string): Promise<WrittenZip> {
  const zip = new ZipFile();
  for (const name of await filesOf(folder)) {
    const { mode } = await stat(path.join(folder, name));
    zip.addFile(path.join(folder, name), name, {
      mtime: MTIME,
      forceDosTimestamp: true,
      mode: (mode & 0o111) === 0 ? 0o100644 : 0o100755,
      compressionLevel: 9,
    });
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(`${file}.new`));
  await rename(`${file}.new`, file);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { file, bytes: (await stat(file)).size, sha256: hash.digest('hex') };
}
