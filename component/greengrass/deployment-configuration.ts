import { open, readFile, rename, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { VedetteError } from '../contract/errors.ts';
import type { ConfigurationLayer } from '../configuration/configuration-layer.ts';
import { absolutePaths, isMap } from '../configuration/configuration-layer.ts';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import type { ConfigurationValues } from './ipc-connection.ts';

export interface DeploymentConfigurationOptions {
  /** What the deployment says now. */
  readonly readValues: () => Promise<ConfigurationValues>;
  /** Merges it with the other layers and checks the whole. */
  readonly load: (deployment: ConfigurationLayer) => Promise<LoadedConfiguration>;
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

  constructor(options: DeploymentConfigurationOptions) {
    this.#options = options;
  }

  /**
   * What is to run now. A device on a line goes on with what it ran last when a deployment is unusable.
   * @throws VedetteError CONFIG_INVALID when the deployment is and nothing ran before; GREENGRASS_*
   */
  async read(): Promise<ReadConfiguration> {
    const values = await this.#options.readValues();
    try {
      return { values, loaded: await this.#load(values, 'deployment') };
    } catch (thrown) {
      const refusal = VedetteError.from(thrown);
      const lastGood = await readLastGood(this.#options.workFolder);
      if (lastGood === undefined) throw refusal;
      const loaded = await this.#load(lastGood, 'last good deployment');
      return { values: lastGood, loaded, refusal };
    }
  }

  /** These values as the layer `deployment`. @throws VedetteError CONFIG_INVALID, CONFIG_UNREADABLE */
  load(values: ConfigurationValues): Promise<LoadedConfiguration> {
    return this.#load(values, 'deployment');
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
    const file = path.join(this.#options.workFolder, LAST_GOOD);
    await mkdir(this.#options.workFolder, { recursive: true });
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(values));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
    const folder = await open(this.#options.workFolder, 'r');
    await folder.sync().finally(() => folder.close());
  }

  async #load(values: ConfigurationValues, origin: string): Promise<LoadedConfiguration> {
    const tree = absolutePaths(values, this.#options.workFolder);
    return this.#options.load({ origin, tree });
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
