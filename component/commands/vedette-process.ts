import { setTimeout as pause } from 'node:timers/promises';
import { areFolderCallsUnderWay } from '../camera/folder-calls.ts';
import { configurationChanges, needsProcess } from '../configuration/configuration-changes.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import type { MessageChannel } from '../contract/message-channel.ts';
import { readServerToken } from '../configuration/read-server-token.ts';
import { VedetteError } from '../contract/errors.ts';
import type { LocalEdgeRuntime } from '../local-edge-runtime.ts';
import { startEdgeRuntime } from '../start-edge-runtime.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { CommandContext, OpenServer } from './command-context.ts';
import { announceRuntime, retractRuntime } from './running-runtime.ts';
import { openServer } from './open-server.ts';

/** Longest time to stop, in milliseconds: Greengrass kills a component 5 s after it asked. */
const STOP_TIMEOUT_MS = 4800;
/** So long the last answers have to reach their clients, in milliseconds. */
const LAST_ANSWERS_MS = 300;
/** So long a server that is replaced may go on answering, in milliseconds. */
const REPLACED_SERVER_MS = 4000;
const LISTEN_AGAIN_MS = 20;
/** Signals so close together are one request, in milliseconds. */
const SAME_REQUEST_MS = 500;

/** The runtime and its server in this process, ended in order whatever asks for it. */
export class VedetteProcess {
  readonly #context: CommandContext;
  readonly #logger: Logger;
  readonly #greengrass: MessageChannel | undefined;
  #runtime: LocalEdgeRuntime | undefined;
  #server: OpenServer | undefined;
  readonly #companions: { close(): Promise<unknown> }[] = [];
  readonly #listening: (() => void)[] = [];
  #stoppingSinceMs: number | undefined;

  /** @throws VedetteError of the runtime's start; PORT_IN_USE, CONFIG_INVALID when it cannot listen */
  static async start(
    config: RuntimeConfig,
    context: CommandContext,
    logger: Logger,
    greengrass?: MessageChannel,
  ): Promise<VedetteProcess> {
    const vedette = new VedetteProcess(context, logger, greengrass);
    await vedette.#open(config);
    return vedette;
  }

  private constructor(context: CommandContext, logger: Logger, greengrass?: MessageChannel) {
    this.#context = context;
    this.#logger = logger;
    this.#greengrass = greengrass;
  }

  get runtime(): LocalEdgeRuntime {
    if (this.#runtime) return this.#runtime;
    throw new VedetteError('SHUTTING_DOWN', 'The process is stopping');
  }

  get address(): string {
    return this.#server?.address ?? '';
  }

  /** Closes it before the runtime when the process ends. */
  accompany(companion: { close(): Promise<unknown> }): void {
    this.#companions.push(companion);
  }

  /**
   * Puts another configuration in force while the runtime goes on. What the schema says needs another
   * process has this one start again as itself: `restarting` then.
   * @throws VedetteError as LocalEdgeRuntime.apply, and PORT_IN_USE, CONFIG_INVALID,
   * SECRET_UNAVAILABLE of the server: the configuration of before is in force then
   */
  async apply(next: RuntimeConfig): Promise<'in-force' | 'restarting'> {
    const { runtime } = this;
    if (needsProcess(runtime.config, next)) {
      void this.#end('the new configuration needs another process', this.#context.executeAgain);
      return 'restarting';
    }
    const isServerOther = configurationChanges(runtime.config, next).some(
      ({ restart }) => restart === 'server',
    );
    const beside = isServerOther ? await this.#listenBeside(next) : undefined;
    try {
      await runtime.apply(next);
    } catch (error) {
      await closeServer(beside);
      throw error;
    }
    if (isServerOther) await this.#serve(beside, next);
    this.#server?.configured();
    return 'in-force';
  }

  /**
   * On another port the new server listens before the old one is closed: what cannot be listened on is
   * refused. On the same one it cannot.
   */
  async #listenBeside(next: RuntimeConfig): Promise<OpenServer | undefined> {
    const { host, port } = this.runtime.config.server;
    const isSamePort = next.server.port === port && port !== 0;
    if (!isSamePort) return this.#openServer(next);
    // All but the port itself is tried before.
    if (next.server.host === host) {
      const { token } = next.server;
      if (token) await readServerToken(token, this.#context.readSecret);
    } else {
      const anyPort = { ...next, server: { ...next.server, port: 0 } };
      await closeServer(await this.#openServer(anyPort));
    }
    return undefined;
  }

  /** The server of before ends by itself: who asked it for this change is still to be answered. */
  async #serve(beside: OpenServer | undefined, config: RuntimeConfig): Promise<void> {
    void closeServer(this.#server).catch((error: unknown) =>
      this.#logger.error({ error: VedetteError.from(error) }, 'the old server could not be closed'),
    );
    try {
      this.#server = beside ?? (await this.#openFreed(config));
    } catch (error) {
      void this.stop(`the local server cannot be opened again: ${String(error)}`, 1);
      throw error;
    }
    const { address } = this.#server;
    await this.#announce(config.dataFolder, address);
    this.#logger.info({ address }, 'the local server was started again');
  }

  /** On the port that the server of before is about to give back. */
  async #openFreed(config: RuntimeConfig): Promise<OpenServer> {
    for (const deadline = performance.now() + REPLACED_SERVER_MS; ;) {
      try {
        return await this.#openServer(config);
      } catch (thrown) {
        const { code } = VedetteError.from(thrown);
        if (code !== 'PORT_IN_USE' || performance.now() > deadline) throw thrown;
        await pause(LISTEN_AGAIN_MS);
      }
    }
  }

  #openServer(config: RuntimeConfig): Promise<OpenServer> {
    return openServer(this.runtime, config, this.#context, this.#logger);
  }

  async #open(config: RuntimeConfig): Promise<void> {
    const { readSecret, version } = this.#context;
    const logger = this.#logger;
    // What a token lacks is found before anything is opened.
    if (config.server.token) await readServerToken(config.server.token, readSecret);
    this.#runtime = await startEdgeRuntime({
      config,
      version,
      logger,
      readSecret,
      ...(this.#greengrass ? { greengrass: this.#greengrass } : {}),
    });
    this.#listenToSignals();
    await this.begin(async () => {
      try {
        this.#server = await this.#openServer(config);
      } catch (error) {
        for (const end of this.#listening) end();
        await this.#close();
        throw error;
      }
      const { address } = this.#server;
      await this.#announce(config.dataFolder, address);
      logger.info({ address, version }, `Vedette ${version} is running`);
    });
  }

  /** What belongs to the start. When the end was asked for meanwhile, that it cannot be done is no failure. */
  async begin(start: () => Promise<void>): Promise<void> {
    try {
      await start();
    } catch (error) {
      if (this.#stoppingSinceMs === undefined) throw error;
      this.#logger.info(
        { error: VedetteError.from(error).serialize() },
        'the start was broken off',
      );
    }
  }

  async #announce(dataFolder: string, address: string): Promise<void> {
    const { version } = this.#context;
    await announceRuntime(dataFolder, { address, version }).catch((error: unknown) =>
      this.#logger.warn(
        { error },
        'commands on this device will not find the runtime by themselves',
      ),
    );
  }

  /** Closes everything; what does not end in time is left. */
  async #close(): Promise<{ readonly isInsideRun: boolean }> {
    const [server, runtime] = [this.#server, this.#runtime];
    this.#server = undefined;
    this.#runtime = undefined;
    if (server && runtime) await retractRuntime(runtime.config.dataFolder);
    const closed = server?.close();
    const report = (await runtime?.close()) ?? { isInsideRun: false };
    await connectionsEnded(server, closed, LAST_ANSWERS_MS);
    return report;
  }

  #listenToSignals(): void {
    const on = (event: string, listener: (error: Error) => void) => {
      process.on(event, listener);
      this.#listening.push(() => process.off(event, listener));
    };
    for (const signal of ['SIGINT', 'SIGTERM']) {
      on(signal, () => void this.stop(`asked by ${signal}`, 0));
    }
    on('uncaughtException', (error) => {
      this.#logger.fatal({ error }, 'a defect: the process stops and should be started again');
      void this.stop('after a defect', 1);
    });
  }

  /** Ends the process. */
  async stop(reason: string, exitCode: number): Promise<void> {
    await this.#end(reason, (isInsideRun, isFailed) => {
      if (isInsideRun || areFolderCallsUnderWay()) process.kill(process.pid, 'SIGKILL');
      process.exit(isFailed ? exitCode || 1 : exitCode);
    });
  }

  async #end(
    reason: string,
    end: (isInsideRun: boolean, isFailed: boolean) => void,
  ): Promise<void> {
    if (this.#stoppingSinceMs !== undefined) {
      // One Ctrl-C may arrive twice: from the terminal and from a parent that passes it on.
      if (performance.now() - this.#stoppingSinceMs < SAME_REQUEST_MS) return;
      // Whoever asks twice does not want to wait. A plain exit would abort inside ONNX Runtime.
      process.kill(process.pid, 'SIGKILL');
    }
    this.#stoppingSinceMs = performance.now();
    this.#logger.info(`stopping: ${reason}`);
    const timeout = setTimeout(() => {
      this.#logger.error('could not stop in time; the process is killed');
      process.kill(process.pid, 'SIGKILL');
    }, STOP_TIMEOUT_MS);
    let isInsideRun = false;
    let isFailed = false;
    try {
      await Promise.all(this.#companions.map((companion) => companion.close()));
      ({ isInsideRun } = await this.#close());
    } catch (error) {
      this.#logger.error({ error }, 'could not close everything');
      isFailed = true;
      // Whether a model still runs is unknown now.
      isInsideRun = true;
    }
    clearTimeout(timeout);
    this.#logger.info('stopped');
    end(isInsideRun, isFailed);
  }
}

/** Requests that it has taken are answered; streams end. */
async function closeServer(server: OpenServer | undefined): Promise<void> {
  await connectionsEnded(server, server?.close(), REPLACED_SERVER_MS);
}

/** Whoever holds a connection open does not hold up the end. */
async function connectionsEnded(
  server: OpenServer | undefined,
  closed: Promise<unknown> | undefined,
  withinMs: number,
): Promise<void> {
  await Promise.race([closed, pause(withinMs)]);
  server?.endConnections();
  await closed;
}
