import { isIP } from 'node:net';
import { runtimeConfigSchema, type RuntimeConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import { cameraProblems } from './camera-problems.ts';
import {
  isMap,
  mapAt,
  readLayer,
  type ConfigurationLayer,
  type ConfigurationTree,
} from './configuration-layer.ts';
import {
  configurationError,
  problemsOf,
  type ConfigurationProblem,
} from './configuration-problem.ts';
import { chainProblems } from './chain-problems.ts';
import { productProblems } from './product-problems.ts';
import { remoteLayer } from './remote-settings.ts';
import { ruleProblems } from './rule-problems.ts';
import { triggerProblems } from './trigger-problems.ts';
import { spaceProblems } from './space-problems.ts';
import { StationFile } from './station-file.ts';
import { sharingProblems } from './sharing-problems.ts';
import { scalingProblems } from './scaling-problems.ts';
import { tilingProblems } from './tiling-problems.ts';

export interface LoadedConfiguration {
  readonly config: RuntimeConfig;
  /** The layers above the defaults, in order. */
  readonly layers: readonly ConfigurationLayer[];
  /** The one of the station file, when there is one. */
  readonly station: ConfigurationTree | undefined;
}

export interface ConfigurationSources {
  /** A file in the deployment's place. */
  readonly file?: string;
  /** What a deployment sets; relative paths in it are relative to the working folder. */
  readonly deployment?: ConfigurationLayer;
  /** What is known of the machine: below the deployment. */
  readonly machine?: ConfigurationLayer;
  /** What the station file is to hold, in place of what it holds. */
  readonly station?: ConfigurationTree;
  /** What the command line says: above everything. */
  readonly overrides?: ConfigurationTree;
}

/**
 * Merges the layers (defaults in code → machine → deployment → station file in the data folder → what
 * the device shadow desired → command line) and validates the whole.
 * @throws VedetteError CONFIG_UNREADABLE, CONFIG_INVALID with every problem in `details.problems`
 */
export async function loadConfiguration(
  sources: ConfigurationSources,
): Promise<LoadedConfiguration> {
  const { deployment, below, above } = await layersOf(sources);
  const stationFile = new StationFile(dataFolderOf([...below, ...above]));
  const problems: ConfigurationProblem[] = [];
  const layers = [...below, ...above];
  const station = sources.station ?? (await stationFile.layer());
  if (station) {
    problems.push(...lockedProblems(station, deployment?.tree));
    layers.splice(below.length, 0, { origin: `station (${stationFile.file})`, tree: station });
  }

  const remote = await remoteLayer(dataFolderOf([...below, ...above]), layers);
  if (remote) layers.splice(layers.length - above.length, 0, remote);

  const merged = layers.reduce<ConfigurationTree>((tree, layer) => merge(tree, layer.tree), {});
  const parsed = runtimeConfigSchema.safeParse(merged);
  if (!parsed.success) problems.push(...problemsOf(parsed.error, merged));
  problems.push(...referenceProblems(merged));
  if (!parsed.success || problems.length > 0) {
    throw configurationError(problems, 'The configuration');
  }
  return { config: parsed.data, layers, station };
}

/**
 * As `loadConfiguration`; when that is not possible, but was with what the station file said when it was
 * in force last, that is taken: nobody who writes into a file stops a line with the next start.
 */
export async function loadOrLastGood(
  sources: ConfigurationSources,
): Promise<{ readonly loaded: LoadedConfiguration; readonly refusal?: VedetteError }> {
  try {
    return { loaded: await loadConfiguration(sources) };
  } catch (thrown) {
    const refusal = VedetteError.from(thrown);
    try {
      const { below, above } = await layersOf(sources);
      const station = await new StationFile(dataFolderOf([...below, ...above])).lastGood();
      if (station === undefined) throw refusal;
      return { loaded: await loadConfiguration({ ...sources, station }), refusal };
    } catch {
      throw refusal;
    }
  }
}

/** All but the station file. */
async function layersOf({ file, machine, overrides = {}, ...sources }: ConfigurationSources) {
  const deployment =
    file === undefined ? sources.deployment : await readLayer(file, `deployment (${file})`);
  const below = [machine, deployment].filter((layer) => layer !== undefined);
  const isOverridden = Object.keys(overrides).length > 0;
  const above: ConfigurationLayer[] = isOverridden
    ? [{ origin: 'command line', tree: overrides }]
    : [];
  return { deployment, below, above };
}

/** Maps are merged key by key, everything else is replaced: the rule of a Greengrass merge. */
export function merge(below: ConfigurationTree, above: ConfigurationTree): ConfigurationTree {
  const result: ConfigurationTree = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    result[key] = isMap(old) && isMap(value) ? merge(old, value) : value;
  }
  return result;
}

function dataFolderOf(layers: readonly ConfigurationLayer[]): string {
  const named = layers
    .map((layer) => layer.tree['dataFolder'])
    .findLast((v) => typeof v === 'string');
  return named ?? runtimeConfigSchema.parse({}).dataFolder;
}

/** The deployment may lock paths against the station file: `locks: { "cameras.dock.source": true }`. */
function lockedProblems(
  station: ConfigurationTree,
  deployment: ConfigurationTree | undefined,
): ConfigurationProblem[] {
  const locks = mapAt(deployment ?? {}, 'locks');
  const locked = Object.keys(locks).filter(
    (path) => locks[path] === true || locks[path] === 'true',
  );
  return [...locked, 'dataFolder', 'locks']
    .filter((path) => valueAt(station, path.split('.')) !== undefined)
    .map((path) => ({
      path,
      message: `is set in the station file, but only the deployment may set it`,
    }));
}

function valueAt(tree: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((node, key) => (isMap(node) ? node[key] : undefined), tree);
}

/** What no single value shows: names that must exist elsewhere, values that must fit each other. */
function referenceProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const models = Object.keys(mapAt(tree, 'models'));
  const chains = Object.keys(mapAt(tree, 'chains'));
  const cameras = Object.keys(mapAt(tree, 'cameras'));
  const mustExist = (path: string, name: unknown, known: readonly string[], what: string) => {
    if (typeof name !== 'string' || known.includes(name)) return;
    const list = known.length === 0 ? 'none is configured' : `configured are ${known.join(', ')}`;
    problems.push({ path, message: `names the ${what} ${JSON.stringify(name)}, but ${list}` });
  };
  for (const [name, camera] of Object.entries(mapAt(tree, 'cameras'))) {
    if (!isMap(camera)) continue;
    mustExist(`cameras.${name}.model`, camera['model'], [...models, ...chains], 'model or chain');
    problems.push(...cameraProblems(name, camera));
  }
  for (const section of ['rules', 'captures', 'zones', 'lines', 'triggers', 'outputs']) {
    for (const [name, rule] of Object.entries(mapAt(tree, section))) {
      if (isMap(rule)) mustExist(`${section}.${name}.camera`, rule['camera'], cameras, 'camera');
    }
  }
  problems.push(
    ...chainProblems(tree),
    ...productProblems(tree),
    ...ruleProblems(tree),
    ...spaceProblems(tree),
    ...scalingProblems(tree),
    ...sharingProblems(tree),
    ...tilingProblems(tree),
    ...triggerProblems(tree),
  );
  for (const [name, rule] of Object.entries(mapAt(tree, 'captures'))) {
    if (isMap(rule)) problems.push(...captureRuleProblems(`captures.${name}`, rule));
  }
  const server = mapAt(tree, 'server');
  const host = server['host'];
  if (typeof host === 'string' && !isLoopback(host) && server['token'] === undefined) {
    problems.push({
      path: 'server.token',
      message: `is required when the server listens on ${host}: set { file: … } or { env: … }, or listen on 127.0.0.1`,
    });
  }
  return problems;
}

function captureRuleProblems(path: string, rule: ConfigurationTree): ConfigurationProblem[] {
  const outcomes = Object.values(mapAt(rule, 'outcomes'));
  const hasOutcome = outcomes.some((isKept) => isKept === true || isKept === 'true');
  if (hasOutcome || rule['everyNth'] !== undefined || rule['scoreBelow'] !== undefined) return [];
  return [
    {
      path,
      message:
        'would keep nothing: needs `everyNth`, `scoreBelow` or an outcome such as ' +
        '`outcomes: { fail: true }`',
    },
  ];
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
