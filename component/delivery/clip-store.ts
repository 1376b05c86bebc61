import { open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '../configuration/write-synced.ts';
import type { RetentionConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import { recoverClip } from './clip-leftovers.ts';
import { toStorageError } from './storage-error.ts';

type Limits = Pick<RetentionConfig, 'clipsMaxBytes' | 'minFreeBytes'>;

export interface ClipStoreOptions {
  readonly dataFolder: string;
  readonly retention: Limits;
  /** What became of recordings; with an error where an operator should know. Must not throw. */
  readonly onOutcome?: (outcome: ClipOutcome, count: number, error?: VedetteError) => void;
}

/**
 * `evicted`: it gave way to a newer one; `recovered`: a crash cut it short; `lost`: a crash left
 * nothing of it.
 */
export type ClipOutcome = 'stored' | 'failed' | 'evicted' | 'recovered' | 'lost';

/** A version 7 UUID: by name is by time. */
const CLIP = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\.mp4$/;
/** Is recorded or written. */
const PART = '.part';
/** An operator is told that recordings gave way to a full disk at most so often. */
const TELL_INTERVAL_MS = 60_000;

/** Recordings around events, one MP4 file each; the oldest give way. */
export class ClipStore {
  readonly #folder: string;
  readonly #onOutcome: NonNullable<ClipStoreOptions['onOutcome']>;
  #limits: Limits;
  #untold = 0;
  #toldAtMs = -Infinity;
  /** One after the other: each makes room for itself. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ dataFolder, retention, onOutcome = () => {} }: ClipStoreOptions) {
    this.#onOutcome = onOutcome;
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

  /**
   * Once, before the first recording: keeps what a crash left as far as it is whole, and tells of it.
   * @throws VedetteError STORAGE_FULL, REGISTRY_UNAVAILABLE
   */
  start(): Promise<void> {
    return this.#inTurn(() => this.#recover(), 'The recordings that a crash left');
  }

  /**
   * A recording runs, of which nothing is on the disk yet: leaves a mark for the next start.
   * @throws VedetteError STORAGE_FULL, REGISTRY_UNAVAILABLE
   */
  begin(id: string): Promise<void> {
    return this.#inTurn(async () => {
      await makeFolder(this.#folder);
      await writeFile(this.#partOf(id), '', { mode: 0o640 });
    }, `The mark of clip ${id}`);
  }

  /** Synced under another name before it has its own. @throws VedetteError STORAGE_FULL */
  async save(id: string, pieces: readonly Uint8Array[]): Promise<void> {
    try {
      await this.#inTurn(() => this.#save(id, pieces), `Clip ${id}`);
    } catch (thrown) {
      this.#onOutcome('failed', 1);
      throw thrown;
    }
    this.#onOutcome('stored', 1);
  }

  /** Ends when what is being written is. */
  async close(): Promise<void> {
    await this.#turn;
  }

  #partOf(id: string): string {
    return join(this.#folder, `${id}.mp4${PART}`);
  }

  #inTurn(work: () => Promise<void>, what: string): Promise<void> {
    const done = this.#turn.then(work).catch((thrown: unknown) => {
      throw toStorageError(thrown, `${what} could not be written`);
    });
    this.#turn = done.catch(() => {});
    return done;
  }

  async #recover(): Promise<void> {
    const names = await readdir(this.#folder).catch((thrown: NodeJS.ErrnoException): string[] => {
      if (thrown.code === 'ENOENT') return [];
      throw thrown;
    });
    const ended: Record<'recovered' | 'lost', string[]> = { recovered: [], lost: [] };
    for (const name of names.toSorted()) {
      const clip = name.slice(0, -PART.length);
      if (!name.endsWith(PART) || !CLIP.test(clip)) continue;
      const isKept = await recoverClip(join(this.#folder, name), join(this.#folder, clip));
      ended[isKept ? 'recovered' : 'lost'].push(clip.slice(0, -'.mp4'.length));
    }
    if (names.length > 0) await syncFolder(this.#folder);
    for (const outcome of ['recovered', 'lost'] as const) {
      const ids = ended[outcome];
      if (ids.length === 0) continue;
      const how = outcome === 'lost' ? 'were lost' : 'are cut short';
      const named = `${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ', …' : ''}`;
      const message = `The process before ended while recordings were made: ${ids.length} ${how}: ${named}`;
      this.#onOutcome(outcome, ids.length, new VedetteError('CLIP_INTERRUPTED', message));
    }
  }

  async #save(id: string, pieces: readonly Uint8Array[]): Promise<void> {
    const byteLength = pieces.reduce((sum, { length }) => sum + length, 0);
    const part = this.#partOf(id);
    try {
      await makeFolder(this.#folder);
      await this.#makeRoom(byteLength);
      const handle = await open(part, 'w', 0o640);
      try {
        for (const piece of pieces) await handle.writeFile(piece);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(part, join(this.#folder, `${id}.mp4`));
      await syncFolder(this.#folder);
    } catch (thrown) {
      await rm(part, { force: true }).catch(() => {});
      throw thrown;
    }
  }

  /** The oldest go, unless even all of them would not make room enough. */
  async #makeRoom(byteLength: number): Promise<void> {
    const { clipsMaxBytes, minFreeBytes } = this.#limits;
    const names = (await readdir(this.#folder)).filter((name) => CLIP.test(name)).toSorted();
    const clips = await Promise.all(
      names.map(async (name) => {
        const file = join(this.#folder, name);
        const { size, blocks } = await stat(file);
        return { file, size, diskBytes: blocks * 512 };
      }),
    );
    const { bavail, bsize } = await statfs(this.#folder);
    const freeBytes = bavail * bsize;
    const heldBytes = clips.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
    if (byteLength > clipsMaxBytes || freeBytes + heldBytes - byteLength < minFreeBytes) {
      throw new VedetteError(
        'STORAGE_FULL',
        `a clip of ${byteLength} bytes has no room: clipsMaxBytes is ${clipsMaxBytes}, ${freeBytes} bytes are free and ${heldBytes} are of older clips, minFreeBytes is ${minFreeBytes}`,
      );
    }
    let total = clips.reduce((sum, { size }) => sum + size, byteLength);
    let leftBytes = freeBytes - byteLength;
    for (const { file, size, diskBytes } of clips) {
      const isForDisk = leftBytes < minFreeBytes;
      if (total <= clipsMaxBytes && !isForDisk) return;
      await rm(file, { force: true });
      this.#evicted(isForDisk);
      total -= size;
      leftBytes += diskBytes;
    }
  }

  #evicted(isForDisk: boolean): void {
    if (isForDisk) this.#untold += 1;
    const nowMs = performance.now();
    if (!isForDisk || nowMs - this.#toldAtMs < TELL_INTERVAL_MS) {
      this.#onOutcome('evicted', 1);
      return;
    }
    const message = `Recordings around events give way since the disk has less free than retention.minFreeBytes, ${this.#limits.minFreeBytes} bytes: ${this.#untold} since this was told last`;
    this.#untold = 0;
    this.#toldAtMs = nowMs;
    this.#onOutcome('evicted', 1, new VedetteError('STORAGE_FULL', message));
  }
}
