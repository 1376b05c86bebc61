import type { Command } from 'commander';
import { credentialsOf, withAws } from './aws-options.ts';
import type { AwsOptions } from './aws-options.ts';
import type { FleetDoors } from '../deployment/fleet-doors.ts';
import { RolloutRecords } from '../registry/rollout-records.ts';
import type { PublisherContext } from './publisher-context.ts';

export interface FleetOptions extends AwsOptions {
  readonly state?: string;
  readonly json?: boolean;
}

export const withFleetOptions = (command: Command): Command => withAws(withStateOptions(command));

/** Of commands that look into the records alone. */
export const withStateOptions = (command: Command): Command =>
  command
    .option('--state <place>', "the publisher's records; else .vedette/publisher here")
    .option('--json', 'print it as JSON');

/**
 * Opens the ways to the fleet and closes them again.
 * @param callsPerSecond quota of the account for Greengrass' control plane; AWS' own when absent
 */
export async function withFleet<T>(
  options: FleetOptions,
  action: (doors: FleetDoors) => Promise<T>,
  callsPerSecond?: number,
): Promise<T> {
  // AWS' clients take a third of a second to load: only who calls AWS waits for them.
  const [aws, renewed, greengrass, deployment, things, shadow, sizes] = await Promise.all([
    import('../aws/find-account.ts'),
    import('../aws/renewed-credentials.ts'),
    import('../greengrass/greengrass-gateway.ts'),
    import('../greengrass/deployment-gateway.ts'),
    import('../fleet/thing-groups.ts'),
    import('../fleet/device-shadows.ts'),
    import('../storage/artifact-sizes.ts'),
  ]);
  const credentials = (await credentialsOf(options)) ?? renewed.renewedCredentials();
  const account = await aws.findAccount(options.region, credentials);
  const end = `${account.region}:${account.accountId}`;
  const iotArn = `arn:${account.partition}:iot:${end}`;
  const client = greengrass.openGreengrass(account.region, credentials, callsPerSecond);
  const deployments = new deployment.DeploymentGateway(
    client,
    `arn:${account.partition}:greengrass:${end}`,
  );
  const groups = new things.ThingGroups(things.openIot(account.region, credentials), iotArn);
  const shadows = new shadow.DeviceShadows(shadow.openIotData(account.region, credentials), iotArn);
  const artifacts = new sizes.ArtifactSizes(account.region, credentials);
  const doors: FleetDoors = {
    accountId: account.accountId,
    region: account.region,
    iotArn,
    deployments,
    groups,
    shadows,
    components: new greengrass.GreengrassGateway(client, account),
    artifactBytes: (uri) => artifacts.bytes(uri),
  };
  try {
    return await action(doors);
  } finally {
    for (const door of [deployments, groups, shadows, artifacts]) door.close();
  }
}

export async function withRollouts<T>(
  { state }: Pick<FleetOptions, 'state'>,
  context: PublisherContext,
  action: (records: RolloutRecords) => Promise<T>,
): Promise<T> {
  const records = await RolloutRecords.open(state ?? context.stateFolder);
  try {
    return await action(records);
  } finally {
    await records.close();
  }
}
