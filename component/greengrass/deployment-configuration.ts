import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import type {
  ConfigurationLayer,
  ConfigurationTree,
} from '../configuration/configuration-layer.ts';
import { absolutePaths, isMap } from '../configuration/configuration-layer.ts';
import { makeFolder, writeSynced } from '../configuration/write-synced.ts';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import type { ConfigurationValues } from './ipc-connection.ts';

export interface DeploymentConfigurationOptions {
  /** What the deployment says now. */
  readonly readValues: () => Promise<ConfigurationValues>;
  /** Merges it with the other layers and checks the whole. */
  readonly load: (
    deployment: ConfigurationLayer,
    station?: ConfigurationTree,
  ) => Promise<LoadedConfiguration>;
  /** The same, with what the station file said last where it cannot be used. */
  readonly loadAtStart: (
    deployment: ConfigurationLayer,
  ) => Promise<{ readonly loaded: LoadedConfiguration }>;
  /** Where relative paths begin and the last good configuration is kept. */
  readonly workFolder: string;
}

export interface ReadConfiguration {
  readonly loaded: LoadedConfiguration;
  readonly values: ConfigurationValues;
  /** Why what the deployment says is not in force; the last good configuration is. */
  readonly refusal?: VedetteError;
}

const LAST_GOOD = 'last-good-deployment.json';

/** The layer `deployment`: what Greengrass delivers, and what ran last while that is unusable. */
export class DeploymentConfiguration {
  readonly #options: DeploymentConfigurationOptions;
  #kept: string | undefined;
  #said: ConfigurationValues | undefined;
  /** What runs, also where the disk did not take it. */
  #inForce: ConfigurationValues | undefined;

  constructor(options: DeploymentConfigurationOptions) {
    this.#options = options;
  }

  /**
   * What is to run now. A device on a line goes on with what it ran last when a deployment is unusable.
   * @param station in place of what the station file holds
   * @throws VedetteError CONFIG_INVALID when the deployment is and nothing ran before; GREENGRASS_*
   */
  async read(station?: ConfigurationTree): Promise<ReadConfiguration> {
    const values = await this.#values();
    try {
      return { values, loaded: await this.#load(values, 'deployment', station) };
    } catch (thrown) {
      const refusal = VedetteError.from(thrown);
      const lastGood = await this.lastGood(station);
      if (lastGood === undefined) throw refusal;
      return { ...lastGood, refusal };
    }
  }

  /** The same at a start, where a station file that cannot be used is no reason to stand still. */
  async readAtStart(): Promise<ReadConfiguration> {
    try {
      return await this.read();
    } catch (thrown) {
      const values = await this.#values();
      const tree = absolutePaths(values, this.#options.workFolder);
      const { loaded } = await this.#options.loadAtStart({ origin: 'deployment', tree });
      return { values, loaded, refusal: VedetteError.from(thrown) };
    }
  }

  /** While the nucleus is away, what it said last still holds. */
  async #values(): Promise<ConfigurationValues> {
    try {
      this.#said = await this.#options.readValues();
    } catch (error) {
      if (this.#said === undefined) throw error;
    }
    return this.#said;
  }

  /** What ran last, when it still can. */
  async lastGood(station?: ConfigurationTree): Promise<ReadConfiguration | undefined> {
    try {
      const values = this.#inForce ?? (await readLastGood(this.#options.workFolder));
      if (values === undefined) return undefined;
      return { values, loaded: await this.#load(values, 'last good deployment', station) };
    } catch {
      return undefined;
    }
  }

  /** Why these values could not run; `undefined` when they could. */
  async problem(values: ConfigurationValues): Promise<string | undefined> {
    try {
      await this.#load(values, 'deployment');
      return undefined;
    } catch (thrown) {
      return VedetteError.from(thrown).message;
    }
  }

  /** Remembers what runs, so that it can run again. Synced: a power cut leaves the old or the new. */
  async keep(values: ConfigurationValues): Promise<void> {
    const { workFolder } = this.#options;
    this.#inForce = values;
    await makeFolder(workFolder);
    const text = JSON.stringify(values);
    if (text === this.#kept) return;
    await writeSynced(path.join(workFolder, LAST_GOOD), text, 0o600);
    this.#kept = text;
  }

  async #load(
    values: ConfigurationValues,
    origin: string,
    station?: ConfigurationTree,
  ): Promise<LoadedConfiguration> {
    const tree = absolutePaths(values, this.#options.workFolder);
    return this.#options.load({ origin, tree }, station);
  }
}

/** What ran last as the deployment wanted it; nothing when nothing ever did. @throws VedetteError CONFIG_UNREADABLE */
export async function readLastGood(workFolder: string): Promise<ConfigurationValues | undefined> {
  const file = path.join(workFolder, LAST_GOOD);
  try {
    const values: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isMap(values) ? values : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new VedetteError('CONFIG_UNREADABLE', `${file} cannot be read: ${String(error)}`, {
      cause: error,
    });
  }
}
