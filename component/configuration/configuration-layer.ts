import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { VedetteError } from '../contract/errors.ts';
import { isModelReference } from '../contract/model-manifest.ts';

export type ConfigurationTree = { [key: string]: unknown };

/** A source of settings; a later layer wins over an earlier one. */
export interface ConfigurationLayer {
  /** Who set it, as `vedette config explain` names it. */
  readonly origin: string;
  readonly tree: ConfigurationTree;
}

const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Reads a YAML (or JSON) file as a layer; relative paths in it are made absolute against its folder.
 * @throws VedetteError CONFIG_UNREADABLE
 */
export async function readLayer(file: string, origin: string): Promise<ConfigurationLayer> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new VedetteError('CONFIG_UNREADABLE', `Cannot read ${file}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  return { origin, tree: absolutePaths(parseLayer(text, file), dirname(resolve(file))) };
}

/** Settings as they are written; `file` is named in messages. @throws VedetteError CONFIG_UNREADABLE */
export function parseLayer(text: string, file: string): ConfigurationTree {
  if (text.length > MAX_FILE_BYTES) {
    throw new VedetteError(
      'CONFIG_UNREADABLE',
      `${file} has ${text.length} characters; at most ${MAX_FILE_BYTES} are read`,
    );
  }
  const tree = parseYaml(text, file);
  if (isMap(tree)) return tree;
  throw new VedetteError('CONFIG_UNREADABLE', `${file} must hold a map of settings at its root`);
}

function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem) {
    throw new VedetteError('CONFIG_UNREADABLE', `${file} is not YAML: ${problem.message}`);
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VedetteError('CONFIG_UNREADABLE', `${file} cannot be read: ${reason}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return cause instanceof Error ? cause.message : String(cause);
}

/** Settings that hold a path (or `name@version` of an installed model, which is left as it is); `*` stands for any key. */
const PATH_SETTINGS = [
  'dataFolder',
  'onnxRuntimeLibrary',
  'models.*.package',
  'cameras.*.source.path',
  'cameras.*.source.url',
  'cameras.*.source.password.file',
  'server.token.file',
  'delivery.store.path',
  'delivery.mqtt.caFile',
  'delivery.mqtt.password.file',
  'outputs.*.secret.file',
  'outputs.*.password.file',
  'triggers.*.password.file',
  'triggers.*.path',
];

/** A copy whose relative paths begin at `folder`. */
export function absolutePaths(tree: ConfigurationTree, folder: string): ConfigurationTree {
  const copy = structuredClone(tree);
  for (const setting of PATH_SETTINGS) makeAbsolute(copy, setting.split('.'), folder);
  return copy;
}

function makeAbsolute(node: unknown, keys: readonly string[], folder: string): void {
  if (typeof node !== 'object' || node === null) return;
  const map = node as ConfigurationTree;
  const [key, ...rest] = keys as [string, ...string[]];
  for (const name of key === '*' ? Object.keys(map) : [key]) {
    const value = map[name];
    if (rest.length > 0) makeAbsolute(value, rest, folder);
    else if (typeof value === 'string' && isRelativePath(value) && !isModelReference(value))
      map[name] = resolve(folder, value);
  }
}

const isRelativePath = (value: string): boolean =>
  value !== '' && !isAbsolute(value) && !/^[a-z][a-z0-9+.-]*:/i.test(value);

export const isMap = (value: unknown): value is ConfigurationTree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The map at a key, or an empty one. */
export function mapAt(tree: ConfigurationTree, key: string): ConfigurationTree {
  const value = tree[key];
  return isMap(value) ? value : {};
}

/** Dotted paths of everything in a tree that is no map, or an empty one. */
export const leafPaths = (tree: ConfigurationTree, at: readonly string[] = []): string[] =>
  Object.entries(tree).flatMap(([key, value]) =>
    isMap(value) && Object.keys(value).length > 0
      ? leafPaths(value, [...at, key])
      : [[...at, key].join('.')],
  );
