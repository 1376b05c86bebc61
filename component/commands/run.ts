import type { Command } from 'commander';
import {
  loadConfiguration,
  loadOrLastGood,
  type ConfigurationSources,
} from '../configuration/load-configuration.ts';
import { VedetteError } from '../contract/errors.ts';
import { createLogger, type Logger } from '../logging/create-logger.ts';
import { cameraLine } from './camera-line.ts';
import type { ConfigurationTree } from '../configuration/configuration-layer.ts';
import type { CommandContext } from './command-context.ts';
import type { VedetteProcess } from './vedette-process.ts';

interface RunOptions {
  readonly config?: string;
  readonly demo?: boolean;
  readonly greengrass?: boolean;
  readonly port?: string;
  readonly dataFolder?: string;
}

const CAMERA_LINE_INTERVAL_MS = 3000;

/** `vedette run` */
export function addRunCommand(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('start cameras, models and the local server, until Ctrl-C')
    .option('-c, --config <file>', 'the configuration, YAML or JSON')
    .option('--demo', 'run the demo: people on a walkway, defects on brick')
    .option('--greengrass', 'run as a Greengrass component, configured by its deployment')
    .option('-p, --port <number>', 'port of the local server; 0 takes a free one')
    .option('-d, --data-folder <folder>', 'where database and captures are kept')
    .action((options: RunOptions) => run(options, context));
}

async function run(options: RunOptions, context: CommandContext): Promise<void> {
  const given = [options.demo, options.greengrass, options.config !== undefined];
  if (given.filter(Boolean).length > 1) {
    throw new VedetteError('REQUEST_INVALID', 'Give one of --demo, --greengrass and --config');
  }
  if (options.greengrass) {
    if (options.port !== undefined || options.dataFolder !== undefined) {
      const message =
        'With --greengrass the deployment alone says what runs: no --port, no --data-folder';
      throw new VedetteError('REQUEST_INVALID', message);
    }
    // What runs is loaded by who runs it alone: other commands start sooner and need less memory.
    const { runOnGreengrass } = await import('./run-on-greengrass.ts');
    await runOnGreengrass(context);
    return;
  }
  const file = options.demo ? context.demoFile : options.config;
  const sources: ConfigurationSources = {
    ...(context.machine ? { machine: context.machine } : {}),
    ...(file === undefined ? {} : { file }),
    overrides: {
      ...(options.port === undefined ? {} : { server: { port: options.port } }),
      ...(options.dataFolder === undefined ? {} : { dataFolder: options.dataFolder }),
    },
  };
  const first = await loadOrLastGood(sources);
  const { config } = first.loaded;
  const logger = createLogger({ level: config.log.level, stream: context.stdout });
  const { VedetteProcess: Process } = await import('./vedette-process.ts');
  const { ConfigurationKeeper: Keeper } = await import('./configuration-keeper.ts');
  const vedette = await Process.start(config, context, logger);
  const read = async (station?: ConfigurationTree) => ({
    loaded: await loadConfiguration({ ...sources, ...(station ? { station } : {}) }),
  });
  await vedette.begin(async () => {
    await new Keeper({ vedette, logger, first, read }).open();
    await openControl(vedette, logger);
    if (options.demo) showDemo(vedette, context);
  });
}

/** Presence and commands go the way of messages, where there is one. */
async function openControl(vedette: VedetteProcess, logger: Logger): Promise<void> {
  const { runtime } = vedette;
  const { channel } = runtime.delivery;
  if (channel === undefined) return;
  const { DeviceControl, maintenanceOf } = await import('../control/device-control.ts');
  const control = new DeviceControl({
    ...{ channel, logger, runtime },
    maintenance: maintenanceOf(runtime),
  });
  vedette.accompany(control);
  await control.open();
}

function showDemo(vedette: VedetteProcess, context: CommandContext): void {
  context.stdout.write(`\n  Open ${vedette.address} in a browser. Ctrl-C stops.\n\n`);
  const timer = setInterval(() => {
    for (const camera of vedette.runtime.cameras()) context.stdout.write(`${cameraLine(camera)}\n`);
  }, CAMERA_LINE_INTERVAL_MS);
  timer.unref();
}
