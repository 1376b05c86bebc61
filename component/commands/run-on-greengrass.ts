import path from 'node:path';
import {
  loadConfiguration,
  type LoadedConfiguration,
} from '../configuration/load-configuration.ts';
import type { ConfigurationLayer } from '../configuration/configuration-layer.ts';
import { VedetteError } from '../contract/errors.ts';
import { DeploymentConfiguration } from '../greengrass/deployment-configuration.ts';
import { ExitAllowance } from '../greengrass/exit-allowance.ts';
import type { ConfigurationValues, IpcConnection } from '../greengrass/ipc-connection.ts';
import { NucleusLink } from '../greengrass/nucleus-link.ts';
import { createLogger, type Logger } from '../logging/create-logger.ts';
import type { CommandContext } from './command-context.ts';
import { greengrassLayer } from './device-configuration.ts';
import { writeLauncher } from './launcher.ts';
import { spoolOf } from './model-components.ts';
import { VedetteProcess } from './vedette-process.ts';

/** A merge sends an event for each of its leaves, in milliseconds. */
const SETTLE_MS = 300;
/** Events may cease without a word (nucleus lite): the configuration is also read this often, in milliseconds. */
const HEARTBEAT_MS = 300_000;
/** Without a result for so long, in milliseconds, a restart disturbs nobody. */
const IDLE_MS = 60_000;
const IDLE_POLL_MS = 10_000;

/** `vedette run --greengrass`: the configuration comes from the deployment, the state goes to the nucleus. */
export async function runOnGreengrass(context: CommandContext): Promise<void> {
  const { workFolder, thing, address } = context.greengrass;
  const machine = greengrassLayer(context, workFolder);
  const load = (deployment: ConfigurationLayer): Promise<LoadedConfiguration> =>
    loadConfiguration({ machine, deployment });
  let logger = createLogger({ level: 'info', stream: context.stdout });
  let component: GreengrassComponent | undefined;
  const link = new NucleusLink({
    address: address(),
    logger,
    onConnected: async (connection) => component?.connected(connection),
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
    const vedette = await VedetteProcess.start(config, context, logger);
    await deployment.keep(first.values);
    const inForce = first.values;
    component = new GreengrassComponent({ vedette, deployment, logger, workFolder, inForce });
    const spool = spoolOf(vedette, workFolder, logger);
    vedette.accompany(spool);
    await spool.open();
    await writeLauncher(workFolder, context.program, thing);
    await component.connected(link.connection);
  } catch (error) {
    // An open connection would keep a process alive that has failed.
    if (component === undefined) await link.close();
    throw error;
  }
}

function logRefusal(logger: Logger, refusal: VedetteError | undefined): void {
  if (refusal === undefined) return;
  const error = refusal.serialize();
  logger.error({ error }, `the deployment's configuration is refused; what ran before goes on`);
}

interface ComponentParts {
  readonly vedette: VedetteProcess;
  readonly deployment: DeploymentConfiguration;
  readonly logger: Logger;
  readonly workFolder: string;
  readonly inForce: ConfigurationValues;
}

/** What goes on between the nucleus and a runtime that runs. */
class GreengrassComponent {
  readonly #parts: ComponentParts;
  #inForce: string;
  #refused = '';
  #settling: NodeJS.Timeout | undefined;
  #applying: Promise<void> = Promise.resolve();
  #lastResultMs = performance.now();

  constructor(parts: ComponentParts) {
    this.#parts = parts;
    this.#inForce = JSON.stringify(parts.inForce);
    setInterval(() => this.#changed(), HEARTBEAT_MS).unref();
  }

  async connected(connection: IpcConnection): Promise<void> {
    const { deployment, logger } = this.#parts;
    await connection.watchConfiguration(() => this.#changed());
    try {
      await connection.judgeConfiguration(({ values }) => deployment.problem(values));
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      if (error.code !== 'GREENGRASS_REFUSED') throw error;
      logger.info('this nucleus does not ask before it changes the configuration');
    }
    await connection.report('RUNNING');
    this.#changed();
  }

  #changed(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#applying = this.#applying.then(() => this.#apply());
    }, SETTLE_MS);
  }

  async #apply(): Promise<void> {
    const { deployment, vedette, logger } = this.#parts;
    try {
      const { values, loaded, refusal } = await deployment.read();
      if (refusal !== undefined) {
        if (refusal.message !== this.#refused) logRefusal(logger, refusal);
        this.#refused = refusal.message;
        return;
      }
      this.#refused = '';
      const text = JSON.stringify(values);
      if (text === this.#inForce) return;
      await vedette.apply(loaded.config);
      logger.info('the configuration of the deployment is in force');
      this.#inForce = text;
      await deployment.keep(values);
    } catch (thrown) {
      const error = VedetteError.from(thrown).serialize();
      logger.error({ error }, 'the configuration of the deployment could not be applied');
    }
  }

  /**
   * The nucleus gives a new token only to a process that it starts. Verdicts matter more: the process
   * waits until nobody needs it, and never ends so often that the component would be given up.
   */
  lostForGood(): void {
    const { vedette, logger, workFolder } = this.#parts;
    const allowance = new ExitAllowance(path.join(workFolder, 'exits.json'));
    logger.error('the nucleus no longer knows this process; it ends when it is idle');
    let unsubscribe = () => {};
    const poll = setInterval(() => {
      unsubscribe();
      unsubscribe = vedette.runtime.subscribe(({ kind }) => {
        if (kind === 'result') this.#lastResultMs = performance.now();
      });
      if (performance.now() - this.#lastResultMs < IDLE_MS) return;
      void allowance.take(Date.now()).then(
        (isAllowed) => {
          if (!isAllowed) return undefined;
          clearInterval(poll);
          return vedette.stop('to be started again by the nucleus', 1);
        },
        (error: unknown) => logger.error({ error: VedetteError.from(error) }, 'cannot count exits'),
      );
    }, IDLE_POLL_MS);
  }
}
