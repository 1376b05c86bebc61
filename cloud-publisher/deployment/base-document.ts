import { isDeepStrictEqual } from 'node:util';
import type { Deployment, DeploymentDocument } from '../greengrass/deployment-gateway.ts';
import { withoutResets } from './apply-component-set.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { isNameOfWayBack } from './rollout.ts';

export const documentOf = (deployment: Deployment | undefined): DeploymentDocument => ({
  components: deployment?.components ?? {},
  ...(deployment?.deploymentPolicies ? { deploymentPolicies: deployment.deploymentPolicies } : {}),
  ...(deployment?.iotJobConfiguration
    ? { iotJobConfiguration: deployment.iotJobConfiguration }
    : {}),
});

/**
 * What the next deployment of a target is made of: what it has, to the letter. Only resets that a way
 * back of a roll-out added are left out: they were for the devices that had the new version.
 */
export async function baseDocument(
  deployment: Deployment | undefined,
  { deployments }: Pick<FleetDoors, 'deployments'>,
): Promise<DeploymentDocument> {
  const document = documentOf(deployment);
  if (!deployment || !isNameOfWayBack(deployment.name)) return document;
  const history = await deployments.history(deployment.targetArn);
  const at = history.findIndex(({ deploymentId }) => deploymentId === deployment.deploymentId);
  const replaced = at < 0 ? undefined : history[at + 1];
  if (!replaced) return document;
  // What differs from the deployment that was taken back is what the way back changed.
  const { components: before } = await deployments.get(replaced.deploymentId);
  const components = Object.fromEntries(
    Object.entries(document.components).map(([component, settings]) => [
      component,
      isDeepStrictEqual(before[component], settings) ? settings : withoutResets(settings),
    ]),
  );
  return { ...document, components };
}
