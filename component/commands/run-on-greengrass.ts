import { needsProcess } from '../configuration/configuration-changes.ts';
import { loadConfiguration, loadOrLastGood } from '../configuration/load-configuration.ts';
import { VedetteError } from '../contract/errors.ts';
import {
  DeploymentConfiguration,
  type ReadConfiguration,
} from '../greengrass/deployment-configuration.ts';
import { IpcChannel } from '../greengrass/ipc-channel.ts';
import { NucleusLink } from '../greengrass/nucleus-link.ts';
import { createLogger, type Logger } from '../logging/create-logger.ts';
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
  let logger = createLogger({ level: 'info', stream: context.stdout });
  let component: GreengrassComponent | undefined;
  let isLostForGood = false;
  let started: VedetteProcess | undefined;
  const channel = new IpcChannel(logger);
  const link = new NucleusLink({
    address: address(),
    logger,
    onConnected: async (connection) => {
      await channel.attach(connection);
      await component?.connected(connection);
    },
    onLostForGood: () => {
      isLostForGood = true;
      component?.lostForGood();
    },
  });
  await link.open();
  const deployment = new DeploymentConfiguration({
    readValues: () => link.connection.configuration(),
    load: (layer, station) =>
      loadConfiguration({ machine, deployment: layer, ...(station ? { station } : {}) }),
    loadAtStart: (layer) => loadOrLastGood({ machine, deployment: layer }),
    workFolder,
  });
  try {
    const asked = await deployment.readAtStart();
    logger = createLogger({ level: asked.loaded.config.log.level, stream: context.stdout });
    const { vedette, first } = await startWith(asked, deployment, (config) =>
      VedetteProcess.start(config, context, logger, channel),
    );
    started = vedette;
    await vedette.begin(async () => {
      component = new GreengrassComponent({
        ...{ vedette, deployment, logger, workFolder, first, channel },
      });
      await component.openConfiguration();
      const spool = spoolOf(vedette, workFolder, logger);
      vedette.accompany(spool);
      await spool.open();
      await writeLauncher(workFolder, context.program, thing);
      await introduce(component, link, logger);
      await component.openControl();
      // The nucleus may have gone for good while all this began.
      if (isLostForGood) component.lostForGood();
    });
  } catch (error) {
    // What is open would keep a process alive that has failed, and that nobody starts again.
    await link.close();
    if (started) {
      logger.fatal({ error: VedetteError.from(error) }, 'the component could not be started whole');
      await started.stop('the start failed', 1);
    }
    throw error;
  }
}

/** A nucleus that goes away meanwhile is told over the next connection: what runs goes on. */
async function introduce(
  component: GreengrassComponent,
  link: NucleusLink,
  logger: Logger,
): Promise<void> {
  const { current } = link;
  if (!current) return;
  try {
    await component.connected(current);
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    if (error.code !== 'GREENGRASS_UNAVAILABLE' && error.code !== 'GREENGRASS_TIMEOUT') throw error;
    logger.warn(
      { error: error.serialize() },
      'the nucleus did not hear that this runs; it is told over the next connection',
    );
    // Whatever broke: the link goes on with another one.
    await current.close();
  }
}

/**
 * What ran before starts first, and the deployment's changes are then made as while it runs: as a whole
 * or not at all. Only what needs another process is there from the start, and gives way when it cannot be.
 */
async function startWith(
  asked: ReadConfiguration,
  deployment: DeploymentConfiguration,
  start: (config: ReadConfiguration['loaded']['config']) => Promise<VedetteProcess>,
): Promise<{ readonly vedette: VedetteProcess; readonly first: ReadConfiguration }> {
  const before = await deployment.lastGood();
  const startFrom = async (first: ReadConfiguration) => ({
    vedette: await start(first.loaded.config),
    first,
  });
  if (before && !needsProcess(before.loaded.config, asked.loaded.config)) {
    return startFrom({ ...asked, ...before });
  }
  try {
    return await startFrom(asked);
  } catch (thrown) {
    if (!before) throw thrown;
    return startFrom({ ...before, refusal: VedetteError.from(thrown) });
  }
}
