/** What people run the publisher for; a policy is made for one or several of them. */
export type AwsPurpose = 'publish' | 'deploy' | 'look' | 'sagemaker';

/** What an action is allowed on, as `arnOf` of a policy writes it. */
export type AwsResource =
  | 'any'
  | 'bucket'
  | 'object'
  | 'component'
  | 'deployment'
  | 'core-device'
  | 'job'
  | 'thing'
  | 'made-group'
  | 'made-group-and-thing'
  | 'role'
  | 'passed-role'
  | 'compilation-job'
  | 'training-job';

export interface AwsActionEntry {
  readonly resource: AwsResource;
  readonly purposes: readonly AwsPurpose[];
  /** Actions of other services that AWS checks of the caller when it does this one. */
  readonly needs?: readonly string[];
}

/** What Greengrass does with jobs and shadows of AWS IoT in the caller's name (service authorization reference). */
const READS_JOB = ['iot:DescribeJob', 'iot:DescribeThing', 'iot:DescribeThingGroup'] as const;
const READS_DEPLOYMENT = [...READS_JOB, 'iot:GetThingShadow'] as const;
const ENDS_DEPLOYMENT = [
  ...READS_DEPLOYMENT,
  'iot:CancelJob',
  'iot:DeleteThingShadow',
  'iot:UpdateJob',
  'iot:UpdateThingShadow',
] as const;

const entry = (
  resource: AwsResource,
  purposes: readonly AwsPurpose[],
  needs?: readonly string[],
): AwsActionEntry => ({ resource, purposes, ...(needs ? { needs } : {}) });

/**
 * Every action of AWS that the publisher needs: the one list from which policies are made. A gateway
 * cannot name another one, because the type of a call is made of these names.
 */
export const AWS_ACTIONS = {
  'sts:GetCallerIdentity': entry('any', ['publish', 'deploy', 'look', 'sagemaker']),
  /** With `--role-arn`, and of the credentials that take the role on. */
  'sts:AssumeRole': entry('role', []),

  's3:PutObject': entry('object', ['publish', 'sagemaker'], ['s3:PutObjectTagging']),
  's3:GetObject': entry('object', ['publish', 'deploy', 'sagemaker']),
  's3:AbortMultipartUpload': entry('object', ['publish', 'sagemaker']),
  's3:ListMultipartUploadParts': entry('object', ['publish', 'sagemaker']),
  's3:ListBucketMultipartUploads': entry('bucket', ['publish', 'sagemaker']),

  'greengrass:CreateComponentVersion': entry('component', ['publish'], ['greengrass:TagResource']),
  'greengrass:DescribeComponent': entry('component', ['publish', 'look']),
  'greengrass:GetComponent': entry('component', ['publish', 'deploy', 'look']),
  'greengrass:ListComponentVersions': entry('component', ['publish', 'look']),
  'greengrass:DeleteComponent': entry('component', ['publish']),
  'greengrass:ListComponents': entry('any', ['look']),

  /** Also before a component is deleted. */
  'greengrass:ListDeployments': entry('any', ['publish', 'deploy', 'look'], READS_DEPLOYMENT),
  'greengrass:GetDeployment': entry('deployment', ['publish', 'deploy', 'look'], READS_DEPLOYMENT),
  'greengrass:CreateDeployment': entry(
    'any',
    ['deploy'],
    [...ENDS_DEPLOYMENT, 'iot:CreateJob', 'greengrass:TagResource'],
  ),
  'greengrass:CancelDeployment': entry('deployment', ['deploy'], ENDS_DEPLOYMENT),
  'greengrass:ListCoreDevices': entry('any', ['deploy', 'look']),
  'greengrass:GetCoreDevice': entry('core-device', ['deploy', 'look']),
  'greengrass:ListEffectiveDeployments': entry('core-device', ['deploy', 'look'], READS_DEPLOYMENT),
  'greengrass:ListInstalledComponents': entry('core-device', ['deploy', 'look']),

  'iot:CreateThingGroup': entry('made-group', ['deploy'], ['iot:TagResource']),
  'iot:AddThingToThingGroup': entry('made-group-and-thing', ['deploy']),
  'iot:DeleteThingGroup': entry('made-group', ['deploy']),
  'iot:ListJobExecutionsForJob': entry('job', ['deploy']),
  'iot:GetThingShadow': entry('thing', ['deploy', 'look']),

  'sagemaker:CreateCompilationJob': entry('compilation-job', ['sagemaker'], ['sagemaker:AddTags']),
  'sagemaker:DescribeCompilationJob': entry('compilation-job', ['sagemaker']),
  'sagemaker:DescribeTrainingJob': entry('training-job', ['sagemaker']),
  /** The role that Neo works with: AWS checks it of who creates the job. */
  'iam:PassRole': entry('passed-role', ['sagemaker']),
} as const satisfies Readonly<Record<string, AwsActionEntry>>;

export type AwsAction = keyof typeof AWS_ACTIONS;
