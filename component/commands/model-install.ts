import type { Command } from 'commander';
import { runtimeConfigSchema } from '../contract/config.ts';
import { modelConfigSchema } from '../contract/model-config.ts';
import { VedetteError } from '../contract/errors.ts';
import { parseModelReference } from '../contract/model-manifest.ts';
import type { ModelReference } from '../contract/model-manifest.ts';
import { installModel } from '../inference/model-store/install-model.ts';
import { ModelStore } from '../inference/model-store/model-store.ts';
import type { CommandContext } from './command-context.ts';
import { loadDeviceConfiguration, type DeviceContext } from './device-configuration.ts';
import { installedLines } from './render-installed.ts';

/** Where installed models are: options that the commands share. */
export interface StoreOptions {
  readonly config?: string;
  readonly dataFolder?: string;
  readonly json?: boolean;
}

interface InstallOptions extends StoreOptions {
  readonly as?: string;
}

/** `vedette model install` */
export function addModelInstall(model: Command, context: CommandContext): void {
  withStoreOptions(
    model
      .command('install')
      .description('try a model package on this machine and keep it in the data folder')
      .argument('<package>', 'folder, zip, tar or tar.gz; DDA packages too')
      .option(
        '--as <name@version>',
        'what to call a DDA package, which has no name of its own; else its file name and 1.0.0',
      ),
    'print the installed version as JSON',
  ).action((source: string, options: InstallOptions) => install(source, options, context));
}

export function withStoreOptions(command: Command, json: string): Command {
  const { dataFolder } = runtimeConfigSchema.parse({});
  return command
    .option(
      '-c, --config <file>',
      `the configuration whose data folder is meant; without it and -d, ${dataFolder} in the current folder`,
    )
    .option('-d, --data-folder <folder>', 'the data folder, whatever the configuration says')
    .option('--json', json);
}

/** @throws VedetteError REQUEST_INVALID */
export function readReference(text: string): ModelReference {
  const reference = parseModelReference(text);
  if (reference) return reference;
  throw new VedetteError(
    'REQUEST_INVALID',
    `'${text}' is no name@version, such as coco-detector@1.0.0`,
  );
}

export async function openStore(
  { config: file, dataFolder }: StoreOptions,
  context: Partial<DeviceContext>,
) {
  const overrides = dataFolder === undefined ? {} : { dataFolder };
  const { config } = await loadDeviceConfiguration(file, context, overrides);
  return { config, store: new ModelStore(config.dataFolder) };
}

async function install(
  source: string,
  options: InstallOptions,
  context: CommandContext,
): Promise<void> {
  const { config, store } = await openStore(options, context);
  await store.cleanUp();
  const limits = modelConfigSchema.parse({ package: source });
  const { isNew, model } = await installModel(store, source, {
    ...(options.as === undefined ? {} : { identity: readReference(options.as) }),
    probe: {
      memoryMegabytes: limits.probeMemoryMegabytes,
      timeoutMs: limits.probeTimeoutMs,
      threads: limits.threadsPerWorker,
      maxImagePixels: config.limits.maxImagePixels,
    },
    onProgress: (text) => context.stderr.write(`${text}\n`),
  });
  if (options.json) {
    context.stdout.write(`${JSON.stringify({ isNew, ...model }, undefined, 2)}\n`);
    return;
  }
  context.stdout.write(
    `${isNew ? 'installed' : 'already installed'}\n${installedLines(model)}` +
      `use it with models.<name>.package: ${model.name}@${model.version}\n`,
  );
}
