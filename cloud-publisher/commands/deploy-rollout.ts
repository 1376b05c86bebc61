import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { requireCompleted } from '../deployment/advance-rollout.ts';
import { askFor, enterOrRefuse } from '../deployment/ask-for.ts';
import { carryOn } from '../deployment/carry-on.ts';
import type { FleetDoors } from '../deployment/fleet-doors.ts';
import { listRolloutCalls } from '../deployment/list-rollout-calls.ts';
import { requireUnchanged } from '../deployment/require-unchanged.ts';
import type { Rollout } from '../deployment/rollout.ts';
import { rolloutSummary } from '../deployment/rollout-summary.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import { makePlan, readWanted } from './deploy-plan.ts';
import { showRollout } from './deploy-status.ts';
import type { PublisherContext } from './publisher-context.ts';
import { showPhases } from './show-phases.ts';
import { showPlan } from './show-published.ts';
import { withFleet, withFleetOptions, withRollouts, withStateOptions } from './with-fleet.ts';
import type { FleetOptions } from './with-fleet.ts';

interface WatchOptions extends FleetOptions {
  readonly pollSeconds: string;
  readonly watch?: boolean;
  readonly dryRun?: boolean;
}

const withWatchOptions = (command: Command): Command =>
  withFleetOptions(command).option('--poll-seconds <seconds>', 'how often AWS is asked', '15');

const withChoice = (command: Command): Command =>
  withWatchOptions(command).option(
    '--no-watch',
    'only record it: a `vedette deploy watch` carries it on',
  );

/** `vedette deploy apply|watch|hold|resume|rollback` */
export function addDeployRollout(deploy: Command, context: PublisherContext): void {
  withChoice(
    deploy
      .command('apply')
      .description('carry out a plan, wave by wave, and stop by itself when devices get worse')
      .argument('<plan>', 'id of a plan, or a deployment file, which is planned first')
      .option('--dry-run', 'show every call that would be made'),
  ).action((plan: string, options: WatchOptions) => apply(plan, options, context));
  withWatchOptions(
    deploy
      .command('watch')
      .description('carry a roll-out on to its end, after whatever ended the process before')
      .argument('<rollout>', 'id of the roll-out'),
  ).action((id: string, options: WatchOptions) =>
    go(id, options, context, () => Promise.resolve()),
  );
  withStateOptions(
    deploy
      .command('hold')
      .description('let no further deployment be made; what is on its way arrives')
      .argument('<rollout>', 'id of the roll-out'),
  ).action((id: string, options: FleetOptions) => hold(id, options, context));
  withChoice(
    deploy
      .command('resume')
      .description('go on with a roll-out that is held; its devices get their time again')
      .argument('<rollout>', 'id of the roll-out'),
  ).action((id: string, options: WatchOptions) =>
    go(id, options, context, (rollout, records) => askFor('resume', rollout, records)),
  );
  withChoice(
    deploy
      .command('rollback')
      .description('take a roll-out back to what its targets had before')
      .argument('<rollout>', 'id of the roll-out'),
  ).action((id: string, options: WatchOptions) =>
    go(id, options, context, (rollout, records) => askFor('rollback', rollout, records)),
  );
}

async function apply(
  plan: string,
  options: WatchOptions,
  context: PublisherContext,
): Promise<void> {
  const { phase } = showPhases(context, options.json === true);
  pollMsOf(options);
  await withRollouts(options, context, async (records) => {
    // Before AWS is asked for anything: what is wrong here needs no credentials.
    const wanted = existsSync(plan) ? await readWanted(plan, records) : undefined;
    if (!wanted) await records.rollout(plan);
    await withFleet(options, async (doors) => {
      const id = wanted
        ? (await phase('plan', (note) => makePlan(wanted, doors, records, note))).id
        : plan;
      const rollout = await records.rollout(id);
      requireSamePlace(rollout, doors);
      if (options.dryRun) {
        showPlan(listRolloutCalls(rollout), options, context);
        return;
      }
      await requireUnchanged(rollout, doors);
      await enterOrRefuse(records, rollout, ['planned'], 'running', '');
      await watch(id, options, context, records, doors);
    });
  });
}

/** Does something to a roll-out, then carries it on. */
async function go(
  id: string,
  options: WatchOptions,
  context: PublisherContext,
  begin: (rollout: Rollout, records: RolloutRecords) => Promise<void>,
): Promise<void> {
  pollMsOf(options);
  await withRollouts(options, context, async (records) => {
    const rollout = await records.rollout(id);
    await withFleet(options, async (doors) => {
      requireSamePlace(rollout, doors);
      await begin(rollout, records);
      await watch(id, options, context, records, doors);
    });
  });
}

async function watch(
  id: string,
  options: WatchOptions,
  context: PublisherContext,
  records: RolloutRecords,
  doors: FleetDoors,
): Promise<void> {
  if (options.watch !== false) {
    const { phase } = showPhases(context, options.json === true);
    const signal = context.interruption();
    const pollMs = pollMsOf(options);
    await phase(`roll out ${id}`, (onProgress) =>
      carryOn(id, doors, records, { pollMs, signal, onProgress }),
    );
  }
  const rollout = await records.rollout(id);
  showRollout(await rolloutSummary(rollout, records), options, context);
  if (options.watch !== false) requireCompleted(rollout);
}

async function hold(id: string, options: FleetOptions, context: PublisherContext): Promise<void> {
  await withRollouts(options, context, async (records) => {
    await askFor('hold', await records.rollout(id), records);
    showRollout(await rolloutSummary(await records.rollout(id), records), options, context);
  });
}

function requireSamePlace({ id, account, region }: Rollout, doors: FleetDoors): void {
  if (account === doors.accountId && region === doors.region) return;
  throw new VedetteError(
    'REQUEST_INVALID',
    `roll-out ${id} is of account ${account} in ${region}, these credentials are of ${doors.accountId} in ${doors.region}`,
  );
}

export function pollMsOf({ pollSeconds }: Pick<WatchOptions, 'pollSeconds'>): number {
  const seconds = Number(pollSeconds);
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= 3600) return seconds * 1000;
  throw new VedetteError(
    'REQUEST_INVALID',
    `--poll-seconds is '${pollSeconds}', expected more than 0 and at most 3600`,
  );
}
