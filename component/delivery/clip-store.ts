import { open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '../configuration/write-synced.ts';
import type { RetentionConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import { toStorageError } from './storage-error.ts';

type Limits = Pick<RetentionConfig, 'clipsMaxBytes' | 'minFreeBytes'>;

export interface ClipStoreOptions {
  readonly dataFolder: string;
  readonly retention: Limits;
}

/** A version 7 UUID: by name is by time. */
const CLIP = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\.mp4$/;

/** Recordings around events, one MP4 file each; the oldest give way. */
export class ClipStore {
  readonly #folder: string;
  #limits: Limits;
  /** One after the other: each makes room for itself. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ dataFolder, retention }: ClipStoreOptions) {
    this.#folder = join(dataFolder, 'clips');
    this.#limits = retention;
  }

  configure(retention: Limits): void {
    this.#limits = retention;
  }

  /** @throws VedetteError NOT_FOUND when there is no such clip, or not yet */
  async fileOf(id: string): Promise<string> {
    const name = `${id}.mp4`;
    const file = join(this.#folder, name);
    const isThere = CLIP.test(name) && (await stat(file).catch(() => undefined)) !== undefined;
    if (isThere) return file;
    throw new VedetteError(
      'NOT_FOUND',
      `There is no clip ${JSON.stringify(id)}: it is still being recorded, or it gave way to newer ones`,
    );
  }

  /** Synced under another name before it has its own. @throws VedetteError STORAGE_FULL */
  save(id: string, pieces: readonly Uint8Array[]): Promise<void> {
    const saved = this.#turn.then(() => this.#save(id, pieces));
    this.#turn = saved.catch(() => {});
    return saved;
  }

  /** Ends when what is being written is. */
  async close(): Promise<void> {
    await this.#turn;
  }

  async #save(id: string, pieces: readonly Uint8Array[]): Promise<void> {
    const byteLength = pieces.reduce((sum, { length }) => sum + length, 0);
    const file = join(this.#folder, `${id}.mp4`);
    try {
      await makeFolder(this.#folder);
      await this.#makeRoom(byteLength);
      const handle = await open(`${file}.part`, 'w', 0o640);
      try {
        for (const piece of pieces) await handle.writeFile(piece);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}.part`, file);
      await syncFolder(this.#folder);
    } catch (thrown) {
      await rm(`${file}.part`, { force: true }).catch(() => {});
      throw toStorageError(thrown, `Clip ${id} could not be written`);
    }
  }

  async #makeRoom(byteLength: number): Promise<void> {
    const { clipsMaxBytes, minFreeBytes } = this.#limits;
    const { bavail, bsize } = await statfs(this.#folder);
    if (byteLength > clipsMaxBytes || bavail * bsize - byteLength < minFreeBytes) {
      throw new VedetteError(
        'STORAGE_FULL',
        `a clip of ${byteLength} bytes has no room: clipsMaxBytes is ${clipsMaxBytes}, ${bavail * bsize} bytes are free, minFreeBytes is ${minFreeBytes}`,
      );
    }
    const names = (await readdir(this.#folder)).toSorted();
    // What a crash left half-written is nobody's.
    for (const name of names) {
      if (name.endsWith('.part')) await rm(join(this.#folder, name), { force: true });
    }
    const clips = names.filter((name) => CLIP.test(name));
    const sizes = await Promise.all(
      clips.map(async (name) => (await stat(join(this.#folder, name))).size),
    );
    let total = sizes.reduce((sum, size) => sum + size, byteLength);
    for (let index = 0; index < clips.length && total > clipsMaxBytes; index += 1) {
      await rm(join(this.#folder, clips[index]!), { force: true });
      total -= sizes[index]!;
    }
  }
}
