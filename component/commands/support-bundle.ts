import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import type { BundleOptions } from './support/make-bundle.ts';

/** `vedette support-bundle` */
export function addSupportBundleCommand(program: Command, context: CommandContext): void {
  program
    .command('support-bundle')
    .description('pack logs, configuration and states of this device, without secrets, in one file')
    .option('-c, --config <file>', 'the configuration of the runtime')
    .option('--url <address>', 'its address, whatever the configuration says')
    .option('-o, --out <file>', 'the tar.gz; named after device and time when absent')
    .option('--json', 'print {"file", "bytes", "missing"}')
    .action(async (options: BundleOptions) => {
      // What packs is loaded by who packs alone: other commands start sooner.
      const { makeBundle } = await import('./support/make-bundle.ts');
      await makeBundle(options, context);
    });
}
