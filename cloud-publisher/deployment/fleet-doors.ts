import type { DeviceShadows } from '../fleet/device-shadows.ts';
import type { ThingGroups } from '../fleet/thing-groups.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import type { DeploymentGateway } from '../greengrass/deployment-gateway.ts';

/** The ways to a fleet of one account and region. */
export interface FleetDoors {
  readonly accountId: string;
  readonly region: string;
  /** `arn:<partition>:iot:<region>:<account>` */
  readonly iotArn: string;
  readonly deployments: DeploymentGateway;
  readonly groups: ThingGroups;
  readonly shadows: DeviceShadows;
  readonly components: Pick<ComponentGateway, 'recipe'>;
  /** Size of what lies at an `s3://` address; nothing when it cannot be looked at. */
  readonly artifactBytes: (uri: string) => Promise<number | undefined>;
}
