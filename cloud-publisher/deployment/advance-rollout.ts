import { VedetteError } from '../../component/contract/errors.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import { advanceStep } from './advance-step.ts';
import type { StepBook } from './advance-step.ts';
import { beginRollBack } from './begin-roll-back.ts';
import { cleanUp } from './clean-up.ts';
import type { FleetDoors } from './fleet-doors.ts';
import type { Rollout, RolloutStep } from './rollout.ts';

/**
 * Takes a roll-out one state on, if it is time. Whatever ends the process in between, the next call
 * goes on from the records and from what AWS has.
 * @returns whether something moved: else the next call may wait
 */
export async function advanceRollout(
  rollout: Rollout,
  doors: FleetDoors,
  records: RolloutRecords,
  progress: (text: string) => void,
): Promise<boolean> {
  const { id } = rollout;
  const isBack = rollout.state === 'rolling-back';
  const steps = rollout.steps.filter(({ kind }) => kind === (isBack ? 'roll-back' : 'wave'));
  if (isBack && steps.length === 0) return beginRollBack(rollout, doors, records);
  const open = steps.filter(({ state }) => state !== 'passed' && state !== 'stopped');
  if (open.length === 0) return end(rollout, steps, doors, records);
  const shown: string[] = [];
  let isMoved = false;
  for (const step of isBack ? nextOfBack(open) : open.slice(0, 1))
    if (await advance(step)) isMoved = true;
  if (shown.length > 0) progress(shown.join('; '));
  return isMoved;

  async function advance(step: RolloutStep): Promise<boolean> {
    const result = await advanceStep(rollout, step, doors, bookOf(step));
    if (result.kind === 'moved' || result.kind === 'waits') return result.kind === 'moved';
    if (isBack) {
      // The others still go back: what could not is said at the end.
      await records.change(id, step.position, step.state, { state: 'stopped' });
      await records.note(id, `not taken back: ${result.reason}`);
    } else {
      const to = result.kind === 'held' ? 'held' : 'rolling-back';
      await records.enter(id, ['running'], to, result.reason);
    }
    return true;
  }

  function bookOf({ position, deploymentId }: RolloutStep): StepBook {
    return {
      change: (from, change) => records.change(id, position, from, change),
      request: () => records.requestDeployment(id, position),
      note: (text) => records.note(id, text),
      progress: (text) => shown.push(text),
      recordDevices: (outcomes) =>
        records.devices.record(
          [...outcomes].map(([thing, outcome]) => ({
            thing,
            outcome,
            deploymentId: deploymentId!,
            rolloutId: id,
            step: position,
            atMs: Date.now(),
          })),
        ),
    };
  }
}

/** Ways back do not wait for each other's devices, some of which may be dead: all begin first. */
function nextOfBack(open: readonly RolloutStep[]): readonly RolloutStep[] {
  const next = open.find(({ state }) => state === 'waiting' || state === 'creating');
  return next ? [next] : open;
}

async function end(
  rollout: Rollout,
  steps: readonly RolloutStep[],
  doors: FleetDoors,
  records: RolloutRecords,
): Promise<boolean> {
  const { id, reason } = rollout;
  for (const note of await cleanUp(rollout, doors)) await records.note(id, note);
  if (rollout.state !== 'rolling-back') return records.enter(id, ['running'], 'completed', '');
  const stopped = steps.filter(({ state }) => state === 'stopped');
  const left = stopped.map(({ title }) => title.replace('back: ', '')).join(', ');
  return stopped.length === 0
    ? records.enter(id, ['rolling-back'], 'rolled-back', reason)
    : records.enter(id, ['rolling-back'], 'failed', `${reason}; not taken back: ${left}`);
}

/** @throws VedetteError when the roll-out did not end as it was meant to */
export function requireCompleted({ id, name, state, reason }: Rollout): void {
  const what = `roll-out ${id} (${name})`;
  switch (state) {
    case 'held':
      throw new VedetteError('ROLLOUT_HELD', `${what} is held: ${reason}`);
    case 'rolled-back':
      throw new VedetteError('ROLLOUT_ROLLED_BACK', `${what} was rolled back: ${reason}`);
    case 'failed':
      throw new VedetteError('ROLLOUT_FAILED', `${what} could not be taken back: ${reason}`);
    case 'planned':
      throw new VedetteError(
        'ROLLOUT_STATE_CHANGED',
        `${what} is planned and not begun: vedette deploy apply ${id}`,
      );
    case 'running':
    case 'rolling-back':
    case 'completed':
  }
}
