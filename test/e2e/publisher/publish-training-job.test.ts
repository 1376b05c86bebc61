import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackArchive } from '../../../component/inference/package/unpack-archive.ts';
import { AWS_ACTIONS } from '../../../cloud-publisher/aws/aws-calls.ts';
import { policyFor } from '../../../cloud-publisher/aws/aws-policy.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { NEO_ROLE } from '../../support/emulated-aws/sagemaker-server.ts';
import { ACCOUNT_ID } from '../../support/emulated-aws/sts-server.ts';
import { publisherInProcess } from '../../support/publisher-in-process.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { PUBLISHER_PROGRAM, startPublisher } from '../../support/run-publisher.ts';
import { trainingArchive } from '../../support/training-output.ts';

const JOB = 'caps-2026-11-25';
const MODEL = `${BUCKET}/training/${JOB}/output/model.tar.gz`;

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

const eventOf = (status: string, detail: object = {}): string =>
  JSON.stringify({
    version: '0',
    id: '844e2571-85d4-695f-b930-0153b71dcb42',
    'detail-type': 'SageMaker Training Job State Change',
    source: 'aws.sagemaker',
    account: ACCOUNT_ID,
    time: '2026-11-25T12:00:00Z',
    region: REGION,
    resources: [`arn:aws:sagemaker:${REGION}:${ACCOUNT_ID}:training-job/${JOB}`],
    detail: { TrainingJobName: JOB, TrainingJobStatus: status, ...detail },
  });

const PUBLISH = [
  ...['--component', 'model-caps', '--bucket', BUCKET, '--target', 'x86_64-cpu', 'arm64-cpu'],
  ...['--compile-role', NEO_ROLE, '--compile-output', `s3://${BUCKET}/neo/`],
];
const run = (...args: string[]) =>
  publisherInProcess(['publish', 'training-job', ...args, ...PUBLISH], state);

function trained(states = ['Completed']): void {
  aws.s3.place(MODEL, trainingArchive());
  aws.sagemaker.looksPerState = 0;
  aws.greengrass.looksPerState = 0;
  aws.sagemaker.trainings.set(JOB, { states, modelUri: `s3://${MODEL}` });
}

async function eventFile(text: string): Promise<string> {
  const file = folder.fresh();
  await writeFile(file, text);
  return file;
}

describe('vedette publish training-job', { timeout: 120_000 }, () => {
  it('goes from an event on standard input to DEPLOYABLE, and again without a change', async () => {
    trained();
    const args = ['publish', 'training-job', '--event', '-', '--json', '--state', state];
    const { ended } = startPublisher(
      [...args, ...PUBLISH],
      aws.environment(),
      PUBLISHER_PROGRAM,
      eventOf('Completed'),
    );
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(0);
    const outcomes = JSON.parse(stdout) as Record<string, string>[];
    expect(outcomes).toMatchObject([
      { target: 'x86_64-cpu', platform: 'amd64', component_version: '1.0.0', status: 'published' },
      { target: 'arm64-cpu', platform: 'aarch64', component_version: '1.0.0', status: 'published' },
    ]);
    const versions = [...aws.greengrass.versions.values()];
    expect(versions.map(({ name, state: is }) => `${name} ${is}`)).toEqual([
      'model-caps-x86-64-cpu DEPLOYABLE',
      'model-caps-arm64-cpu DEPLOYABLE',
    ]);
    expect(versions[0]!.tags).toMatchObject({ 'dda-portal:training-id': JOB });
    await expectPackage('x86_64-cpu', 'X86_64');

    const objects = new Set(aws.s3.objects.keys());
    const again = await run('--event', await eventFile(eventOf('Completed')), '--json');
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toEqual(outcomes);
    expect(aws.greengrass.versions.size).toBe(2);
    expect(aws.sagemaker.compilations.size).toBe(2);
    expect(new Set(aws.s3.objects.keys())).toEqual(objects);

    const used = aws.sagemaker.calls.map((call) => call.split(' ')[0]);
    const allowed = new Set(
      policyFor(['publish', 'sagemaker'], {
        partition: 'aws',
        region: REGION,
        accountId: ACCOUNT_ID,
        bucket: BUCKET,
      }).Statement.flatMap(({ Action }) => Action),
    );
    for (const action of used) {
      expect(Object.keys(AWS_ACTIONS)).toContain(action);
      expect(allowed).toContain(action);
    }
    expect(allowed).toContain('iam:PassRole');
  });

  /** The zip of a target holds the manifest of the notebook and the archive that Neo made. */
  async function expectPackage(target: string, engine: string): Promise<void> {
    const found = [...aws.greengrass.versions.values()].find(({ name }) =>
      name.endsWith(target.replace('_', '-')),
    )!;
    const uri = /s3:\/\/([^"]+\.zip)/.exec(JSON.stringify(found.recipe))![1]!;
    expect(uri).toContain('/model_artifacts/model-');
    const zip = join(folder.path, `${target}.zip`);
    await writeFile(zip, aws.s3.objects.get(uri)!.data);
    const unpacked = folder.fresh();
    await unpackArchive(zip, unpacked);
    const manifest = JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8')) as object;
    expect(Object.keys(manifest)).toEqual(['model_graph', 'compilable_models', 'dataset']);
    const stage = join(unpacked, 'supervised_multi_head_model');
    expect((await readdir(stage)).sort()).toEqual(['compiled.so', 'compiled_model.json']);
    const weights = createHash('sha256').update('weights').digest('hex');
    expect(await readFile(join(stage, 'compiled.so'), 'utf8')).toBe(
      `engine for ${engine} of ${weights}`,
    );
  }

  it('waits for a job by its name; a target that fails does not stop the others', async () => {
    trained(['InProgress', 'Completed']);
    aws.sagemaker.failures.set('ARM64', 'ClientError: no operator aten::odd');
    const { code, stdout, stderr } = await run(JOB);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`${JOB} is InProgress (Training)`);
    expect(stderr).toContain('1 of 2 targets failed');
    expect(stdout).toContain('x86_64-cpu: model-caps-x86-64-cpu 1.0.0 is DEPLOYABLE');
    expect(stdout).toMatch(/arm64-cpu: .* failed: MODEL_COMPILATION_FAILED: .*aten::odd/);
  });

  it('goes on without a target whose archive cannot be read', async () => {
    trained();
    const args = ['--target', 'arm64-cpu', '--to', folder.fresh()];
    const compile = PUBLISH.slice(-4);
    const publish = () =>
      publisherInProcess(['publish', 'training-job', JOB, ...args, ...compile], state);
    expect((await publish()).code).toBe(0);
    const archive = [...aws.s3.objects.keys()].find((key) => key.includes('LINUX_ARM64'))!;
    aws.s3.place(archive, Buffer.from('no archive'));
    const { code, stdout } = await publish();
    expect(code).not.toBe(0);
    expect(stdout).toMatch(/arm64-cpu: .* failed: MODEL_ARCHIVE_INVALID/);
    expect(aws.sagemaker.compilations.size).toBe(1);
  });

  it('refuses an event of another account than that of the credentials', async () => {
    trained();
    const other = { ...(JSON.parse(eventOf('Completed')) as object), account: '210987654321' };
    const { code, stderr } = await run('--event', await eventFile(JSON.stringify(other)));
    expect(code).toBe(2);
    expect(stderr).toContain('the event is of account 210987654321');
    expect(aws.sagemaker.calls).toEqual([]);
  });

  it('shows every call that it would make, and changes nothing', async () => {
    trained();
    const { code, stdout, stderr } = await run(JOB, '--dry-run', '--json');
    expect(code, stderr).toBe(0);
    const { calls } = JSON.parse(stdout) as { calls: string[] };
    expect(calls.map((call) => call.split(/[ ,]/)[0])).toEqual([
      's3:PutObject',
      ...['x86_64-cpu', 'arm64-cpu'].flatMap(() => [
        'sagemaker:DescribeCompilationJob',
        'sagemaker:CreateCompilationJob',
        'sagemaker:DescribeCompilationJob',
        's3:GetObject',
      ]),
      ...['x86_64-cpu', 'arm64-cpu'].flatMap(() => [
        'write',
        'greengrass:DescribeComponent',
        'greengrass:CreateComponentVersion',
        'greengrass:DescribeComponent',
        'greengrass:GetComponent',
      ]),
    ]);
    expect(aws.sagemaker.compilations.size + aws.greengrass.versions.size).toBe(0);
    expect([...aws.s3.objects.keys()]).toEqual([MODEL]);
  });

  it.each(['InProgress', 'Failed', 'Stopped', 'Stopping'])(
    'ends well with an event of a training that is %s: nothing is called',
    async (status) => {
      const file = await eventFile(eventOf(status, { FailureReason: 'why' }));
      const { code, stdout } = await run('--event', file);
      expect(code).toBe(0);
      expect(stdout).toBe(`training job ${JOB} is ${status} (why): nothing to publish\n`);
      expect(aws.servers.flatMap(({ calls }) => calls)).toEqual([]);
    },
  );

  it('refuses what is no such event, and requests that make no sense', async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await publisherInProcess(
        ['publish', 'training-job', ...args],
        state,
      );
      expect(code).toBe(2);
      return stderr;
    };
    for (const [text, problem] of [
      ['{', 'is no JSON'],
      ['[]', 'expected object'],
      [JSON.stringify({ ...(JSON.parse(eventOf('Completed')) as object), source: 'me' }), 'source'],
      [eventOf('Completed', { TrainingJobName: '../x' }), 'TrainingJobName'],
      [eventOf('Done'), 'TrainingJobStatus'],
      [eventOf('Completed', { more: 'x'.repeat(300_000) }), 'more than 262144 bytes'],
    ] as const) {
      expect(await refused('--event', await eventFile(text), ...PUBLISH)).toContain(problem);
    }
    expect(await refused('--event', '/nonexistent', ...PUBLISH)).toContain('NOT_FOUND');
    expect(await refused(...PUBLISH)).toContain('one of them');
    expect(await refused('../x', ...PUBLISH)).toContain('is no name of a training job');
    expect(await refused(JOB, '--training-wait-seconds', 'x')).toContain('--training-wait-seconds');
    expect(aws.servers.flatMap(({ calls }) => calls)).toEqual([]);
  });

  it('refuses to compile for what Neo has no platform, before anything is made', async () => {
    trained();
    const targets = ['--target', 'jetson-xavier-jp6', 'x86_64-cpu'];
    const compile = PUBLISH.slice(-4);
    const base = ['publish', 'training-job', JOB, '--to', folder.fresh(), ...targets];
    const { code, stderr } = await publisherInProcess([...base, ...compile], state);
    expect(code).toBe(2);
    expect(stderr).toContain("target 'jetson-xavier-jp6' cannot be compiled for");
    expect(aws.sagemaker.compilations.size).toBe(0);
    for (const [index, bad, text] of [
      [1, 'arn', 'expected arn:…:role/…'],
      [3, 'bucket', 'expected s3://<bucket>/<prefix>'],
    ] as const) {
      const wrong = compile.with(index, bad);
      const outcome = await publisherInProcess([...base, ...wrong], state);
      expect(outcome.stderr).toContain(text);
    }
    const other = await publisherInProcess([...base, '--profile', 'vedette', ...compile], state);
    expect(other.stderr).toContain('--compile-role goes with --profile dda');
    const half = await publisherInProcess([...base, ...compile.slice(0, 2)], state);
    expect(half.stderr).toContain('--compile-role goes with --compile-output');
  });
});
