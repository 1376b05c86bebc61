import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import { loadConfiguration } from '../configuration/load-configuration.ts';
import { readServerToken } from '../configuration/read-server-token.ts';
import { startEdgeRuntime, type LocalEdgeRuntime } from '../local-edge-runtime.ts';
import { createLogger, type Logger } from '../logging/create-logger.ts';
import { cameraLine } from './camera-line.ts';
import type { CommandContext, OpenServer } from './command-context.ts';

interface RunOptions {
  readonly config?: string;
  readonly demo?: boolean;
  readonly port?: string;
  readonly dataFolder?: string;
}

/** Longest time to stop, in milliseconds: Greengrass kills a component 5 s after it asked. */
const STOP_TIMEOUT_MS = 4800;
/** So long the last answers have to reach their clients, in milliseconds. */
const LAST_ANSWERS_MS = 300;
/** Signals so close together are one request, in milliseconds. */
const SAME_REQUEST_MS = 500;
const CAMERA_LINE_INTERVAL_MS = 3000;

/** `vedette run` */
export function addRunCommand(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('start cameras, models and the local server, until Ctrl-C')
    .option('-c, --config <file>', 'the configuration, YAML or JSON')
    .option('--demo', 'run the demo: people on a walkway, defects on brick')
    .option('-p, --port <number>', 'port of the local server; 0 takes a free one')
    .option('-d, --data-folder <folder>', 'where database and captures are kept')
    .action((options: RunOptions) => run(options, context));
}

async function run(options: RunOptions, context: CommandContext): Promise<void> {
  if (options.demo && options.config !== undefined) {
    throw new VedetteError('REQUEST_INVALID', 'Give --demo or --config, not both');
  }
  const file = options.demo ? context.demoFile : options.config;
  const { config } = await loadConfiguration({
    ...(file === undefined ? {} : { file }),
    overrides: {
      ...(options.port === undefined ? {} : { server: { port: options.port } }),
      ...(options.dataFolder === undefined ? {} : { dataFolder: options.dataFolder }),
    },
  });
  const { token: tokenAt, host, port } = config.server;
  const { readSecret, version } = context;
  const token = tokenAt && (await readServerToken(tokenAt, readSecret));
  const logger = createLogger({ level: config.log.level, stream: context.stdout });

  const runtime = await startEdgeRuntime({ config, version, logger, readSecret });
  const stopper = new Stopper(runtime, logger);
  try {
    const settings = { host, port, logger, ...(token === undefined ? {} : { token }) };
    stopper.server = await context.openServer(runtime, settings).catch((cause: unknown) => {
      throw listenError(cause, host, port);
    });
  } catch (error) {
    await stopper.close();
    throw error;
  }
  logger.info({ address: stopper.server.address, version }, `Vedette ${version} is running`);
  if (options.demo) showDemo(runtime, stopper.server.address, context);
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

function showDemo(runtime: LocalEdgeRuntime, address: string, context: CommandContext): void {
  context.stdout.write(`\n  Open ${address} in a browser. Ctrl-C stops.\n\n`);
  const timer = setInterval(() => {
    for (const camera of runtime.cameras()) context.stdout.write(`${cameraLine(camera)}\n`);
  }, CAMERA_LINE_INTERVAL_MS);
  timer.unref();
}

/** Ends the process in order, whatever asks for it. */
class Stopper {
  server: OpenServer | undefined;
  readonly #runtime: LocalEdgeRuntime;
  readonly #logger: Logger;
  #stoppingSinceMs: number | undefined;

  constructor(runtime: LocalEdgeRuntime, logger: Logger) {
    this.#runtime = runtime;
    this.#logger = logger;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => void this.#stop(`asked by ${signal}`, 0));
    }
    process.on('uncaughtException', (error) => {
      this.#logger.fatal({ error }, 'a defect: the process stops and should be started again');
      void this.#stop('after a defect', 1);
    });
  }

  /** Closes everything; what does not end in time is left. */
  async close(): Promise<{ readonly isInsideRun: boolean }> {
    const serverClosed = this.server?.close();
    const report = await this.#runtime.close();
    // Every request is answered by now. Whoever holds a connection open does not hold up the end.
    await Promise.race([serverClosed, pause(LAST_ANSWERS_MS)]);
    this.server?.endConnections();
    await serverClosed;
    return report;
  }

  async #stop(reason: string, exitCode: number): Promise<void> {
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
      ({ isInsideRun } = await this.close());
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
