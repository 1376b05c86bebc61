import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AWS_ACTIONS } from '../../../cloud-publisher/aws/aws-calls.ts';
import { policyFor } from '../../../cloud-publisher/aws/aws-policy.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { ACCOUNT_ID, ROLE } from '../../support/emulated-aws/sts-server.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { publisherInProcess } from '../../support/publisher-in-process.ts';
import { samples } from '../../support/runtime-process.ts';

/** Operations whose permission has another name (service authorization reference of S3). */
const PERMISSION_OF: Readonly<Record<string, string>> = {
  's3:HeadObject': 's3:GetObject',
  's3:CreateMultipartUpload': 's3:PutObject',
  's3:UploadPart': 's3:PutObject',
  's3:CompleteMultipartUpload': 's3:PutObject',
  's3:ListParts': 's3:ListMultipartUploadParts',
  's3:ListMultipartUploads': 's3:ListBucketMultipartUploads',
};
const MODEL = 'io.vedette.model.brick-anomaly';
const scope = { partition: 'aws', region: REGION, accountId: ACCOUNT_ID, bucket: BUCKET };

let aws: EmulatedAws;
let folder: PublisherFolder;
let state = '';

beforeAll(async () => {
  aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  folder = await PublisherFolder.create();
  state = folder.fresh();
});
afterEach(() => aws.reset());
afterAll(async () => {
  await folder.close();
  await aws.close();
});

const run = (...args: string[]) => publisherInProcess(args, state);
const publish = (...more: string[]) =>
  run(
    'publish',
    'model',
    samples('models', 'brick-anomaly'),
    '--no-run',
    '--bucket',
    BUCKET,
    ...more,
  );

/** Permissions of every call that was made. */
const permissionsUsed = (): Set<string> =>
  new Set(
    [aws.s3, aws.greengrass, aws.sts]
      .flatMap(({ calls }) => calls)
      .map((call) => call.split(' ')[0]!)
      .map((operation) => PERMISSION_OF[operation] ?? operation),
  );

describe('the list of calls', () => {
  it('has every call that publishing, looking, deleting and the doctor make', async () => {
    for (const args of [
      ['component', 'list'],
      ['component', 'versions', MODEL],
      ['component', 'show', MODEL],
      ['doctor', 'aws', '--bucket', BUCKET],
      ['component', 'delete', MODEL, '1.0.0', '--force'],
    ]) {
      if (args[1] === 'list') expect((await publish()).stderr).toContain('DEPLOYABLE');
      const { code, stderr } = await run(...args);
      expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
    }
    const used = permissionsUsed();
    expect(used.size).toBeGreaterThan(10);
    for (const permission of used) expect(Object.keys(AWS_ACTIONS)).toContain(permission);
  });

  it('gives a policy that allows every call of publishing and deleting, on these resources alone', async () => {
    await publish();
    expect((await run('component', 'delete', MODEL, '1.0.0')).code).toBe(0);
    expect(permissionsUsed()).toContain('greengrass:ListDeployments');
    const { Statement } = policyFor(['publish'], scope);
    const allowed = new Set(Statement.flatMap(({ Action }) => Action));
    for (const permission of permissionsUsed()) expect(allowed).toContain(permission);
    for (const { Action, Resource } of Statement) {
      for (const action of Action) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
      if (!Resource.includes('*')) continue;
      // Without a name before the call; the others are what Greengrass reads for a list of deployments.
      expect(Action).toEqual([
        'greengrass:ListDeployments',
        'iot:DescribeJob',
        'iot:DescribeThing',
        'iot:DescribeThingGroup',
        'iot:GetThingShadow',
        'sts:GetCallerIdentity',
      ]);
    }
    expect(allowed).toContain('greengrass:TagResource');
    expect(allowed).not.toContain('greengrass:CreateDeployment');
    const look = policyFor(['look'], scope).Statement.flatMap(({ Action }) => Action);
    expect(look.filter((action) => /Create|Delete|Put|Update|Add|Cancel/.test(action))).toEqual([]);
  });
});

describe('the policy for deploying', () => {
  it('changes only thing groups that are made for waves', () => {
    const { Statement } = policyFor(['deploy'], scope);
    for (const action of ['Create', 'AddThingTo', 'Delete']) {
      const name = `iot:${action}ThingGroup`;
      const groups = Statement.filter(({ Action }) => Action.includes(name))
        .flatMap(({ Resource }) => Resource)
        .filter((resource) => !resource.endsWith(':thing/*'));
      expect(groups, name).toEqual([`arn:aws:iot:${REGION}:${ACCOUNT_ID}:thinggroup/vedette-*`]);
    }
  });
});

describe('vedette doctor aws', () => {
  it('finds nothing missing, and leaves nothing behind', async () => {
    const { code, stdout } = await run('doctor', 'aws', '--bucket', BUCKET, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      account: ACCOUNT_ID,
      region: REGION,
      isHealthy: true,
    });
    expect(stdout).toContain('0 of 5000 components');
    expect([aws.s3.objects.size, aws.s3.uploads.size, aws.greengrass.versions.size]).toEqual([
      0, 0, 0,
    ]);
  });

  it('counts in an account that is nearly full, where publishing works all the same', async () => {
    aws.greengrass.fill(4_600);
    const { code, stdout } = await run('doctor', 'aws', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ isHealthy: false });
    expect(stdout).toContain('4600 of 5000 components in this region: delete some');
    expect((await publish()).code).toBe(0);
    const request = join(folder.fresh(), 'bundle.yaml');
    await mkdir(dirname(request));
    const device = '{ name: a, architecture: amd64, nucleus: classic }';
    const components = "{ c4599: { version: '*' } }";
    await writeFile(
      request,
      `name: line\nversion: 1.0.0\ndevices: [${device}]\ncomponents: ${components}\n`,
    );
    const bundle = await run('bundle', 'create', request, '--dry-run', '--json');
    expect(bundle.code, bundle.stderr).toBe(0);
    expect(JSON.parse(bundle.stdout)).toMatchObject({
      problems: [],
      bundle: { components: { c4599: { version: '1.0.0' } } },
    });
  });

  it('names each call that is denied and the statement that would allow it', async () => {
    aws.denied.add('greengrass:CreateComponentVersion').add('s3:CreateMultipartUpload');
    const { code, stdout } = await run('doctor', 'aws', '--bucket', BUCKET, '--json');
    expect(code).toBe(3);
    const { checks, policy } = JSON.parse(stdout) as {
      checks: { check: string; state: string }[];
      policy: { Statement: { Action: string[] }[] };
    };
    const denied = checks.filter(({ state }) => state === 'denied').map(({ check }) => check);
    expect(denied).toEqual(['greengrass:CreateComponentVersion', 's3:PutObject']);
    expect(policy.Statement.map(({ Action }) => Action[0])).toEqual(denied);
    expect(policy.Statement[1]!.Action).toContain('s3:PutObjectTagging');
    expect((await run('doctor', 'aws', '--bucket', BUCKET)).stdout).toContain('needed:');
  });

  it('says when the bucket is elsewhere or is not, and when credentials have expired', async () => {
    const overseas = await run('doctor', 'aws', '--bucket', 'models-overseas');
    expect(overseas.code).toBe(3);
    expect(overseas.stdout).toContain('us-east-2');
    expect((await run('doctor', 'aws', '--bucket', 'no-such-bucket')).stdout).toContain(
      'NoSuchBucket',
    );
    Object.assign(process.env, aws.environment('expired'));
    const expired = await run('doctor', 'aws');
    Object.assign(process.env, aws.environment());
    expect(expired.stderr).toContain('AWS_CREDENTIALS_EXPIRED');
    expect((await run('doctor', 'aws', '--for', 'fun')).stderr).toContain('REQUEST_INVALID');
  });

  it('looks at SageMaker for those who ask for it alone', async () => {
    const states = async (...more: string[]): Promise<string[]> => {
      const { stdout } = await run('doctor', 'aws', '--json', ...more);
      const { checks } = JSON.parse(stdout) as { checks: { check: string; state: string }[] };
      return checks
        .filter(({ check }) => check.startsWith('sagemaker:'))
        .map(({ check, state: is }) => `${check} ${is}`);
    };
    expect(await states()).toEqual([]);
    aws.denied.add('sagemaker:DescribeTrainingJob');
    expect(await states('--for', 'sagemaker')).toEqual([
      'sagemaker:DescribeCompilationJob allowed',
      'sagemaker:DescribeTrainingJob denied',
    ]);
    const { Statement } = policyFor(['sagemaker'], scope);
    const passing = Statement.find(({ Action }) => Action.includes('iam:PassRole'));
    expect(passing?.Resource).toEqual([`arn:aws:iam::${ACCOUNT_ID}:role/*`]);
  });

  it('prints the policy without looking at anything', async () => {
    const { stdout } = await run(
      'doctor',
      'aws',
      '--policy',
      '--for',
      'publish',
      '--bucket',
      BUCKET,
    );
    expect(JSON.parse(stdout)).toEqual(policyFor(['publish'], { ...scope, prefix: '' }));
    expect(aws.greengrass.calls).toEqual([]);
    expect(aws.s3.calls).toEqual([]);
  });
});

describe('a role of another account', () => {
  it('is taken on with its external id, for every call', async () => {
    const role = ['--role-arn', ROLE.arn, '--external-id', ROLE.externalId];
    // The credentials at hand may do nothing else.
    for (const operation of [
      's3:PutObject',
      'greengrass:DescribeComponent',
      'sts:GetCallerIdentity',
    ]) {
      aws.denied.add(operation);
    }
    const published = await publish(...role);
    expect(published.code, published.stderr).toBe(0);
    expect(aws.sts.calls[0]).toBe('sts:AssumeRole /');
    const [version] = aws.greengrass.versions.values();
    expect(version).toMatchObject({ state: 'DEPLOYABLE' });
  });

  it('is refused without it, naming the call and its resource', async () => {
    const { code, stderr } = await publish('--role-arn', ROLE.arn);
    expect(code).toBe(2);
    expect(stderr).toContain(`sts:AssumeRole on ${ROLE.arn}`);
    expect((await publish('--external-id', 'x')).stderr).toContain(
      '--external-id goes with --role-arn',
    );
    expect((await publish('--role-arn', 'x')).stderr).toContain('expected arn:…:role/…');
  });
});

describe('a version that a deployment names', () => {
  it('is not deleted', async () => {
    await publish();
    const { DeploymentGateway } =
      await import('../../../cloud-publisher/greengrass/deployment-gateway.ts');
    const { openGreengrass } =
      await import('../../../cloud-publisher/greengrass/greengrass-gateway.ts');
    const account = `arn:aws:greengrass:${REGION}:${ACCOUNT_ID}`;
    const deployments = new DeploymentGateway(openGreengrass(REGION), account);
    aws.fleet.add('station', ['line']);
    await deployments.create({
      targetArn: `arn:aws:iot:${REGION}:${ACCOUNT_ID}:thinggroup/line`,
      name: 'line',
      components: { [MODEL]: { componentVersion: '1.0.0' } },
      tags: {},
      clientToken: 'token',
    });
    deployments.close();
    const { stderr } = await run('component', 'delete', MODEL, '1.0.0');
    expect(stderr).toContain('COMPONENT_IN_USE');
    expect(stderr).toContain('the deployment of thinggroup/line');
    expect((await run('component', 'delete', MODEL, '1.0.0', '--force')).code).toBe(0);
  });
});
