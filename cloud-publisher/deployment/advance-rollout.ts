import { VedetteError } from '../../component/contract/errors.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import { advanceStep } from './advance-step.ts';
import type { StepBook } from './advance-step.ts';
import { cleanUp } from './clean-up.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { rollBackDocument } from './roll-back-document.ts';
import { deploymentName } from './rollout.ts';
import type { PlannedStep, Rollout, RolloutStep } from './rollout.ts';

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
  const step = steps.find(({ state }) => state !== 'passed' && state !== 'stopped');
  if (!step) return end(rollout, steps, doors, records);
  const result = await advanceStep(rollout, step, doors, bookOf(step));
  switch (result.kind) {
    case 'moved':
      return true;
    case 'waits':
      return false;
    case 'held':
    case 'worse':
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
      note: (text) => records.note(id, text),
      progress,
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

/** What was deployed goes back in the reverse order, each to what its target had. */
async function beginRollBack(
  rollout: Rollout,
  doors: FleetDoors,
  records: RolloutRecords,
): Promise<boolean> {
  const steps: PlannedStep[] = [];
  // Once the whole group has it, the deployments of its parts count no more and are cancelled.
  const isWhole = rollout.steps.every(({ state }) => state === 'passed');
  for (const step of rollout.steps.toReversed()) {
    if (isWhole && step.parentTargetArn !== undefined) continue;
    const deploymentId = step.deploymentId ?? (await madeWithoutRecord(rollout, step, doors));
    if (deploymentId === undefined) continue;
    const { deploymentId: _, parentDeploymentId: __, ...planned } = plannedOf(step);
    steps.push({
      ...planned,
      devices: step.reached.length > 0 ? step.reached : step.devices,
      kind: 'roll-back',
      title: `back: ${step.title}`,
      baseDeploymentId: deploymentId,
      base: step.document,
      document: rollBackDocument(step.base, step.document.components),
    });
  }
  if (steps.length === 0) {
    const isEnded = await records.enter(
      rollout.id,
      ['rolling-back'],
      'rolled-back',
      `${rollout.reason}; nothing had been deployed`,
    );
    return isEnded;
  }
  await records.addRollBack(rollout.id, steps);
  return true;
}

/** A deployment that came to be right before its process ended. */
async function madeWithoutRecord(
  rollout: Rollout,
  step: RolloutStep,
  { deployments }: FleetDoors,
): Promise<string | undefined> {
  if (step.state !== 'creating') return undefined;
  const name = deploymentName(rollout, step);
  const history = await deployments.history(step.targetArn);
  return history.find((one) => one.name === name)?.deploymentId;
}

function plannedOf(step: RolloutStep) {
  const {
    position: _,
    state: __,
    clientToken: ___,
    baseline: ____,
    reached: _____,
    ...rest
  } = step;
  const { beganAtMs: ______, deployedAtMs: _______, ...planned } = rest;
  return planned;
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
