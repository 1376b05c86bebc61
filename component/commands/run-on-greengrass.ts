import {
  loadConfiguration,
  type LoadedConfiguration,
} from '../configuration/load-configuration.ts';
import type { ConfigurationLayer } from '../configuration/configuration-layer.ts';
import { DeploymentConfiguration } from '../greengrass/deployment-configuration.ts';
import { logRefusal } from '../greengrass/deployment-watch.ts';
import { IpcChannel } from '../greengrass/ipc-channel.ts';
import { NucleusLink } from '../greengrass/nucleus-link.ts';
import { createLogger } from '../logging/create-logger.ts';
import type { CommandContext } from './command-context.ts';
import { greengrassLayer } from './device-configuration.ts';
import { GreengrassComponent } from './greengrass-component.ts';
import { writeLauncher } from './launcher.ts';
import { spoolOf } from './model-components.ts';
import { VedetteProcess } from './vedette-process.ts';

/** `vedette run --greengrass`: the configuration comes from the deployment, the state goes to the nucleus. */
export async function runOnGreengrass(context: CommandContext): Promise<void> {
  const { workFolder, thing, address } = context.greengrass;
  const machine = greengrassLayer(context, workFolder);
  const load = (deployment: ConfigurationLayer): Promise<LoadedConfiguration> =>
    loadConfiguration({ machine, deployment });
  let logger = createLogger({ level: 'info', stream: context.stdout });
  let component: GreengrassComponent | undefined;
  const channel = new IpcChannel();
  const link = new NucleusLink({
    address: address(),
    logger,
    onConnected: async (connection) => {
      await channel.attach(connection);
      await component?.connected(connection);
    },
    onLostForGood: () => component?.lostForGood(),
  });
  await link.open();
  const deployment = new DeploymentConfiguration({
    readValues: () => link.connection.configuration(),
    load,
    workFolder,
  });
  try {
    const first = await deployment.read();
    const { config } = first.loaded;
    logger = createLogger({ level: config.log.level, stream: context.stdout });
    logRefusal(logger, first.refusal);
    const vedette = await VedetteProcess.start(config, context, logger, channel);
    await deployment.keep(first.values);
    const inForce = first.values;
    component = new GreengrassComponent({
      ...{ vedette, deployment, logger, workFolder, inForce, channel },
    });
    const spool = spoolOf(vedette, workFolder, logger);
    vedette.accompany(spool);
    await spool.open();
    await writeLauncher(workFolder, context.program, thing);
    await component.connected(link.connection);
    await component.openControl();
  } catch (error) {
    // An open connection would keep a process alive that has failed.
    if (component === undefined) await link.close();
    throw error;
  }
}
