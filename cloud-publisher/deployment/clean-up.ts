import type { FleetDoors } from './fleet-doors.ts';
import type { Rollout, RolloutStep } from './rollout.ts';
import { targetName } from './target-arn.ts';

/**
 * What waves leave behind goes once nobody needs it: deployments that stand in for the whole group's,
 * and the groups that were made for them. Safe to repeat.
 * @returns what had to stay, for people
 */
export async function cleanUp(rollout: Rollout, doors: FleetDoors): Promise<string[]> {
  const notes: string[] = [];
  const isBack = rollout.state === 'rolling-back';
  for (const wave of rollout.steps) {
    if (wave.kind !== 'wave' || wave.parentTargetArn === undefined) continue;
    if (wave.state === 'waiting' && !wave.isGroupMade) continue;
    const group = targetName(wave.targetArn);
    const back = isBack ? backOf(wave, rollout) : undefined;
    if (back?.restoredDeploymentId !== undefined) {
      notes.push(
        `${group} and its deployment stay, because somebody else deployed there too (${back.restoredDeploymentId})`,
      );
      continue;
    }
    const waiting = back ? notBack(back) : [];
    if (waiting.length > 0) {
      notes.push(
        `${group} and its deployment stay, because ${waiting.length} devices have not come back to take it: ${waiting.slice(0, 3).join(', ')}`,
      );
      continue;
    }
    const newest = await doors.deployments.newest(wave.targetArn);
    if (newest && rollout.steps.some(({ deploymentId }) => deploymentId === newest.deploymentId)) {
      const { status } = await doors.deployments.get(newest.deploymentId);
      if (status === 'ACTIVE') await doors.deployments.cancel(newest.deploymentId);
    }
    if (wave.isGroupMade) await doors.groups.remove(group);
  }
  return notes;
}

const backOf = ({ targetArn }: RolloutStep, { steps }: Rollout): RolloutStep | undefined =>
  steps.find((step) => step.kind === 'roll-back' && step.targetArn === targetArn);

/** Devices that began with the wave's deployment and have not taken the way back yet. */
const notBack = ({ devices, reached }: RolloutStep): string[] =>
  devices.filter((thing) => !reached.includes(thing));
