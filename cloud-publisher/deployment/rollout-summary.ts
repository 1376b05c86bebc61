import type { RolloutEvent, RolloutRecords } from '../registry/rollout-records.ts';
import type { RolloutLine } from '../registry/rollout-rows.ts';
import type { Rollout, RolloutStep } from './rollout.ts';

/** A roll-out for people and programs: how far each step is, and what happened. */
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

/** One of a list. */
export const rolloutLine = (one: RolloutLine) => ({
  rollout: one.id,
  name: one.name,
  state: one.state,
  reason: one.reason,
  updatedAt: iso(one.updatedAtMs),
});

/** So many of the newest are listed. */
const LISTED_ROLLOUTS = 100;

/** The newest, and those that are under way however old they are. */
export async function listRollouts(records: RolloutRecords) {
  const [newest, open, count] = await Promise.all([
    records.newest(LISTED_ROLLOUTS),
    records.open(),
    records.count(),
  ]);
  const older = open.filter(({ id }) => newest.every((one) => one.id !== id)).toReversed();
  const items = [...newest, ...older];
  return { items: items.map(rolloutLine), notListed: count - items.length };
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

const iso = (ms: number): string => new Date(ms).toISOString();
