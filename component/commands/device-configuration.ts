import path from 'node:path';
import type {
  ConfigurationLayer,
  ConfigurationTree,
} from '../configuration/configuration-layer.ts';
import { absolutePaths } from '../configuration/configuration-layer.ts';
import {
  loadConfiguration,
  type LoadedConfiguration,
} from '../configuration/load-configuration.ts';
import { readLastGood } from '../greengrass/deployment-configuration.ts';
import type { CommandContext } from './command-context.ts';

/** What commands beside `run` need to find the runtime of this device. */
export type DeviceContext = Pick<CommandContext, 'machine' | 'greengrass'>;

/** What is known of the machine when it runs as a component: below the deployment. */
export function greengrassLayer(
  { machine, greengrass }: DeviceContext,
  workFolder: string,
): ConfigurationLayer {
  const { thing } = greengrass;
  return {
    origin: 'Greengrass',
    tree: {
      ...machine?.tree,
      dataFolder: path.join(workFolder, 'data'),
      ...(thing === undefined ? {} : { thing }),
    },
  };
}

/**
 * The configuration that a command means: that of a file; without one that of the component whose
 * command line this is, as its last start kept it; else the defaults.
 * @throws VedetteError CONFIG_UNREADABLE, CONFIG_INVALID
 */
export async function loadDeviceConfiguration(
  file: string | undefined,
  context: Partial<DeviceContext>,
  overrides: ConfigurationTree = {},
): Promise<LoadedConfiguration> {
  const { machine, greengrass } = context;
  const home = file === undefined ? greengrass?.home : undefined;
  if (home === undefined || greengrass === undefined) {
    return loadConfiguration({
      ...(file === undefined ? {} : { file }),
      ...(machine ? { machine } : {}),
      overrides,
    });
  }
  const values = (await readLastGood(home)) ?? {};
  return loadConfiguration({
    machine: greengrassLayer({ ...(machine ? { machine } : {}), greengrass }, home),
    deployment: { origin: 'deployment', tree: absolutePaths(values, home) },
    overrides,
  });
}
