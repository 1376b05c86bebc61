import type { RolloutEvent, RolloutRecords } from '../registry/rollout-records.ts';
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
export const rolloutLine = (one: Omit<Rollout, 'steps'>) => ({
  rollout: one.id,
  name: one.name,
  state: one.state,
  reason: one.reason,
  updatedAt: iso(one.updatedAtMs),
});

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
