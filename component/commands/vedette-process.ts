import { setTimeout as pause } from 'node:timers/promises';
import { readServerToken } from '../configuration/read-server-token.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import { startEdgeRuntime, type LocalEdgeRuntime } from '../local-edge-runtime.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { CommandContext, OpenServer } from './command-context.ts';
import { announceRuntime, retractRuntime } from './running-runtime.ts';

/** Longest time to stop, in milliseconds: Greengrass kills a component 5 s after it asked. */
const STOP_TIMEOUT_MS = 4800;
/** So long the last answers have to reach their clients, in milliseconds. */
const LAST_ANSWERS_MS = 300;
/** Signals so close together are one request, in milliseconds. */
const SAME_REQUEST_MS = 500;

/** The runtime and its server in this process, ended in order whatever asks for it. */
export class VedetteProcess {
  readonly #context: CommandContext;
  readonly #logger: Logger;
  #runtime: LocalEdgeRuntime | undefined;
  #server: OpenServer | undefined;
  readonly #companions: { close(): Promise<unknown> }[] = [];
  #stoppingSinceMs: number | undefined;

  /** @throws VedetteError of the runtime's start; PORT_IN_USE, CONFIG_INVALID when it cannot listen */
  static async start(
    config: RuntimeConfig,
    context: CommandContext,
    logger: Logger,
  ): Promise<VedetteProcess> {
    const vedette = new VedetteProcess(context, logger);
    await vedette.#open(config, () => vedette.#listenToSignals());
    return vedette;
  }

  private constructor(context: CommandContext, logger: Logger) {
    this.#context = context;
    this.#logger = logger;
  }

  get runtime(): LocalEdgeRuntime {
    if (this.#runtime) return this.#runtime;
    throw new VedetteError(
      'MODEL_NOT_READY',
      'The runtime is being started with another configuration',
    );
  }

  get address(): string {
    return this.#server?.address ?? '';
  }

  /** Closes it before the runtime when the process ends. */
  accompany(companion: { close(): Promise<unknown> }): void {
    this.#companions.push(companion);
  }

  /** Runs with another configuration in the same process; with the one of before when it cannot start. */
  async replace(config: RuntimeConfig): Promise<void> {
    const before = this.runtime.config;
    await this.#close();
    try {
      await this.#open(config);
    } catch (error) {
      await this.#open(before);
      throw error;
    }
  }

  async #open(config: RuntimeConfig, onStarted: () => void = () => {}): Promise<void> {
    const { token: tokenAt, host, port } = config.server;
    const { readSecret, version } = this.#context;
    const logger = this.#logger;
    const token = tokenAt && (await readServerToken(tokenAt, readSecret));
    this.#runtime = await startEdgeRuntime({ config, version, logger, readSecret });
    onStarted();
    try {
      const settings = { host, port, logger, ...(token === undefined ? {} : { token }) };
      this.#server = await this.#context
        .openServer(this.#runtime, settings)
        .catch((cause: unknown) => {
          throw listenError(cause, host, port);
        });
    } catch (error) {
      await this.#close();
      throw error;
    }
    const { address } = this.#server;
    await announceRuntime(config.dataFolder, { address, version }).catch((error: unknown) =>
      logger.warn({ error }, 'commands on this device will not find the runtime by themselves'),
    );
    logger.info({ address, version }, `Vedette ${version} is running`);
  }

  /** Closes everything; what does not end in time is left. */
  async #close(): Promise<{ readonly isInsideRun: boolean }> {
    const [server, runtime] = [this.#server, this.#runtime];
    this.#server = undefined;
    this.#runtime = undefined;
    if (server && runtime) await retractRuntime(runtime.config.dataFolder);
    const serverClosed = server?.close();
    const report = (await runtime?.close()) ?? { isInsideRun: false };
    // Every request is answered by now. Whoever holds a connection open does not hold up the end.
    await Promise.race([serverClosed, pause(LAST_ANSWERS_MS)]);
    server?.endConnections();
    await serverClosed;
    return report;
  }

  #listenToSignals(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => void this.stop(`asked by ${signal}`, 0));
    }
    process.on('uncaughtException', (error) => {
      this.#logger.fatal({ error }, 'a defect: the process stops and should be started again');
      void this.stop('after a defect', 1);
    });
  }

  /** Ends the process. */
  async stop(reason: string, exitCode: number): Promise<void> {
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
    let code = exitCode;
    try {
      await Promise.all(this.#companions.map((companion) => companion.close()));
      ({ isInsideRun } = await this.#close());
    } catch (error) {
      this.#logger.error({ error }, 'could not close everything');
      code ||= 1;
      // Whether a model still runs is unknown now.
      isInsideRun = true;
    }
    clearTimeout(timeout);
    this.#logger.info('stopped');
    if (isInsideRun) process.kill(process.pid, 'SIGKILL');
    process.exit(code);
  }
}

function listenError(cause: unknown, host: string, port: number): VedetteError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new VedetteError('PORT_IN_USE', `Port ${port} on ${host} is taken by another program`, {
      cause,
      details: { host, port },
    });
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    const reason = code === 'EACCES' ? 'needs more rights' : 'is no address of this machine';
    return new VedetteError('CONFIG_INVALID', `Cannot listen on ${host}:${port}: it ${reason}`, {
      cause,
    });
  }
  return VedetteError.from(cause);
}
