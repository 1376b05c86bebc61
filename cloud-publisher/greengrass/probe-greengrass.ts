import {
  CreateComponentVersionCommand,
  DeleteComponentCommand,
  DescribeComponentCommand,
  GetComponentCommand,
  ListComponentVersionsCommand,
  ListComponentsCommand,
  ListCoreDevicesCommand,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import type { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import type { AwsIdentity } from '../aws/find-account.ts';
import { probeCall, refusedAs } from '../aws/probe-call.ts';
import type { CallProbe } from '../aws/probe-call.ts';

/** Of a component that nobody has. */
const NOBODYS = 'io.vedette.doctor.nobodys-component';
const absent = refusedAs('ResourceNotFoundException');

/** Tries each call of Greengrass that can be tried without a trace. */
export async function probeGreengrass(
  client: GreengrassV2Client,
  { partition, region, accountId }: AwsIdentity,
): Promise<CallProbe[]> {
  const component = `arn:${partition}:greengrass:${region}:${accountId}:components:${NOBODYS}`;
  const arn = `${component}:versions:0.0.0`;
  // No recipe at all: what is refused for its content was allowed.
  const inlineRecipe = Buffer.from('{}');
  return [
    await probeCall('greengrass:ListComponents', '*', () =>
      client.send(new ListComponentsCommand({ scope: 'PRIVATE', maxResults: 1 })),
    ),
    await probeCall(
      'greengrass:ListComponentVersions',
      component,
      () => client.send(new ListComponentVersionsCommand({ arn: component })),
      absent,
    ),
    await probeCall(
      'greengrass:DescribeComponent',
      arn,
      () => client.send(new DescribeComponentCommand({ arn })),
      absent,
    ),
    await probeCall(
      'greengrass:GetComponent',
      arn,
      () => client.send(new GetComponentCommand({ arn })),
      absent,
    ),
    await probeCall(
      'greengrass:CreateComponentVersion',
      arn,
      () => client.send(new CreateComponentVersionCommand({ inlineRecipe })),
      refusedAs('ValidationException'),
    ),
    await probeCall(
      'greengrass:DeleteComponent',
      arn,
      () => client.send(new DeleteComponentCommand({ arn })),
      absent,
    ),
  ];
}

/** The same of the calls that deployments begin with. */
export async function probeDeployments(client: GreengrassV2Client): Promise<CallProbe[]> {
  return [
    await probeCall('greengrass:ListDeployments', '*', () =>
      client.send(new ListDeploymentsCommand({ maxResults: 1 })),
    ),
    await probeCall('greengrass:ListCoreDevices', '*', () =>
      client.send(new ListCoreDevicesCommand({ maxResults: 1 })),
    ),
  ];
}
