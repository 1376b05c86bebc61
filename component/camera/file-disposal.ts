import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, rename, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import type { VedetteError } from '../contract/errors.ts';
import { isMissing } from './source-error.ts';

/** What tells one file from another that later has the same name. */
export interface FileIdentity {
  readonly inode: number;
  readonly byteLength: number;
  readonly modifiedMs: number;
}

export const identityFrom = (stats: Stats): FileIdentity => ({
  inode: stats.ino,
  byteLength: stats.size,
  modifiedMs: stats.mtimeMs,
});

const identityOf = async (file: string) => identityFrom(await lstat(file));

export const isSameFile = (a: FileIdentity, b: FileIdentity): boolean =>
  a.inode === b.inode && a.byteLength === b.byteLength && a.modifiedMs === b.modifiedMs;

/**
 * Puts consumed files out of the way, each into a folder beside it. Nothing is ever overwritten, and
 * a file that meanwhile took the name of a consumed one stays where it is.
 */
export class FileDisposal {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Moves a file into the sub folder. Returns its new path, `undefined` when the file was gone or
   * another one had taken its name. @throws the file system's error
   */
  async move(
    name: string,
    identity: FileIdentity,
    subFolder: 'done' | 'failed',
  ): Promise<string | undefined> {
    const folder = join(this.#folder, subFolder);
    await mkdir(folder, { recursive: true });
    return this.#take(name, identity, folder, name);
  }

  /** Moves a file to `failed/` and writes why beside it, as `<file>.json`. */
  async fail(name: string, identity: FileIdentity, error?: VedetteError): Promise<void> {
    const target = await this.move(name, identity, 'failed');
    if (target === undefined) return;
    const reason = {
      fileName: name,
      failedAt: new Date().toISOString(),
      ...(error?.serialize() ?? { code: 'IMAGE_CORRUPT', message: 'the file is no picture' }),
    };
    // Renamed into place: who watches the folder never reads half of it.
    const part = join(dirname(target), `.${basename(target)}.json`);
    await writeFile(part, `${JSON.stringify(reason, null, 2)}\n`);
    await rename(part, `${target}.json`);
  }

  async remove(name: string, identity: FileIdentity): Promise<void> {
    // Renamed first, so that what is deleted is surely what was judged.
    const hidden = await this.#take(name, identity, this.#folder, `.${name}`);
    if (hidden !== undefined) await unlink(hidden);
  }

  async #take(
    name: string,
    identity: FileIdentity,
    folder: string,
    newName: string,
  ): Promise<string | undefined> {
    if (!(await this.#isStillThere(name, identity))) return undefined;
    const target = await reserve(folder, newName);
    try {
      await rename(join(this.#folder, name), target);
    } catch (error) {
      await unlink(target);
      if (isMissing(error)) return undefined;
      throw error;
    }
    if (isSameFile(await identityOf(target), identity)) return target;
    // A new file took the name in the instant before the move. It has not been judged, so it goes
    // back to be judged, under a free name.
    await rename(target, await reserve(this.#folder, name));
    return undefined;
  }

  async #isStillThere(name: string, identity: FileIdentity): Promise<boolean> {
    try {
      return isSameFile(await identityOf(join(this.#folder, name)), identity);
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
}

/**
 * Makes an empty file of a name that is free, to be renamed over: the way to move without
 * overwriting that works on every file system. A taken name gets the time added.
 */
async function reserve(folder: string, name: string): Promise<string> {
  const { name: stem, ext } = parse(name);
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
  for (let attempt = 0; ; attempt += 1) {
    const free =
      attempt === 0 ? name : `${stem}-${time}${attempt === 1 ? '' : `-${attempt}`}${ext}`;
    const path = join(folder, free);
    try {
      await (await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY)).close();
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
