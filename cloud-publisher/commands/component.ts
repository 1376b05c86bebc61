import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentGateway, ComponentVersion } from '../greengrass/component-gateway.ts';
import { openGateway } from './open-destination.ts';
import type { PublisherContext } from './publisher-context.ts';

interface ComponentOptions {
  readonly to?: string;
  readonly region?: string;
  readonly json?: boolean;
}

/** `vedette component list|show|versions` */
export function addComponentCommands(program: Command, context: PublisherContext): void {
  const component = program
    .command('component')
    .description('look at published components, in Greengrass or a folder');
  withPlace(
    component.command('list').description('every component with its newest version'),
  ).action((options: ComponentOptions) => list(options, context));
  withPlace(
    component
      .command('versions')
      .description('versions of a component, newest first')
      .argument('<component>', 'name of the component'),
  ).action((name: string, options: ComponentOptions) => versions(name, options, context));
  withPlace(
    component
      .command('show')
      .description('state, tags and recipe of a version')
      .argument('<component>', 'name of the component')
      .argument('[version]', 'its newest one when absent'),
  ).action((name: string, version: string | undefined, options: ComponentOptions) =>
    show(name, version, options, context),
  );
}

const withPlace = (command: Command): Command =>
  command
    .option('-t, --to <folder>', 'the folder that was published into; else Greengrass')
    .option('--region <region>', "AWS region; else that of AWS_REGION or the profile's")
    .option('--json', 'print it as JSON');

async function list(options: ComponentOptions, { stdout }: PublisherContext): Promise<void> {
  const found = await asking(options, (gateway) => gateway.list());
  if (options.json) {
    stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
    return;
  }
  const width = Math.max(0, ...found.map(({ component }) => component.length));
  for (const { component, latestVersion } of found) {
    stdout.write(`${component.padEnd(width)}  ${latestVersion}\n`);
  }
}

async function versions(
  name: string,
  options: ComponentOptions,
  { stdout }: PublisherContext,
): Promise<void> {
  const found = await asking(options, async (gateway) => requireVersions(gateway, name));
  const text = options.json ? JSON.stringify(found, undefined, 2) : found.join('\n');
  stdout.write(`${text}\n`);
}

async function show(
  name: string,
  wanted: string | undefined,
  options: ComponentOptions,
  { stdout }: PublisherContext,
): Promise<void> {
  const { found, recipe } = await asking(options, async (gateway) => {
    const version = wanted ?? (await requireVersions(gateway, name))[0]!;
    const [one, text] = await Promise.all([
      gateway.find(name, version),
      gateway.recipe(name, version),
    ]);
    if (!one) throw absent(gateway, `${name} ${version}`);
    return { found: one, recipe: text };
  });
  if (options.json) {
    stdout.write(`${JSON.stringify({ ...found, recipe }, undefined, 2)}\n`);
    return;
  }
  stdout.write(`${describe(found)}${JSON.stringify(recipe, undefined, 2)}\n`);
}

function describe({
  component,
  version,
  state,
  message,
  errors,
  tags,
  arn,
}: ComponentVersion): string {
  const rows = [
    `${component} ${version}: ${state}${message === undefined ? '' : `, ${message}`}`,
    `  ${arn}`,
    ...Object.entries(errors).map(([artifact, reason]) => `  error: ${artifact}: ${reason}`),
    ...Object.entries(tags).map(([key, value]) => `  ${key} = ${value}`),
  ];
  return rows.map((row) => `${row}\n`).join('');
}

async function requireVersions(gateway: ComponentGateway, name: string): Promise<string[]> {
  const found = await gateway.versions(name);
  if (found.length === 0) throw absent(gateway, name);
  return found;
}

const absent = ({ description }: ComponentGateway, what: string): VedetteError =>
  new VedetteError('COMPONENT_NOT_FOUND', `there is no ${what} in ${description}`);

async function asking<T>(
  { to, region }: ComponentOptions,
  action: (gateway: ComponentGateway) => Promise<T>,
): Promise<T> {
  const place = {
    ...(to === undefined ? {} : { to }),
    ...(region === undefined ? {} : { region }),
  };
  const gateway = await openGateway(place);
  try {
    return await action(gateway);
  } finally {
    gateway.close();
  }
}
