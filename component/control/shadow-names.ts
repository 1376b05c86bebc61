import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeSynced } from '../configuration/write-synced.ts';
import { namesIn } from './device-shadow.ts';
import { isTree, type ShadowTree } from './shadow-diff.ts';

const FILE = 'shadow-names.json';
const SECTIONS = ['cameras', 'models', 'refused'];

/**
 * Which cameras and models the shadow was told of, over restarts: a camera that is gone from the
 * configuration is removed from the shadow too, though the process that reported it ended.
 */
export class ShadowNames {
  readonly #file: string;
  #names: ShadowTree;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, names: ShadowTree) {
    this.#file = file;
    this.#names = names;
  }

  static async open(dataFolder: string): Promise<ShadowNames> {
    const file = path.join(dataFolder, FILE);
    return new ShadowNames(file, await readNames(file));
  }

  get earlier(): ShadowTree {
    return this.#names;
  }

  /** Written only when a name comes or goes. Resolves when it is on the disk. */
  async keep(document: ShadowTree): Promise<void> {
    const all = namesIn(document);
    const names = Object.fromEntries(SECTIONS.map((key) => [key, all[key] ?? {}]));
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write(names));
    await this.#writing;
  }

  async #write(names: ShadowTree): Promise<void> {
    if (isDeepStrictEqual(names, this.#names)) return;
    await writeSynced(this.#file, JSON.stringify(names), 0o600);
    this.#names = names;
  }
}

/** What cannot be read is forgotten: at worst a name that is gone stays in the shadow. */
async function readNames(file: string): Promise<ShadowTree> {
  try {
    const names: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isTree(names) ? names : {};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError)
      return {};
    throw error;
  }
}
