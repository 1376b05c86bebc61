import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolder, syncFile, syncFolder } from '../configuration/write-synced.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ObjectStore, PutOptions, SourceFile } from './object-store.ts';

/**
 * Objects as files below a folder, such as a share that another machine empties. A file has its name
 * only when it is whole and synced.
 */
export class FolderObjects implements ObjectStore {
  readonly description: string;

  constructor(folder: string) {
    this.description = folder;
  }

  addressOf(key: string): string {
    return join(this.description, key);
  }

  async putFile(source: SourceFile, key: string, { signal }: PutOptions = {}): Promise<boolean> {
    const target = this.addressOf(key);
    return this.#guard(target, async () => {
      const there = await digestOf(target);
      if (there === source.sha256) return false;
      if (there !== undefined) {
        throw new VedetteError(
          'ARTIFACT_CONFLICT',
          `${target} is there already, with other content; it was left as it is`,
        );
      }
      await this.#place(target, async (part) => {
        await pipeline(
          createReadStream(source.file),
          createWriteStream(part),
          signal ? { signal } : {},
        );
        if ((await digestOf(part)) === source.sha256) return;
        const message = `${source.fileName} is not what it was when its digest was taken`;
        throw new VedetteError('ARTIFACT_CORRUPT', message);
      });
      return true;
    });
  }

  async replace(key: string, bytes: Uint8Array): Promise<void> {
    const target = this.addressOf(key);
    await this.#guard(target, () => this.#place(target, (part) => writeFile(part, bytes)));
  }

  close(): void {
    // Nothing is held open.
  }

  async #place(target: string, write: (part: string) => Promise<void>): Promise<void> {
    const folder = dirname(target);
    await makeFolder(folder);
    const part = join(folder, `.${randomUUID()}.part`);
    try {
      await write(part);
      await syncFile(part);
      await rename(part, target);
      await syncFolder(folder);
    } catch (thrown) {
      await rm(part, { force: true }).catch(() => undefined);
      throw thrown;
    }
  }

  async #guard<T>(target: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof VedetteError) throw thrown;
      const { code, message } = thrown as NodeJS.ErrnoException;
      const isFull = code === 'ENOSPC' || code === 'EDQUOT';
      throw new VedetteError(
        isFull ? 'STORAGE_FULL' : 'ARTIFACT_STORE_UNAVAILABLE',
        `${target} could not be written: ${isFull ? 'no space is left' : message}`,
        { cause: thrown, details: { systemCode: code } },
      );
    }
  }
}

async function digestOf(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
