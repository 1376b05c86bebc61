import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findPictures } from '../../camera/find-pictures.ts';
import { compareNames } from '../../camera/picture-files.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { NamedPicture } from '../picture-arguments.ts';

/** A picture whose truth is known. */
export interface LabelledPicture extends NamedPicture {
  readonly isBad: boolean;
  /** The folder that says what is wrong, such as `scratch`, or that it is good. */
  readonly category: string;
}

export interface LabelledPictures {
  readonly pictures: readonly LabelledPicture[];
  /** Names of pictures that are there a second time; they count once. */
  readonly repeated: readonly string[];
}

const GOOD_FOLDER = /^(?:good|ok|okay|normal|pass|io)$/i;
/** Beside `test` in data sets laid out as MVTec's. */
const TEST_FOLDER = 'test';
const MOST_NAMED = 5;

/**
 * Pictures by truth: a folder of good ones and one or more of bad ones; or one folder that holds
 * `good` (or `ok`, `normal`, `pass`, `io`) and, under any other names, bad ones, itself or in its
 * folder `test`.
 * @param goodLabels further names of folders that hold good pictures
 * @throws VedetteError NOT_FOUND, REQUEST_INVALID (no picture, only one kind, the same picture called
 * good and bad), PICTURE_UNREADABLE
 */
export async function labelledPictures(
  paths: readonly string[],
  goodLabels: readonly string[] = [],
): Promise<LabelledPictures> {
  const [first, ...bad] = paths;
  const found =
    bad.length > 0
      ? [
          ...(await labelled(first!, false)),
          ...(await Promise.all(bad.map((path) => labelled(path, true)))).flat(),
        ]
      : await dataSet(first!, goodLabels);
  return withoutRepeated(found);
}

async function dataSet(folder: string, goodLabels: readonly string[]): Promise<LabelledPicture[]> {
  const hasTest = await stat(join(folder, TEST_FOLDER)).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  const root = hasTest ? join(folder, TEST_FOLDER) : folder;
  const names = await foldersIn(root);
  const good = names.filter((name) => GOOD_FOLDER.test(name) || goodLabels.includes(name));
  if (good.length === 0 || good.length === names.length) {
    const there = names.length === 0 ? 'no folder' : names.slice(0, 10).join(', ');
    throw new VedetteError(
      'REQUEST_INVALID',
      `expected a folder of good pictures and one of bad ones, or one folder that holds 'good' and others; ${root} holds ${there}`,
    );
  }
  const each = names.map((name) => labelled(join(root, name), !good.includes(name)));
  return (await Promise.all(each)).flat();
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort(compareNames);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new VedetteError('NOT_FOUND', `the folder ${folder} cannot be listed: ${code}`, {
      cause: error,
    });
  }
}

async function labelled(folder: string, isBad: boolean): Promise<LabelledPicture[]> {
  const files = await findPictures([folder]);
  return files.map((file) => {
    const [inner, ...rest] = file.relativePath.split('/');
    const category = isBad && rest.length > 0 ? inner! : basename(folder);
    const below = isBad ? 'bad' : 'good';
    return {
      name: file.name,
      relativePath: `${below}/${basename(folder)}/${file.relativePath}`,
      read: () => file.read(),
      isBad,
      category,
    };
  });
}

/** Only files of the same size are read to be compared. */
async function withoutRepeated(pictures: readonly LabelledPicture[]): Promise<LabelledPictures> {
  const bySize = new Map<number, LabelledPicture[]>();
  for (const picture of pictures) {
    const size = await stat(picture.name).then(
      (entry) => entry.size,
      () => -1,
    );
    bySize.set(size, [...(bySize.get(size) ?? []), picture]);
  }
  const repeated = new Set<LabelledPicture>();
  const contradictions: string[] = [];
  for (const [size, same] of bySize) {
    if (size <= 0 || same.length < 2) continue;
    const byContent = new Map<string, LabelledPicture>();
    for (const picture of same) {
      const bytes = await picture.read().catch(() => undefined);
      if (!bytes) continue;
      const sum = createHash('sha256').update(bytes).digest('hex');
      const known = byContent.get(sum);
      if (!known) byContent.set(sum, picture);
      else if (known.isBad === picture.isBad) repeated.add(picture);
      else contradictions.push(`${known.name} is ${picture.name}`);
    }
  }
  if (contradictions.length > 0) {
    const named = contradictions.slice(0, MOST_NAMED).join('; ');
    throw new VedetteError(
      'REQUEST_INVALID',
      `${contradictions.length} of the pictures are called good and bad at once: ${named}${contradictions.length > MOST_NAMED ? '; …' : ''}`,
      { details: { contradictions } },
    );
  }
  return {
    pictures: pictures.filter((picture) => !repeated.has(picture)),
    repeated: [...repeated].map(({ name }) => name),
  };
}
