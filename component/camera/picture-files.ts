import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';

/**
 * Names that are taken for pictures. Formats that cannot be decoded are among them on purpose: a
 * station that writes BMP files shall see them refused, not ignored.
 */
const PICTURE_NAME = /\.(?:jpe?g|png|webp|tiff?|bmp|gif|jp2|heic|avif)$/i;
/** Editors and copying programs mark what they are not done with in these ways. */
const UNFINISHED_NAME = /^[.~]|~$/;

export const isPictureName = (name: string): boolean =>
  PICTURE_NAME.test(name) && !UNFINISHED_NAME.test(name);

const collator = new Intl.Collator('en', { numeric: true });

/** Order of names as people count: `part-9.jpg` before `part-10.jpg`. Total: equal only when the same. */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * Names of the pictures directly in a folder, unsorted: no sub folders, hidden or temporary files.
 * @throws the file system's error
 */
export async function listPictures(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry: Dirent) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => entry.name)
    .filter(isPictureName);
}
