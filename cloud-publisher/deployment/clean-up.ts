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
    const waiting = isBack ? notBack(wave, rollout) : [];
    if (waiting.length > 0) {
      notes.push(
        `${group} and its deployment stay, because ${waiting.length} devices have not come back to take it: ${waiting.slice(0, 3).join(', ')}`,
      );
      continue;
    }
    const [newest] = await doors.deployments.history(wave.targetArn);
    if (newest && rollout.steps.some(({ deploymentId }) => deploymentId === newest.deploymentId)) {
      const { status } = await doors.deployments.get(newest.deploymentId);
      if (status === 'ACTIVE') await doors.deployments.cancel(newest.deploymentId);
    }
    if (wave.isGroupMade) await doors.groups.remove(group);
  }
  return notes;
}

/** Devices that took the wave's deployment and not yet the way back. */
function notBack(wave: RolloutStep, { steps }: Rollout): string[] {
  const back = steps.find(
    ({ kind, targetArn }) => kind === 'roll-back' && targetArn === wave.targetArn,
  );
  const returned = new Set(back?.reached ?? []);
  return back ? wave.reached.filter((thing) => !returned.has(thing)) : [];
}
