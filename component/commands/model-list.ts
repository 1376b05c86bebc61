import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { openStore, withStoreOptions } from './model-install.ts';
import type { StoreOptions } from './model-install.ts';
import { damagedLines, installedLines } from './render-installed.ts';

/** `vedette model list` */
export function addModelList(model: Command, context: CommandContext): void {
  withStoreOptions(
    model
      .command('list')
      .description('show installed models, and which variant runs on this machine and why'),
    'print them as a JSON list, damaged ones with their `problem`',
  ).action((options: StoreOptions) => list(options, context));
}

async function list(options: StoreOptions, context: CommandContext): Promise<void> {
  const { config, store } = await openStore(options, context);
  const { models, damaged } = await store.list();
  if (options.json) {
    context.stdout.write(`${JSON.stringify([...models, ...damaged], undefined, 2)}\n`);
    return;
  }
  context.stdout.write(
    models.length + damaged.length === 0
      ? `no model is installed in ${config.dataFolder}\n`
      : [...models.map(installedLines), ...damaged.map(damagedLines)].join(''),
  );
}
