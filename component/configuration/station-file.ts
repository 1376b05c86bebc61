import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isMap as isYamlMap, parseDocument, stringify, type Document } from 'yaml';
import { VedetteError } from '../contract/errors.ts';
import {
  absolutePaths,
  isMap,
  parseLayer,
  readLayer,
  type ConfigurationTree,
} from './configuration-layer.ts';
import { makeFolder, syncFolder, writeSynced } from './write-synced.ts';

export const STATION_FILE = 'station.yaml';
const LAST_GOOD_FILE = 'station.last-good.yaml';
/** A file grows by patches; this is far more than a station needs. */
const MAX_BYTES = 1_048_576;

/** What differs from station to station, in the data folder: written by hand or through the API. */
export class StationFile {
  readonly file: string;
  readonly #folder: string;

  constructor(dataFolder: string) {
    this.#folder = dataFolder;
    this.file = path.join(dataFolder, STATION_FILE);
  }

  /** Empty when there is none. @throws VedetteError CONFIG_UNREADABLE */
  async text(): Promise<string> {
    return textOf(this.file);
  }

  /** Its settings, with paths as they are written. @throws VedetteError CONFIG_UNREADABLE */
  async settings(): Promise<ConfigurationTree> {
    return parseLayer(await this.text(), this.file);
  }

  /** As a layer has them. @throws VedetteError CONFIG_UNREADABLE */
  treeOf(text: string): ConfigurationTree {
    return absolutePaths(parseLayer(text, this.file), this.#folder);
  }

  /**
   * The file's text after a merge patch (RFC 7396: `null` takes a setting away). Comments stay.
   * @throws VedetteError CONFIG_UNREADABLE when the file is no YAML now, or grows too large
   */
  async patched(patch: ConfigurationTree): Promise<string> {
    const before = await this.text();
    parseLayer(before, this.file);
    const document = parseDocument(before);
    applyPatch(document, patch, []);
    const text = document.contents === null ? '' : document.toString();
    const bytes = Buffer.byteLength(text);
    if (bytes <= MAX_BYTES) return text;
    throw new VedetteError(
      'CONFIG_UNREADABLE',
      `${this.file} would have ${bytes} bytes; at most ${MAX_BYTES} are kept`,
    );
  }

  /** Synced: after a power cut it is the old or the new. */
  async write(text: string): Promise<void> {
    await makeFolder(this.#folder);
    await writeSynced(this.file, text, 0o600);
  }

  /** Another text means that the file was changed. */
  async signature(): Promise<string> {
    const found = await stat(this.file, { bigint: true }).catch(absent);
    return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : 'none';
  }

  /**
   * What is in force is remembered, for a start at which the file is unusable. Not the file's text: that
   * may be another one by now.
   */
  async keep(inForce: ConfigurationTree = {}): Promise<void> {
    const text = Object.keys(inForce).length > 0 ? stringify(inForce) : '';
    const file = path.join(this.#folder, LAST_GOOD_FILE);
    if (text === (await textOf(file))) return;
    if (text !== '') return writeSynced(file, text, 0o600);
    await rm(file, { force: true });
    await syncFolder(this.#folder);
  }

  /** @throws VedetteError CONFIG_UNREADABLE */
  async lastGood(): Promise<ConfigurationTree | undefined> {
    const text = await textOf(path.join(this.#folder, LAST_GOOD_FILE));
    return text === '' ? undefined : this.treeOf(text);
  }

  /** As a layer; `undefined` when there is none. @throws VedetteError CONFIG_UNREADABLE */
  async layer(): Promise<ConfigurationTree | undefined> {
    if ((await this.signature()) === 'none') return undefined;
    return (await readLayer(this.file, 'station')).tree;
  }
}

function applyPatch(document: Document, patch: ConfigurationTree, at: readonly string[]): void {
  for (const [key, value] of Object.entries(patch)) {
    const place = [...at, key];
    if (value === null) {
      if (document.hasIn(place)) document.deleteIn(place);
    } else if (isMap(value)) {
      if (!isYamlMap(document.getIn(place))) document.setIn(place, document.createNode({}));
      applyPatch(document, value, place);
    } else {
      document.setIn(place, value);
    }
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    throw new VedetteError('CONFIG_UNREADABLE', `Cannot read ${file}: ${code}`, { cause });
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
