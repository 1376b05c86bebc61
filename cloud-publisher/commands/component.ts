import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentGateway, ComponentVersion } from '../greengrass/component-gateway.ts';
import { diffRecipes } from '../recipe/diff-recipes.ts';
import { withAws } from './aws-options.ts';
import { openGateway } from './open-destination.ts';
import type { PlaceOptions } from './open-destination.ts';
import type { PublisherContext } from './publisher-context.ts';
import { openRecords } from './with-records.ts';

interface ComponentOptions extends PlaceOptions {
  readonly json?: boolean;
}

interface DeleteOptions extends ComponentOptions {
  readonly force?: boolean;
  readonly state?: string;
}

/** `vedette component list|show|versions|diff|delete` */
export function addComponentCommands(program: Command, context: PublisherContext): void {
  const component = program
    .command('component')
    .description('look at published components, in Greengrass or a folder, and delete versions');
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
  withPlace(
    component
      .command('diff')
      .description('how a second version of a component differs from a first')
      .argument('<component>', 'name of the component')
      .argument('<first>', 'version')
      .argument('<second>', 'version'),
  ).action((name: string, first: string, second: string, options: ComponentOptions) =>
    diff(name, [first, second], options, context),
  );
  withPlace(
    component
      .command('delete')
      .description('delete a version that no deployment and no bundle uses; artifacts stay')
      .argument('<component>', 'name of the component')
      .argument('<version>', 'the version'),
  )
    .option('--force', 'delete it all the same: devices that have it keep it')
    .option('--state <place>', "the publisher's records; else .vedette/publisher here")
    .action((name: string, version: string, options: DeleteOptions) =>
      deleteVersion(name, version, options, context),
    );
}

const withPlace = (command: Command): Command =>
  withAws(
    command.option('-t, --to <folder>', 'the folder that was published into; else Greengrass'),
  ).option('--json', 'print it as JSON');

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

async function diff(
  name: string,
  versions: readonly [string, string],
  options: ComponentOptions,
  { stdout }: PublisherContext,
): Promise<void> {
  const lines = await asking(options, async (gateway) => {
    const read = async (version: string) => ({
      version,
      recipe: await gateway.recipe(name, version),
      artifacts: await gateway.artifacts(name, version),
    });
    return diffRecipes(await read(versions[0]), await read(versions[1]));
  });
  const text = lines.length > 0 ? lines.join('\n') : 'they are the same but for the version';
  stdout.write(`${options.json ? JSON.stringify(lines, undefined, 2) : text}\n`);
}

/** @throws VedetteError COMPONENT_IN_USE, COMPONENT_NOT_FOUND */
async function deleteVersion(
  name: string,
  version: string,
  options: DeleteOptions,
  context: PublisherContext,
): Promise<void> {
  await asking(options, async (gateway) => {
    if (!(await gateway.find(name, version))) throw absent(gateway, `${name} ${version}`);
    const uses = [
      ...(await gateway.deploymentsWith(name, version)),
      ...(await openRecords(options, context, ({ bundles }) => bundles.using(name, version))).map(
        (bundle) => `bundle ${bundle}`,
      ),
    ];
    if (uses.length > 0 && !options.force) {
      const what = `${name} ${version} is used by ${uses.join(', ')}`;
      throw new VedetteError('COMPONENT_IN_USE', what, { details: { uses } });
    }
    await gateway.remove(name, version);
    const outcome = { component: name, version, isDeleted: true, uses };
    context.stdout.write(
      options.json
        ? `${JSON.stringify(outcome, undefined, 2)}\n`
        : `${name} ${version} is deleted\n`,
    );
  });
}

async function asking<T>(
  options: PlaceOptions,
  action: (gateway: ComponentGateway) => Promise<T>,
): Promise<T> {
  const gateway = await openGateway(options);
  try {
    return await action(gateway);
  } finally {
    gateway.close();
  }
}
