import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { compareFleet, fleetDevice, lookAtFleet } from '../fleet/look-at-fleet.ts';
import type { ComparedDevice, FleetDevice } from '../fleet/look-at-fleet.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withFleet, withFleetOptions, withRollouts } from './with-fleet.ts';
import type { FleetOptions } from './with-fleet.ts';

interface LookOptions extends FleetOptions {
  readonly group?: string;
  readonly staleHours: string;
}

const HOUR_MS = 3_600_000;

const withLookOptions = (command: Command): Command =>
  withFleetOptions(command).option(
    '--stale-hours <hours>',
    'a device that was silent for longer is stale',
    '24',
  );

const withGroup = (command: Command): Command =>
  withLookOptions(command).option('--group <name>', 'the devices of this thing group; else all');

/** `vedette fleet list|show|diff` */
export function addFleetCommands(program: Command, context: PublisherContext): void {
  const fleet = program.command('fleet').description('look at the devices and what runs there');
  withGroup(
    fleet.command('list').description('devices, how they are and when they were seen last'),
  ).action((options: LookOptions) => list(options, context));
  withLookOptions(
    fleet
      .command('show')
      .description('one device: components, deployments, health, what was rolled out to it')
      .argument('<thing>', 'name of the core device'),
  ).action((thing: string, options: LookOptions) => show(thing, options, context));
  withGroup(
    fleet
      .command('diff')
      .description('devices that do not run what deployments want there, or are stale'),
  ).action((options: LookOptions) => diff(options, context));
}

async function list(options: LookOptions, { stdout }: PublisherContext): Promise<void> {
  const staleMs = staleMsOf(options);
  const devices = await withFleet(options, (doors) => lookAtFleet(options.group, staleMs, doors));
  const rows = devices.map(rowOf);
  if (options.json) {
    stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    return;
  }
  for (const row of rows) stdout.write(`${lineOf(row)}\n`);
}

async function show(thing: string, options: LookOptions, context: PublisherContext): Promise<void> {
  const staleMs = staleMsOf(options);
  const found = await withRollouts(options, context, (records) =>
    withFleet(options, async ({ deployments, shadows }) => {
      const device = await deployments.coreDevice(thing);
      if (!device) throw new VedetteError('NOT_FOUND', `there is no core device '${thing}'`);
      const [health, components, effective, history] = await Promise.all([
        shadows.health(thing),
        deployments.installed(thing),
        deployments.effective(thing),
        records.devices.of(thing),
      ]);
      const row = rowOf(fleetDevice(device, health, staleMs));
      return {
        ...row,
        health: health ?? null,
        components,
        deployments: effective.map(({ modifiedAtMs, ...one }) => ({
          ...one,
          at: iso(modifiedAtMs),
        })),
        history: history.map(({ atMs, thing: _, ...one }) => ({ ...one, at: iso(atMs) })),
      };
    }),
  );
  if (options.json) {
    context.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
    return;
  }
  const models = Object.entries(found.health?.models ?? {});
  const lines = [
    lineOf(found),
    ...models.map(([name, text]) => `  model ${name}: ${text}`),
    ...found.components.map(
      ({ component, version, state }) => `  ${component} ${version} ${state}`,
    ),
    ...found.deployments.map(
      ({ at, name, deploymentId, status, reason }) =>
        `  ${at} ${name || deploymentId}: ${status}${reason === '' ? '' : `, ${reason}`}`,
    ),
    ...found.history.map(
      ({ at, rollout, rolloutId, outcome }) =>
        `  ${at} roll-out ${rolloutId} (${rollout}): ${outcome}`,
    ),
  ];
  context.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

async function diff(options: LookOptions, { stdout }: PublisherContext): Promise<void> {
  const staleMs = staleMsOf(options);
  const compared = await withFleet(options, async (doors) =>
    compareFleet(await lookAtFleet(options.group, staleMs, doors), doors),
  );
  const other = compared.filter(({ isStale, differences }) => isStale || differences.length > 0);
  if (options.json) {
    const rows = other.map((one) => ({ ...rowOf(one), differences: one.differences }));
    stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    return;
  }
  for (const one of other) {
    stdout.write(`${lineOf(rowOf(one))}\n`);
    for (const line of differenceLines(one)) stdout.write(`  ${line}\n`);
  }
  stdout.write(`${other.length} of ${compared.length} devices differ or are stale\n`);
}

const differenceLines = ({ differences }: ComparedDevice): string[] =>
  differences.map(({ component, wanted, installed, deployment }) =>
    wanted === undefined
      ? `${component}: runs ${installed}, wanted by no deployment`
      : `${component}: ${installed === undefined ? 'is not there' : `runs ${installed}`}, '${deployment}' wants ${wanted}`,
  );

const rowOf = ({ device, health, lastSeenAtMs, isStale }: FleetDevice) => ({
  thing: device.thing,
  status: device.status,
  lastSeen: lastSeenAtMs === 0 ? null : iso(lastSeenAtMs),
  isStale,
  architecture: device.architecture,
  runtime: device.runtime,
  isReady: health?.isReady ?? null,
  versions: health?.components ?? {},
  models: health?.models ?? {},
});

function lineOf(row: ReturnType<typeof rowOf>): string {
  const ready = row.isReady === null ? 'no report' : row.isReady ? 'ready' : 'not ready';
  const runs = [
    ...Object.entries(row.versions).map(([component, version]) => `${component} ${version}`),
    ...Object.values(row.models),
  ];
  return [
    row.thing,
    row.status,
    ready,
    `${row.isStale ? 'stale, ' : ''}seen ${row.lastSeen ?? 'never'}`,
    ...runs,
  ].join('  ');
}

function staleMsOf({ staleHours }: LookOptions): number {
  const hours = Number(staleHours);
  if (Number.isFinite(hours) && hours > 0 && hours <= 8760) return hours * HOUR_MS;
  throw new VedetteError(
    'REQUEST_INVALID',
    `--stale-hours is '${staleHours}', expected more than 0 and at most 8760`,
  );
}

const iso = (ms: number): string => new Date(ms).toISOString();
