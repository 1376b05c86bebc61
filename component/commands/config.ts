import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import { explainConfiguration } from '../configuration/explain-configuration.ts';
import { loadConfiguration } from '../configuration/load-configuration.ts';
import { exitCodeOf, type CommandContext } from './command-context.ts';
import { loadDeviceConfiguration } from './device-configuration.ts';

/** `vedette config check|explain` */
export function addConfigCommands(program: Command, context: CommandContext): void {
  const config = program
    .command('config')
    .description('look at a configuration without starting anything');
  config
    .command('check')
    .description('say whether a configuration is valid, and everything that is wrong with it')
    .argument('<file>', 'the configuration, YAML or JSON')
    .option('--json', 'print {"isValid", "problems": [{"path", "message"}]}')
    .action((file: string, options: { json?: boolean }) => checkConfig(file, options, context));
  config
    .command('explain')
    .description('show every setting in force and who set it')
    .argument(
      '[file]',
      'the configuration; when absent that of the component whose command line this is, or the defaults',
    )
    .option('--only <path>', 'only settings at or below this path, such as `cameras.walkway`')
    .option('--json', 'print [{"path", "value", "origin"}]')
    .action((file: string | undefined, options: { json?: boolean; only?: string }) =>
      explainConfig(file, options, context),
    );
}

async function checkConfig(
  file: string,
  options: { json?: boolean },
  context: CommandContext,
): Promise<void> {
  try {
    const { config } = await loadConfiguration(sourcesOf(file, context));
    const count = (map: object, what: string) => {
      const size = Object.keys(map).length;
      return `${size} ${what}${size === 1 ? '' : 's'}`;
    };
    const summary = `${count(config.cameras, 'camera')}, ${count(config.models, 'model')}, ${count(config.rules, 'rule')}`;
    context.stdout.write(
      options.json
        ? `${JSON.stringify({ isValid: true, problems: [] })}\n`
        : `${file} is valid: ${summary}\n`,
    );
  } catch (error) {
    if (!options.json) throw error;
    const known = VedetteError.from(error);
    const problems = known.details['problems'] ?? [{ path: '', message: known.message }];
    context.stdout.write(`${JSON.stringify({ isValid: false, code: known.code, problems })}\n`);
    process.exitCode = exitCodeOf(known, { stderr: context.stderr });
  }
}

async function explainConfig(
  file: string | undefined,
  options: { json?: boolean; only?: string },
  context: CommandContext,
): Promise<void> {
  const loaded = await loadDeviceConfiguration(file, context);
  const only = options.only;
  const settings = explainConfiguration(loaded).filter(
    ({ path }) => only === undefined || path === only || path.startsWith(`${only}.`),
  );
  if (settings.length === 0) {
    throw new VedetteError('NOT_FOUND', `There is no setting at ${only ?? '(root)'}`);
  }
  if (options.json) {
    context.stdout.write(`${JSON.stringify(settings, undefined, 2)}\n`);
    return;
  }
  const width = Math.max(...settings.map(({ path }) => path.length));
  for (const { path, value, origin } of settings) {
    const shown = value === undefined ? '–' : JSON.stringify(value);
    context.stdout.write(`${path.padEnd(width)}  ${shown}  (${origin})\n`);
  }
}

const sourcesOf = (file: string | undefined, { machine }: CommandContext) => ({
  ...(file === undefined ? {} : { file }),
  ...(machine ? { machine } : {}),
});
