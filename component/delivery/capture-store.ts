import { open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, syncFolder } from '../configuration/write-synced.ts';
import type { RetentionConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { EncodedFormat } from '../contract/frame.ts';
import type { NewResult, StoredCapture } from '../contract/ports.ts';
import {
  captureDocumentPath,
  captureImagePath,
  captureRoot,
  INCOMING_FOLDER,
  resolveCapture,
} from '../registry/capture-files.ts';
import type { Registry } from '../registry/registry.ts';
import { RequestGate } from '../registry/request-gate.ts';
import { toStorageError } from './storage-error.ts';

/** Of Node's four threads for files and names, which a disk that hangs must not take all. */
const MAX_SAVES_AT_ONCE = 2;
const MAX_SAVES_WAITING = 14;

export interface CaptureStoreOptions {
  readonly registry: Registry;
  readonly dataFolder: string;
  readonly retention: Pick<RetentionConfig, 'minFreeBytes'>;
}

export interface NewPicture {
  /** A version 7 UUID. */
  readonly id: string;
  readonly camera: string;
  readonly capturedAtMs: number;
  /** The encoded picture; must not change until `save` has settled. */
  readonly bytes: Uint8Array;
  readonly format: EncodedFormat;
  /** Written beside the picture; best as stored, with its number. */
  readonly result: NewResult;
  /** The capture rule that asked for it. */
  readonly rule: string;
}

/**
 * Writes pictures with their results beside them. What `save` returned is on the disk: both files
 * synced before they get their names, the folder synced, then the row.
 */
export class CaptureStore {
  readonly #registry: Registry;
  readonly #root: string;
  readonly #gate = new RequestGate(MAX_SAVES_AT_ONCE, MAX_SAVES_WAITING, 'Captures');
  #minFreeBytes: number;
  #prepared: Promise<void> | undefined;
  /** Ids saved while the registry looks through the folder: their documents are nobody's leftovers. */
  #savedMeanwhile: Set<string> | undefined = new Set();
  #isClosed = false;

  constructor({ registry, dataFolder, retention }: CaptureStoreOptions) {
    this.#registry = registry;
    this.#root = captureRoot(dataFolder);
    this.#minFreeBytes = retention.minFreeBytes;
  }

  configure({ minFreeBytes }: Pick<RetentionConfig, 'minFreeBytes'>): void {
    this.#minFreeBytes = minFreeBytes;
  }

  /** Absolute path of a capture's picture. @throws VedetteError INTERNAL */
  fileOf(capture: StoredCapture): string {
    return resolveCapture(this.#root, capture.imagePath);
  }

  /**
   * Once: removes what a crash left half-written and registers what it left without a row. That may
   * take minutes after the loss of a database; captures are saved meanwhile, and closing the
   * registry ends it.
   */
  async start(): Promise<void> {
    try {
      await this.#prepare();
      const { lonelyDocuments } = await this.#registry.reconcileCaptures();
      for (const path of lonelyDocuments) {
        if (this.#savedMeanwhile?.has(basename(path, '.json'))) continue;
        await rm(resolveCapture(this.#root, path), { force: true });
      }
    } catch (thrown) {
      throw toStorageError(thrown, 'The capture folder could not be looked through');
    } finally {
      this.#savedMeanwhile = undefined;
    }
  }

  /**
   * @throws VedetteError STORAGE_FULL (also below `minFreeBytes`), OVERLOADED,
   * REGISTRY_UNAVAILABLE, SHUTTING_DOWN
   */
  async save(picture: NewPicture): Promise<StoredCapture> {
    try {
      if (this.#isClosed) {
        throw new VedetteError('SHUTTING_DOWN', 'No captures are taken any more');
      }
      return await this.#gate.run(() => this.#save(picture));
    } catch (thrown) {
      throw toStorageError(thrown, `Capture ${picture.id} could not be written`);
    }
  }

  /** Ends when the captures under way are written. To be closed before the registry. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#gate.idle();
  }

  /** Clears the folder of half-written files, before any is written to it. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#clearIncoming().catch((thrown: unknown) => {
      this.#prepared = undefined;
      throw toStorageError(thrown, 'The capture folder could not be prepared');
    });
    return this.#prepared;
  }

  async #clearIncoming(): Promise<void> {
    const incoming = join(this.#root, INCOMING_FOLDER);
    await makeFolder(incoming);
    for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true });
  }

  async #save(picture: NewPicture): Promise<StoredCapture> {
    await this.#prepare();
    const { id, camera, capturedAtMs, bytes, result, rule } = picture;
    const imagePath = captureImagePath(picture, picture.format);
    const about = {
      id,
      resultId: result.id,
      camera,
      capturedAtMs,
      rule,
      outcome: result.verdict.outcome,
    };
    const document = Buffer.from(
      `${JSON.stringify({ schemaVersion: 1, capture: about, result }, undefined, 2)}\n`,
    );
    const diskBytes = bytes.byteLength + document.byteLength;
    await makeFolder(join(this.#root, INCOMING_FOLDER));
    await this.#requireSpace(diskBytes);
    this.#savedMeanwhile?.add(id);
    const file = resolveCapture(this.#root, imagePath);
    await this.#write(file, bytes, document);
    const capture = { ...about, imagePath, byteLength: bytes.byteLength };
    try {
      await this.#registry.appendCapture(capture, diskBytes);
    } catch (thrown) {
      // A lost answer leaves it open whether there is a row; a row without files is harmless.
      await removeFiles(file, captureDocumentPath(file));
      throw thrown;
    }
    return capture;
  }

  async #requireSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#root);
    const freeBytes = bavail * bsize;
    if (freeBytes - bytes >= this.#minFreeBytes) return;
    throw new VedetteError(
      'STORAGE_FULL',
      `A capture of ${bytes} bytes was not written: ${freeBytes} bytes are free in ${this.#root}, retention.minFreeBytes keeps ${this.#minFreeBytes}`,
      { details: { freeBytes, minFreeBytes: this.#minFreeBytes, bytes } },
    );
  }

  async #write(file: string, picture: Uint8Array, document: Uint8Array): Promise<void> {
    const documentFile = captureDocumentPath(file);
    const incoming = (name: string) => join(this.#root, INCOMING_FOLDER, basename(name));
    try {
      await writeSynced(incoming(documentFile), document);
      await writeSynced(incoming(file), picture);
      // The document first: a crash in between leaves nothing that could be taken for a capture.
      await moveInto(incoming(documentFile), documentFile);
      await moveInto(incoming(file), file);
      await syncFolder(dirname(file));
    } catch (thrown) {
      await removeFiles(incoming(documentFile), incoming(file), file, documentFile);
      throw thrown;
    }
  }
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames into a folder that retention may just have removed for being empty. */
async function moveInto(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await makeFolder(dirname(to));
    try {
      return await rename(from, to);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 3) throw thrown;
    }
  }
}

async function removeFiles(...files: readonly string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true }).catch(() => undefined);
}
