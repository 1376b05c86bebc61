import { VedetteError } from '../../component/contract/errors.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import { documentOf } from './base-document.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { rollBackDocument } from './roll-back-document.ts';
import { deploymentName, plannedStep } from './rollout.ts';
import type { PlannedStep, Rollout, RolloutStep } from './rollout.ts';
import { stepExecutions } from './step-executions.ts';

/**
 * Plans the way back: what was deployed goes back in the reverse order, each to what its target had.
 * @returns whether something moved
 */
export async function beginRollBack(
  rollout: Rollout,
  doors: FleetDoors,
  records: RolloutRecords,
): Promise<boolean> {
  const steps: PlannedStep[] = [];
  // Once the whole group has it, the deployments of its parts count no more and are cancelled.
  const isWhole = rollout.steps.every(({ state }) => state === 'passed');
  for (const step of rollout.steps.toReversed()) {
    if (isWhole && step.parentTargetArn !== undefined) continue;
    const back = await wayBack(rollout, step, doors);
    if (back) steps.push(back);
  }
  if (steps.length === 0) {
    return records.enter(
      rollout.id,
      ['rolling-back'],
      'rolled-back',
      `${rollout.reason}; nothing had been deployed`,
    );
  }
  await records.addRollBack(rollout.id, steps);
  return true;
}

/** Of a step that made a deployment, also when its process ended before it could record that. */
async function wayBack(
  rollout: Rollout,
  step: RolloutStep,
  doors: FleetDoors,
): Promise<PlannedStep | undefined> {
  if (step.deploymentId === undefined && step.state !== 'creating') return undefined;
  const name = deploymentName(rollout, step);
  const history = await doors.deployments.history(step.targetArn);
  const at = history.findIndex((one) =>
    step.deploymentId === undefined ? one.name === name : one.deploymentId === step.deploymentId,
  );
  const deploymentId = step.deploymentId ?? history[at]?.deploymentId;
  if (deploymentId === undefined) return undefined;
  const { parentTargetArn, parentDeploymentId: _, ...planned } = plannedStep(step);
  const replaced = at < 0 ? undefined : history[at + 1];
  const between =
    replaced && replaced.deploymentId !== step.baseDeploymentId
      ? await doors.deployments.get(replaced.deploymentId)
      : undefined;
  const base = between ? documentOf(between) : step.base;
  const parent = between ? between.parentTargetArn : parentTargetArn;
  return {
    ...planned,
    kind: 'roll-back',
    title: `back: ${step.title}`,
    ...(parent === undefined ? {} : { parentTargetArn: parent }),
    devices: await touchedDevices(step, deploymentId, doors),
    baseDeploymentId: deploymentId,
    base: step.document,
    document: rollBackDocument(base, step.document.components, step.base.components),
    ...(between ? { restoredDeploymentId: between.deploymentId } : {}),
  };
}

/** Those of the last look among them, and those that began since: nobody may have looked for long. */
async function touchedDevices(
  step: RolloutStep,
  deploymentId: string,
  doors: FleetDoors,
): Promise<readonly string[]> {
  const known = [...step.reached, ...step.touched];
  try {
    const { touched } = await stepExecutions(step, deploymentId, doors);
    return [...new Set([...known, ...touched])];
  } catch (error) {
    // Old jobs and deployments are deleted: what was recorded is all there is then.
    if (error instanceof VedetteError && error.code === 'NOT_FOUND') return [...new Set(known)];
    throw error;
  }
}
