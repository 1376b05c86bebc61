import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import { compareNames, isPictureName } from './picture-files.ts';
import { isSystemError } from './source-error.ts';

/** A picture file below a folder that was named, or named itself. */
export interface PictureFile {
  /** As a person knows it: the path as it was given, and what lies below. */
  readonly name: string;
  readonly path: string;
  /** Below the folder that was named; the file's own name when it was named itself. */
  readonly relativePath: string;
  /** @throws VedetteError IMAGE_TOO_LARGE, IMAGE_CORRUPT (empty), PICTURE_UNREADABLE */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

const MAX_PICTURE_BYTES = 512 * 1024 * 1024;
/** A folder of more is most likely the wrong one. */
const MAX_PICTURES = 1_000_000;

/**
 * The picture files that paths name: a file is taken whatever it is called; of a folder those with
 * names of pictures, also in folders below, in the order in which people count. Hidden folders and
 * links to folders are left out.
 * @throws VedetteError NOT_FOUND for a path that is not there, REQUEST_INVALID for a folder without
 * any picture, PICTURE_UNREADABLE for one that cannot be listed
 */
export async function findPictures(paths: readonly string[]): Promise<PictureFile[]> {
  const found: PictureFile[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    const isFolder = await kindOf(path);
    const names = isFolder ? await below(path) : [''];
    if (names.length === 0) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `there is no picture in ${path} or the folders below it; expected files that end in .jpg, .jpeg, .png, .webp, .tif or .tiff`,
        { details: { path } },
      );
    }
    for (const name of names) {
      const file = pictureFile(path, name);
      const place = await realpath(file.path).catch(() => file.path);
      if (!seen.has(place)) found.push(file);
      seen.add(place);
    }
  }
  return found;
}

async function kindOf(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new VedetteError('NOT_FOUND', `there is no picture or folder at ${path}`, {
      cause: error,
    });
  }
}

/** Names below a folder, with `/` between their parts. */
async function below(folder: string): Promise<string[]> {
  const names: string[] = [];
  const visit = async (inside: string): Promise<void> => {
    const entries = await readdir(join(folder, inside), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => compareNames(a.name, b.name))) {
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith('.')) await visit(name);
      else if ((entry.isFile() || entry.isSymbolicLink()) && isPictureName(entry.name)) {
        names.push(name);
      }
    }
    if (names.length > MAX_PICTURES) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `${folder} holds more than ${MAX_PICTURES} pictures`,
      );
    }
  };
  try {
    await visit('');
  } catch (error) {
    throw unreadable(error, `folder ${folder}`);
  }
  return names;
}

function pictureFile(given: string, inside: string): PictureFile {
  const path = inside === '' ? given : join(given, inside);
  return {
    name: path,
    path,
    relativePath: inside === '' ? basename(given) : relative('.', inside),
    read: () => readWhole(path),
  };
}

async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > MAX_PICTURE_BYTES) {
        throw new VedetteError(
          'IMAGE_TOO_LARGE',
          `the file has ${size} bytes, expected at most ${MAX_PICTURE_BYTES}`,
        );
      }
      if (size === 0) throw new VedetteError('IMAGE_CORRUPT', 'the file is empty (0 bytes)');
      const bytes = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const { bytesRead } = await file.read(bytes, at, size - at, at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return at === size ? bytes : bytes.slice(0, at);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(error, 'the file');
  }
}

function unreadable(error: unknown, what: string): unknown {
  if (!isSystemError(error)) return error;
  return new VedetteError('PICTURE_UNREADABLE', `${what} cannot be read: ${error.code}`, {
    cause: error,
  });
}
