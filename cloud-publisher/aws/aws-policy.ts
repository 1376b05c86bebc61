import { AWS_ACTIONS } from './aws-calls.ts';
import type { AwsAction, AwsPurpose, AwsResource } from './aws-calls.ts';

export interface PolicyScope {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  /** Every bucket when absent. */
  readonly bucket?: string;
  /** Begin of every key in the bucket. */
  readonly prefix?: string;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly {
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
  }[];
}

export const AWS_PURPOSES: readonly AwsPurpose[] = ['publish', 'deploy', 'look', 'sagemaker'];
/** When nobody names any: SageMaker is for those who train or compile there. */
export const USUAL_PURPOSES: readonly AwsPurpose[] = ['publish', 'deploy', 'look'];

export const actionsFor = (purposes: readonly AwsPurpose[]): AwsAction[] =>
  (Object.keys(AWS_ACTIONS) as AwsAction[]).filter((action) =>
    AWS_ACTIONS[action].purposes.some((purpose) => purposes.includes(purpose)),
  );

/** The least that these purposes need: made of the list of calls, one statement for each resource. */
export function policyFor(purposes: readonly AwsPurpose[], scope: PolicyScope): PolicyDocument {
  const actionsOn = new Map<string, Set<string>>();
  const allow = (action: string, resources: readonly string[]): void => {
    const key = resources.join(' ');
    actionsOn.set(key, (actionsOn.get(key) ?? new Set()).add(action));
  };
  for (const action of actionsFor(purposes)) {
    const { resource, needs = [] }: { resource: AwsResource; needs?: readonly string[] } =
      AWS_ACTIONS[action];
    const own = resourcesOf(resource, scope);
    allow(action, own);
    const [service] = action.split(':');
    // What AWS checks in another service is on resources that have no name before the call.
    for (const need of needs) allow(need, need.startsWith(`${service}:`) ? own : ['*']);
  }
  return {
    Version: '2012-10-17',
    Statement: [...actionsOn].map(([resources, actions]) => ({
      Effect: 'Allow',
      Action: [...actions].sort(),
      Resource: resources.split(' '),
    })),
  };
}

export function resourcesOf(
  resource: AwsResource,
  { partition, region, accountId, bucket = '*', prefix = '' }: PolicyScope,
): string[] {
  const arn = (service: string, rest: string, owner = accountId): string =>
    `arn:${partition}:${service}:${region}:${owner}:${rest}`;
  switch (resource) {
    case 'any':
      return ['*'];
    case 'bucket':
      return [`arn:${partition}:s3:::${bucket}`];
    case 'object':
      return [`arn:${partition}:s3:::${bucket}/${prefix === '' ? '' : `${prefix}/`}*`];
    case 'component':
      return [arn('greengrass', 'components:*'), arn('greengrass', 'components:*', 'aws')];
    case 'deployment':
      return [arn('greengrass', 'deployments:*')];
    case 'core-device':
      return [arn('greengrass', 'coreDevices:*')];
    case 'job':
      return [arn('iot', 'job/*')];
    case 'thing':
      return [arn('iot', 'thing/*')];
    case 'made-group':
      return [arn('iot', 'thinggroup/vedette-*')];
    // Which devices are added nobody knows before, so that the group is what limits it.
    case 'made-group-and-thing':
      return [arn('iot', 'thinggroup/vedette-*'), arn('iot', 'thing/*')];
    case 'role':
      return [`arn:${partition}:iam::*:role/*`];
    case 'passed-role':
      return [`arn:${partition}:iam::${accountId}:role/*`];
    case 'compilation-job':
      return [arn('sagemaker', 'compilation-job/vedette-*')];
    case 'training-job':
      return [arn('sagemaker', 'training-job/*')];
  }
}
