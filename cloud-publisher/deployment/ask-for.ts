import { VedetteError } from '../../component/contract/errors.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import type { Rollout, RolloutState } from './rollout.ts';

/** What a person may want of a roll-out that was begun. */
export type RolloutAction = 'hold' | 'resume' | 'rollback';

/**
 * Records it; whoever carries the roll-out on does it.
 * @throws VedetteError ROLLOUT_STATE_CHANGED when it is in no state for that
 */
export async function askFor(
  action: RolloutAction,
  rollout: Rollout,
  records: RolloutRecords,
): Promise<void> {
  switch (action) {
    case 'hold':
      await enterOrRefuse(records, rollout, ['running'], 'held', 'asked for');
      return tellOfDeploymentUnderWay(rollout.id, records);
    case 'rollback': {
      const from: readonly RolloutState[] = ['running', 'held', 'completed'];
      return enterOrRefuse(records, rollout, from, 'rolling-back', 'asked for');
    }
    case 'resume': {
      if (rollout.state !== 'held') return enterOrRefuse(records, rollout, ['held'], 'running', '');
      const step = rollout.steps.find(({ state }) => state === 'deploying');
      // Its devices get their time again.
      if (step) {
        const change = { beganAtMs: Date.now() };
        await records.change(rollout.id, step.position, 'deploying', change);
      }
      return enterOrRefuse(records, rollout, ['held'], 'running', '');
    }
  }
}

/** No further deployment is asked for once it is held; one that was asked for before comes. */
async function tellOfDeploymentUnderWay(id: string, records: RolloutRecords): Promise<void> {
  const { steps } = await records.rollout(id);
  const asked = steps.find(
    ({ state, requestedAtMs }) => state === 'creating' && requestedAtMs !== undefined,
  );
  if (!asked) return;
  const reason = `asked for while the deployment of ${asked.title} was being made: that one still reaches its devices`;
  await records.enter(id, ['held'], 'held', reason);
}

/** @throws VedetteError ROLLOUT_STATE_CHANGED when it is not in one of `from` */
export async function enterOrRefuse(
  records: RolloutRecords,
  { id }: Rollout,
  from: readonly RolloutState[],
  to: RolloutState,
  reason: string,
): Promise<void> {
  if (await records.enter(id, from, to, reason)) return;
  const { state } = await records.rollout(id);
  throw new VedetteError(
    'ROLLOUT_STATE_CHANGED',
    `roll-out ${id} is ${state}, expected ${from.join(' or ')}`,
  );
}
