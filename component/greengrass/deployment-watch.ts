import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { DeploymentConfiguration } from './deployment-configuration.ts';
import type { ConfigurationValues, IpcConnection } from './ipc-connection.ts';

/** A merge sends an event for each of its leaves, in milliseconds. */
const SETTLE_MS = 300;
/** Events may cease without a word (nucleus lite): the configuration is also read this often, in milliseconds. */
const HEARTBEAT_MS = 300_000;

export interface DeploymentWatchOptions {
  readonly deployment: DeploymentConfiguration;
  readonly logger: Logger;
  /** What runs already. */
  readonly inForce: ConfigurationValues;
  /** Puts it in force. @throws VedetteError why it is not */
  readonly apply: (loaded: LoadedConfiguration) => Promise<void>;
  /** Milliseconds until it is asked again, while the line must not be disturbed; `undefined`: now. */
  readonly waitFor: (loaded: LoadedConfiguration) => number | undefined;
  /** What the deployment says is not in force, and why. */
  readonly onRefused: (reason: VedetteError) => void;
}

/** Follows what the deployment configures: read as a whole on any event, applied or refused as a whole. */
export class DeploymentWatch {
  readonly #options: DeploymentWatchOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #inForce: ConfigurationValues;
  #refused = '';
  /** The runtime was told that something is not in force. */
  #isRefused = false;
  #settling: NodeJS.Timeout | undefined;
  #applying: Promise<void> = Promise.resolve();

  constructor(options: DeploymentWatchOptions) {
    this.#options = options;
    this.#inForce = options.inForce;
    this.#heartbeat = setInterval(() => this.changed(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** Subscribes over a new connection, and looks at what was missed. */
  async connected(connection: IpcConnection): Promise<void> {
    const { deployment, logger } = this.#options;
    await connection.watchConfiguration(() => this.changed());
    try {
      await connection.judgeConfiguration(({ values }) => deployment.problem(values));
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      if (error.code !== 'GREENGRASS_REFUSED') throw error;
      logger.info('this nucleus does not ask before it changes the configuration');
    }
  }

  /** The configuration is read again, in a moment. */
  changed(afterMs = SETTLE_MS): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#applying = this.#applying.then(() => this.#apply());
    }, afterMs);
    if (afterMs > SETTLE_MS) this.#settling.unref();
  }

  /** Applies what is in force of the deployment with what other layers say now. @throws VedetteError */
  async reload(): Promise<void> {
    const { deployment, apply } = this.#options;
    const reloading = this.#applying.then(async () => apply(await deployment.load(this.#inForce)));
    this.#applying = reloading.catch(() => undefined);
    await reloading;
  }

  close(): void {
    clearTimeout(this.#settling);
    clearInterval(this.#heartbeat);
  }

  async #apply(): Promise<void> {
    const { deployment, logger, apply, waitFor, onRefused } = this.#options;
    try {
      const { values, loaded, refusal } = await deployment.read();
      if (refusal !== undefined) {
        if (refusal.message !== this.#refused) {
          logRefusal(logger, refusal);
          onRefused(refusal);
          this.#isRefused = true;
        }
        this.#refused = refusal.message;
        return;
      }
      this.#refused = '';
      const isSame = JSON.stringify(values) === JSON.stringify(this.#inForce);
      // What was refused, or waited, was taken back.
      if (isSame && !this.#isRefused) return;
      const waitMs = isSame ? undefined : waitFor(loaded);
      if (waitMs !== undefined) {
        this.#isRefused = true;
        this.changed(waitMs);
        return;
      }
      await apply(loaded);
      this.#isRefused = false;
      if (isSame) return;
      logger.info('the configuration of the deployment is in force');
      this.#inForce = values;
      await deployment.keep(values);
    } catch (thrown) {
      const error = VedetteError.from(thrown).serialize();
      logger.error({ error }, 'the configuration of the deployment could not be applied');
    }
  }
}

export function logRefusal(logger: Logger, refusal: VedetteError | undefined): void {
  if (refusal === undefined) return;
  const error = refusal.serialize();
  logger.error({ error }, `the deployment's configuration is refused; what ran before goes on`);
}
