import { VedetteError } from '../../component/contract/errors.ts';
import type { FleetDoors } from './fleet-doors.ts';
import type { Rollout } from './rollout.ts';
import { targetName } from './target-arn.ts';

/** @throws VedetteError DEPLOYMENT_CHANGED when a target has another deployment than the plan was made on */
export async function requireUnchanged(
  rollout: Rollout,
  { deployments }: FleetDoors,
): Promise<void> {
  for (const { targetArn, baseDeploymentId, isGroupMade } of rollout.steps) {
    if (isGroupMade) continue;
    const newest = await deployments.newest(targetArn);
    if ((newest?.deploymentId ?? null) === baseDeploymentId) continue;
    throw new VedetteError(
      'DEPLOYMENT_CHANGED',
      `${targetName(targetArn)} has the deployment '${newest?.name}' (${newest?.deploymentId}) since plan ${rollout.id} was made on ${baseDeploymentId ?? 'none'}`,
    );
  }
}
