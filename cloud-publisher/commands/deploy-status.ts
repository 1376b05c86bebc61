import type { Command } from 'commander';
import type { Rollout, RolloutStep } from '../deployment/rollout.ts';
import type { RolloutEvent, RolloutRecords } from '../registry/rollout-records.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withRollouts, withStateOptions } from './with-fleet.ts';
import type { FleetOptions } from './with-fleet.ts';

export interface RolloutSummary {
  readonly rollout: string;
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly state: string;
  readonly reason: string;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
  readonly events: readonly { readonly at: string; readonly text: string }[];
}

/** `vedette deploy status` */
export function addDeployStatus(deploy: Command, context: PublisherContext): void {
  withStateOptions(
    deploy
      .command('status')
      .description('how far roll-outs are and what happened; AWS is not asked')
      .argument('[rollout]', 'id of one; all when absent'),
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
  const all = (await records.rollouts()).map(({ id, name, state, reason, updatedAtMs }) => ({
    rollout: id,
    name,
    state,
    reason,
    updatedAt: iso(updatedAtMs),
  }));
  stdout.write(
    json
      ? `${JSON.stringify(all, undefined, 2)}\n`
      : all
          .map(
            (one) =>
              `${one.rollout}  ${one.updatedAt}  ${one.state}  ${one.name}${colon(one.reason)}\n`,
          )
          .join(''),
  );
}

export async function rolloutSummary(
  { id, name, account, region, state, reason, steps }: Rollout,
  records: RolloutRecords,
): Promise<RolloutSummary> {
  const events = await records.events(id);
  return {
    rollout: id,
    ...{ name, account, region, state, reason },
    steps: steps.map(stepSummary),
    events: events.map(({ atMs, text }: RolloutEvent) => ({ at: iso(atMs), text })),
  };
}

const stepSummary = (step: RolloutStep) => ({
  kind: step.kind,
  title: step.title,
  target: step.targetArn,
  state: step.state,
  devices: step.devices.length,
  reached: step.reached.length,
  ...(step.deploymentId === undefined ? {} : { deploymentId: step.deploymentId }),
  ...(step.beganAtMs === undefined ? {} : { beganAt: iso(step.beganAtMs) }),
  ...(step.deployedAtMs === undefined ? {} : { deployedAt: iso(step.deployedAtMs) }),
  components: Object.fromEntries(
    Object.entries(step.document.components).map(([component, { componentVersion }]) => [
      component,
      componentVersion,
    ]),
  ),
});

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

const iso = (ms: number): string => new Date(ms).toISOString();
const colon = (reason: string): string => (reason === '' ? '' : `: ${reason}`);
