import type { Command } from 'commander';
import {
  listRollouts,
  rolloutSummary,
  type RolloutSummary,
} from '../deployment/rollout-summary.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withRollouts, withStateOptions } from './with-fleet.ts';
import type { FleetOptions } from './with-fleet.ts';

/** `vedette deploy status` */
export function addDeployStatus(deploy: Command, context: PublisherContext): void {
  withStateOptions(
    deploy
      .command('status')
      .description('how far roll-outs are and what happened; AWS is not asked')
      .argument('[rollout]', 'id of one; the newest and what is under way when absent'),
  ).action((id: string | undefined, options: FleetOptions) =>
    withRollouts(options, context, async (records) => {
      if (id === undefined) await showAll(records, options, context);
      else showRollout(await rolloutSummary(await records.rollout(id), records), options, context);
    }),
  );
}

async function showAll(
  records: RolloutRecords,
  { json }: FleetOptions,
  { stdout }: PublisherContext,
): Promise<void> {
  const { items: all, notListed } = await listRollouts(records);
  if (!json && all.length === 0) {
    stdout.write('no roll-out is recorded here; `vedette deploy plan <file>` makes one\n');
    return;
  }
  stdout.write(
    json
      ? `${JSON.stringify(all, undefined, 2)}\n`
      : all
          .map(
            (one) =>
              `${one.rollout}  ${one.updatedAt}  ${one.state}  ${one.name}${colon(one.reason)}\n`,
          )
          .join('') + (notListed > 0 ? `and ${notListed} older ones\n` : ''),
  );
}

export function showRollout(
  summary: RolloutSummary,
  { json }: { readonly json?: boolean },
  { stdout }: Pick<PublisherContext, 'stdout'>,
): void {
  if (json) {
    stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
    return;
  }
  const { rollout, name, state, reason, steps, events } = summary;
  const lines = [
    `${rollout} ${name}: ${state}${colon(reason)}`,
    ...steps.map(
      (step) =>
        `  ${String(step['title'])}: ${String(step['state'])}, ${String(step['reached'])} of ${String(step['devices'])} devices`,
    ),
    ...events.map(({ at, text }) => `  ${at} ${text}`),
  ];
  stdout.write(lines.map((line) => `${line}\n`).join(''));
}

const colon = (reason: string): string => (reason === '' ? '' : `: ${reason}`);
