import { mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, syncFolder } from '../../configuration/write-synced.ts';
import { VedetteError } from '../../contract/errors.ts';
import { isModelReference, parseModelReference } from '../../contract/model-manifest.ts';
import type { ModelReference } from '../../contract/model-manifest.ts';
import { sha256Of } from '../package/package-files.ts';
import { writeSyncedFile } from '../package/synced-file.ts';
import type { PackedFile } from '../package/synced-file.ts';
import { Blobs } from './blobs.ts';
import {
  DOCUMENT_FILE,
  PACKAGE_FOLDER,
  isCorrupt,
  readInstalled,
  referenceText,
} from './installed-model.ts';
import type { DamagedModel, InstalledDocument, InstalledModel } from './installed-model.ts';
import { stagePackage } from './stage-package.ts';
import { openStaging, removeLeftovers } from './staging-folder.ts';
import { absent, storeError } from './store-error.ts';

/** A package in a folder of its own, not installed yet. */
export interface StagedPackage {
  /** Of this process, below the store's `staging`. */
  readonly place: string;
  /** Where the package's files lie. */
  readonly folder: string;
  readonly files: readonly PackedFile[];
}

/**
 * Installed model packages in the data folder:
 *
 *     models/blobs/<sha256>                        contents, each once
 *     models/installed/<name>@<version>/           one version, made by one rename
 *       installed.json  package/…                  hard links to contents
 *     models/staging/<process>-<start>-<random>/   what is not finished
 *
 * Every method may be called by several processes at once. What a method promised is synced: after a
 * power cut a version is there as a whole or not at all.
 */
export class ModelStore {
  readonly #root: string;
  readonly #installed: string;
  readonly #staging: string;
  readonly #blobs: Blobs;

  constructor(dataFolder: string) {
    this.#root = join(dataFolder, 'models');
    this.#installed = join(this.#root, 'installed');
    this.#staging = join(this.#root, 'staging');
    this.#blobs = new Blobs(join(this.#root, 'blobs'));
  }

  /** Where a version lies, or would. */
  placeOf(reference: ModelReference): string {
    return join(this.#installed, referenceText(reference));
  }

  /**
   * Copies a package into the store's disk without installing it. `discard` or `commit` must follow.
   * @throws VedetteError NOT_FOUND, MODEL_ARCHIVE_…, MODEL_PACKAGE_INVALID, STORAGE_FULL,
   * MODEL_STORE_UNAVAILABLE
   */
  async stage(source: string, signal?: AbortSignal): Promise<StagedPackage> {
    return this.#guarded(`${source} could not be copied`, async () => {
      for (const folder of [this.#installed, this.#staging, this.#blobs.folder]) {
        await makeFolder(folder);
      }
      const place = await openStaging(this.#staging);
      try {
        const folder = join(place, PACKAGE_FOLDER);
        const files = await stagePackage(source, folder, signal);
        return { place, folder: await realpath(folder), files };
      } catch (error) {
        await rm(place, { recursive: true, force: true });
        throw error;
      }
    });
  }

  async discard(staged: StagedPackage): Promise<void> {
    await rm(staged.place, { recursive: true, force: true });
  }

  /**
   * Installs a staged package. The same version with the same files is there already: that one stays,
   * or is replaced when it is damaged.
   * @returns whether it was put there by this call
   * @throws VedetteError MODEL_VERSION_EXISTS when the version is installed with other files,
   * STORAGE_FULL, MODEL_STORE_UNAVAILABLE
   */
  async commit(
    staged: StagedPackage,
    facts: Omit<InstalledDocument, 'schemaVersion' | 'files' | 'installedAtMs'>,
  ): Promise<{ readonly isNew: boolean; readonly model: InstalledModel }> {
    const { place, folder, files } = staged;
    const target = this.placeOf(facts);
    return this.#guarded(`${referenceText(facts)} could not be installed`, async () => {
      try {
        for (const file of files) await this.#blobs.share(join(folder, file.path), file);
        const document: InstalledDocument = {
          schemaVersion: 1,
          ...facts,
          installedAtMs: Date.now(),
          files: [...files],
        };
        await writeSyncedFile(place, DOCUMENT_FILE, onceText(JSON.stringify(document)));
        const folders = [...foldersOf(files)].map((path) => join(folder, path));
        for (const one of [...folders, place, this.#blobs.folder]) await syncFolder(one);
        const isNew = await this.#publish(place, target, document);
        for (const one of [this.#installed, this.#root, dirname(this.#root)]) await syncFolder(one);
        const model = await readInstalled(target);
        if (!model) throw new VedetteError('MODEL_STORE_CORRUPT', `${target} has gone`);
        return { isNew, model };
      } catch (error) {
        await rm(place, { recursive: true, force: true });
        await this.#blobs.collectGarbage();
        throw error;
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    });
  }

  /** Every installed version, by name and then by version as it is written. */
  async list(): Promise<{
    readonly models: readonly InstalledModel[];
    readonly damaged: readonly DamagedModel[];
  }> {
    const names = await readdir(this.#installed).catch(noneThere);
    const models: InstalledModel[] = [];
    const damaged: DamagedModel[] = [];
    for (const name of names.sort()) {
      const reference = parseModelReference(name);
      if (!reference) continue;
      try {
        const model = await readInstalled(this.placeOf(reference));
        if (model) models.push(model);
      } catch (error) {
        if (!isCorrupt(error)) throw error;
        damaged.push({ ...reference, problem: { ...error.serialize(), remedy: error.remedy } });
      }
    }
    return { models, damaged };
  }

  /** @throws VedetteError MODEL_NOT_INSTALLED naming the versions that are, MODEL_STORE_CORRUPT */
  async find(reference: ModelReference): Promise<InstalledModel> {
    const model = await readInstalled(this.placeOf(reference));
    if (model) return model;
    const names = (await readdir(this.#installed).catch(noneThere)).filter(isModelReference);
    const same = names.filter((name) => parseModelReference(name)?.name === reference.name);
    const there = (same.length > 0 ? same : names).sort().slice(0, 20).join(', ');
    throw new VedetteError(
      'MODEL_NOT_INSTALLED',
      `${referenceText(reference)} is not installed; ${there === '' ? 'nothing is' : `installed are ${there}`}`,
      { details: { ...reference } },
    );
  }

  /**
   * Compares every file of an installed version with its sha256.
   * @throws VedetteError MODEL_STORE_CORRUPT naming the first file that is missing or differs,
   * MODEL_STORE_UNAVAILABLE naming one that could not be read
   */
  async verify(model: InstalledModel): Promise<void> {
    const damaged = await firstDamaged(model);
    if (damaged === undefined) return;
    throw new VedetteError(
      'MODEL_STORE_CORRUPT',
      `${referenceText(model)}: '${damaged}' is not what was installed (sha256 differs)`,
      { details: { name: model.name, version: model.version, file: damaged } },
    );
  }

  /** Takes a version away, and contents that only it had. @throws VedetteError MODEL_NOT_INSTALLED */
  async remove(reference: ModelReference): Promise<void> {
    const text = referenceText(reference);
    await this.#guarded(`${text} could not be removed`, async () => {
      await mkdir(this.#staging, { recursive: true });
      const place = await openStaging(this.#staging);
      try {
        await rename(this.placeOf(reference), join(place, 'removed'));
      } catch (error) {
        await rm(place, { recursive: true, force: true });
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') await this.find(reference);
        throw error;
      }
      await syncFolder(this.#installed);
      await rm(place, { recursive: true, force: true });
      await this.#blobs.collectGarbage();
    });
  }

  /** Removes what a crash left half done, and contents that nothing uses. */
  async cleanUp(): Promise<void> {
    if (!(await stat(this.#staging).catch(() => undefined))) return;
    await this.#guarded('the model store could not be cleaned up', async () => {
      await removeLeftovers(this.#staging);
      await this.#blobs.collectGarbage();
    });
  }

  /** @returns false when the version is there already, whole */
  async #publish(place: string, target: string, document: InstalledDocument): Promise<boolean> {
    for (;;) {
      try {
        await rename(place, target);
        return true;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      }
      const other = await readInstalled(target).catch(unlessCorrupt);
      if (other && sumsOf(other) !== sumsOf(document)) {
        throw new VedetteError(
          'MODEL_VERSION_EXISTS',
          `${referenceText(document)} is installed already, with other files; give the package another version, or remove that one first`,
          { details: { name: document.name, version: document.version } },
        );
      }
      if (other && (await firstDamaged(other)) === undefined) return false;
      const aside = await openStaging(this.#staging);
      await rename(target, join(aside, 'damaged')).catch(noneThere);
      await rm(aside, { recursive: true, force: true });
    }
  }

  async #guarded<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw storeError(error, what);
    }
  }
}

const sumsOf = ({ files }: Pick<InstalledDocument, 'files'>): string =>
  files
    .map(({ path, sha256 }) => `${sha256} ${path}`)
    .sort()
    .join('\n');

/** Every folder that the files lie in, `.` for the package's own. */
function foldersOf(files: readonly PackedFile[]): ReadonlySet<string> {
  const folders = new Set(['.']);
  for (const { path } of files) {
    for (let one = dirname(path); one !== '.'; one = dirname(one)) folders.add(one);
  }
  return folders;
}

/** A file that cannot be read (a failing disk, no handle free) is not taken for a damaged one. */
async function firstDamaged(model: InstalledModel): Promise<string | undefined> {
  for (const { path, sha256 } of model.files) {
    const found = await sha256Of([join(model.folder, path)])
      .catch(absent)
      .catch((error: unknown) => {
        throw storeError(error, `${referenceText(model)}: '${path}' could not be read`);
      });
    if (found !== sha256) return path;
  }
  return undefined;
}

function unlessCorrupt(error: unknown): undefined {
  if (isCorrupt(error)) return undefined;
  throw error;
}

async function* onceText(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function noneThere(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
