import { randomUUID } from 'node:crypto';
import { chmod, link, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VedetteError } from '../../contract/errors.ts';
import { sha256Of } from '../package/package-files.ts';
import type { PackedFile } from '../package/synced-file.ts';
import { absent } from './store-error.ts';

/**
 * File contents by sha256, each of them once. A package's files are hard links to them: the file
 * system itself counts who uses one, so that processes need no lock to install and to clean up beside
 * each other.
 */
export class Blobs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  /**
   * Makes a file share its content with those of the same sha256. A kept content that is damaged is
   * replaced by the file's own.
   * @param path absolute; holds what `file` says, synced
   */
  async share(path: string, file: PackedFile): Promise<void> {
    const blob = join(this.#folder, file.sha256);
    await chmod(path, 0o444);
    for (;;) {
      if (await linked(path, blob)) return;
      if ((await this.#sumOf(blob)) === file.sha256) {
        const twin = join(dirname(path), randomUUID());
        if (!(await linked(blob, twin))) continue;
        await rename(twin, path);
        return;
      }
      const replacement = join(this.#folder, randomUUID());
      await link(path, replacement);
      await rename(replacement, blob);
      return;
    }
  }

  /** Removes contents that no package holds any more. @returns how many bytes became free */
  async collectGarbage(): Promise<number> {
    let freed = 0;
    for (const name of await readdir(this.#folder)) {
      const blob = join(this.#folder, name);
      const found = await stat(blob).catch(absent);
      if (!found || found.nlink > 1) continue;
      await rm(blob, { force: true });
      freed += found.size;
    }
    return freed;
  }

  async #sumOf(blob: string): Promise<string | undefined> {
    return sha256Of([blob]).catch(absent);
  }
}

/** Whether it was made; not when `to` exists already or `from` no longer does. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EMLINK') {
      throw new VedetteError(
        'MODEL_STORE_UNAVAILABLE',
        `the file system of ${to} takes no hard link (${code}), which the model store needs`,
        { cause: error },
      );
    }
    throw error;
  }
}
