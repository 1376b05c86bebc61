import type { Command } from 'commander';
import { withAws } from './aws-options.ts';
import {
  checkUpgrade,
  createCommand,
  diffCommand,
  exportCommand,
  importCommand,
  listCommand,
  showCommand,
  validateCommand,
} from './bundle-verbs.ts';
import type { PublisherContext } from './publisher-context.ts';

/** `vedette bundle …` */
export function addBundleCommands(program: Command, context: PublisherContext): void {
  const bundle = program
    .command('bundle')
    .description('lock component versions that go together, with their configuration');
  withPlace(
    bundle
      .command('create')
      .description('find versions for what a file asks for, check the whole and keep it')
      .argument('<file>', 'what is wanted and for which devices, as YAML or JSON'),
  )
    .option('--dry-run', 'find and check only')
    .action((file: string, options) => createCommand(file, options, context));
  withState(bundle.command('list').description('every bundle, with its versions')).action(
    (options) => listCommand(options, context),
  );
  withState(
    bundle
      .command('show')
      .description('components, configuration and devices of a bundle')
      .argument('<bundle>', NAMED),
  )
    .option('--components', 'print its component set, as the file of `vedette deploy` takes it')
    .action((name: string, options) => showCommand(name, options, context));
  withPlace(
    bundle
      .command('validate')
      .description('check a bundle against what is published now; score its devices')
      .argument('<bundle>', NAMED),
  ).action((name: string, options) => validateCommand(name, options, context));
  withState(
    bundle
      .command('diff')
      .description('how a second bundle differs from a first')
      .argument('<first>', NAMED)
      .argument('<second>', NAMED),
  ).action((first: string, second: string, options) =>
    diffCommand(first, second, options, context),
  );
  withPlace(
    bundle
      .command('check-upgrade')
      .description('what breaks when a component goes to another version, and what mends it')
      .argument('<bundle>', NAMED)
      .argument('<upgrade>', 'component@version'),
  ).action((name: string, upgrade: string, options) =>
    checkUpgrade(name, upgrade, options, context),
  );
  withPlace(
    bundle
      .command('export')
      .description('write a bundle with everything it needs into one signed file')
      .argument('<bundle>', NAMED)
      .requiredOption('-o, --output <file>', 'the file to write; one that is there is kept')
      .requiredOption('--key <pem>', 'private ed25519 key that signs'),
  ).action((name: string, options) => exportCommand(name, options, context));
  withState(
    bundle
      .command('import')
      .description('check an exported bundle and put it into a folder; needs no connection')
      .argument('<file>', 'an exported bundle')
      .requiredOption(
        '-t, --to <folder>',
        'the folder to put it into, as greengrass-cli deploys it',
      )
      .requiredOption('--trust <pem>', 'public ed25519 key of who exported it'),
  ).action((file: string, options) => importCommand(file, options, context));
}

const NAMED = 'name, or name@version; the newest version when absent';

const withState = (command: Command): Command =>
  command
    .option('--state <place>', "the publisher's records; else .vedette/publisher here")
    .option('--json', 'print it as JSON');

const withPlace = (command: Command): Command =>
  withState(
    withAws(
      command.option('-t, --to <folder>', 'the folder that was published into; else Greengrass'),
    ),
  );
