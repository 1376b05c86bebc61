import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import { referenceText } from '../inference/model-store/installed-model.ts';
import type { CommandContext } from './command-context.ts';
import { openStore, readReference, withStoreOptions } from './model-install.ts';
import type { StoreOptions } from './model-install.ts';
import { usesOf } from './version-uses.ts';

/** `vedette model remove` */
export function addModelRemove(model: Command, context: CommandContext): void {
  withStoreOptions(
    model
      .command('remove')
      .description(
        'remove an installed version, and files that only it had; not one that runs, that a model goes back to, or that the configuration given with --config names',
      )
      .argument('<name@version>', 'as `vedette model list` shows it'),
    'print {"removed": "name@version"}',
  ).action((text: string, options: StoreOptions) => remove(text, options, context));
}

async function remove(text: string, options: StoreOptions, context: CommandContext): Promise<void> {
  const reference = readReference(text);
  const { config, store } = await openStore(options, context);
  const removed = referenceText(reference);
  const isConfigured = options.config !== undefined || context.greengrass.home !== undefined;
  const uses = usesOf(removed, config, isConfigured);
  if (uses.length > 0) {
    throw new VedetteError('MODEL_IN_USE', `${removed} ${uses.join(', and ')}`, {
      details: { uses },
    });
  }
  await store.remove(reference);
  context.stdout.write(options.json ? `${JSON.stringify({ removed })}\n` : `removed ${removed}\n`);
}
