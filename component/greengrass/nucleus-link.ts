import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { IpcAddress } from './ipc-client.ts';
import { IpcConnection } from './ipc-connection.ts';

export interface NucleusLinkOptions {
  readonly address: IpcAddress;
  readonly logger: Logger;
  /** Called for every connection, also the first: subscriptions do not outlive one. */
  readonly onConnected: (connection: IpcConnection) => Promise<void>;
  /** Called once when the nucleus no longer knows this process. */
  readonly onLostForGood: () => void;
  /** Before each further attempt, in milliseconds. */
  readonly retryPausesMs?: readonly number[];
}

/** A nucleus that restarts is back within a minute, and then refuses the token of before. */
const RETRY_PAUSES_MS = [1000, 2000, 5000, 10_000, 20_000, 30_000];

/** Keeps one connection to the nucleus, or finds out that there never will be one again. */
export class NucleusLink {
  readonly #options: NucleusLinkOptions;
  readonly #closing = new AbortController();
  #connection: IpcConnection | undefined;

  constructor(options: NucleusLinkOptions) {
    this.#options = options;
  }

  /** @throws VedetteError GREENGRASS_* of the first attempt */
  async open(): Promise<void> {
    await this.#connect();
  }

  /** @throws VedetteError GREENGRASS_UNAVAILABLE while there is no connection */
  get connection(): IpcConnection {
    const connection = this.current;
    if (connection) return connection;
    throw new VedetteError('GREENGRASS_UNAVAILABLE', 'There is no connection to the nucleus now');
  }

  /** `undefined` while there is no connection: who is told of connections hears of the next one. */
  get current(): IpcConnection | undefined {
    return this.#connection?.lost.aborted ? undefined : this.#connection;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
  }

  async #connect(): Promise<void> {
    const connection = await IpcConnection.open(this.#options.address);
    this.#connection = connection;
    try {
      await this.#options.onConnected(connection);
    } catch (error) {
      await connection.close();
      throw error;
    }
    connection.lost.addEventListener('abort', () => void this.#reconnect(), { once: true });
    if (connection.lost.aborted) void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { logger, retryPausesMs = RETRY_PAUSES_MS, onLostForGood } = this.#options;
    if (this.#closing.signal.aborted) return;
    logger.warn('the connection to the nucleus ended; cameras and models go on');
    for (const pauseMs of retryPausesMs) {
      await pause(pauseMs, undefined, { ref: false });
      if (this.#closing.signal.aborted) return;
      try {
        await this.#connect();
        logger.info('connected to the nucleus again');
        return;
      } catch (thrown) {
        logger.warn({ error: VedetteError.from(thrown) }, 'the nucleus did not take us back');
      }
    }
    if (!this.#closing.signal.aborted) onLostForGood();
  }
}
