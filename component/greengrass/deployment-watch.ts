import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { DeploymentConfiguration } from './deployment-configuration.ts';
import type { IpcConnection } from './ipc-connection.ts';

/** A merge sends an event for each of its leaves, in milliseconds. */
const SETTLE_MS = 300;
/** Events may cease without a word (nucleus lite): the configuration is also read this often, in milliseconds. */
const HEARTBEAT_MS = 300_000;

export interface DeploymentWatchOptions {
  readonly deployment: DeploymentConfiguration;
  readonly logger: Logger;
  /**
   * Reads every layer and puts it in force; never rejects.
   * @returns milliseconds until it is asked again, while the line must not be disturbed
   */
  readonly refresh: (by: 'deployment' | 'heartbeat') => Promise<number | undefined>;
  readonly heartbeatMs?: number;
}

/** Notices that the deployment configures something else: by the nucleus' events, and without them. */
export class DeploymentWatch {
  readonly #options: DeploymentWatchOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;

  constructor(options: DeploymentWatchOptions) {
    this.#options = options;
    const { heartbeatMs = HEARTBEAT_MS } = options;
    this.#heartbeat = setInterval(() => void this.#refresh('heartbeat'), heartbeatMs);
    this.#heartbeat.unref();
  }

  /** Subscribes over a new connection, and looks at what was missed. */
  async connected(connection: IpcConnection): Promise<void> {
    const { deployment, logger } = this.#options;
    await connection.watchConfiguration(() => this.changed());
    try {
      await connection.judgeConfiguration(
        ({ values }) => deployment.problem(values),
        (error) =>
          logger.warn(
            { error: error.serialize() },
            'the nucleus was not told whether a configuration can run',
          ),
      );
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      if (error.code !== 'GREENGRASS_REFUSED') throw error;
      logger.info('this nucleus does not ask before it changes the configuration');
    }
  }

  /** The configuration is read again, in a moment. */
  changed(afterMs = SETTLE_MS): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.#refresh('deployment'), afterMs);
    if (afterMs > SETTLE_MS) this.#settling.unref();
  }

  close(): void {
    clearTimeout(this.#settling);
    clearInterval(this.#heartbeat);
  }

  async #refresh(by: 'deployment' | 'heartbeat'): Promise<void> {
    const waitMs = await this.#options.refresh(by);
    if (waitMs !== undefined) this.changed(waitMs);
  }
}
