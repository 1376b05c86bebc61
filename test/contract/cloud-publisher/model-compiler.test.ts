import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NEO_PLATFORMS } from '../../../cloud-publisher/dda/neo-platforms.ts';
import { compilationRequests } from '../../../cloud-publisher/sagemaker/compilation-request.ts';
import { compileForTargets } from '../../../cloud-publisher/sagemaker/compile-for-targets.ts';
import type { CompiledTarget } from '../../../cloud-publisher/sagemaker/compile-for-targets.ts';
import {
  SageMakerGateway,
  openSageMaker,
} from '../../../cloud-publisher/sagemaker/sagemaker-gateway.ts';
import { waitForTraining } from '../../../cloud-publisher/sagemaker/wait-for-training.ts';
import { fetchObject } from '../../../cloud-publisher/storage/fetch-object.ts';
import { S3Source } from '../../../cloud-publisher/storage/s3-source.ts';
import { openS3 } from '../../../cloud-publisher/storage/s3-store.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import { buildTar } from '../../support/archive-builder.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { fault } from '../../support/emulated-aws/rest-json.ts';
import { NEO_ROLE } from '../../support/emulated-aws/sagemaker-server.ts';
import { ACCOUNT_ID } from '../../support/emulated-aws/sts-server.ts';
import { PublisherFolder } from '../../support/publisher-parts.ts';

const POLLING = { attempts: 50, intervalMs: 2 };
const TARGETS = [...NEO_PLATFORMS.keys()];
const MODEL = `${BUCKET}/neo/models/model.tar.gz`;

let aws: EmulatedAws;
let folder: PublisherFolder;
let compiler: SageMakerGateway;
let source: S3Source;

beforeAll(async () => {
  aws = await EmulatedAws.start();
  Object.assign(process.env, aws.environment());
  folder = await PublisherFolder.create();
  const account = { partition: 'aws', region: REGION, accountId: ACCOUNT_ID };
  compiler = new SageMakerGateway(openSageMaker(REGION), account);
  source = new S3Source(openS3(REGION));
});
afterEach(() => aws.reset());
afterAll(async () => {
  compiler.close();
  source.close();
  await folder.close();
  await aws.close();
});

const requests = (targets: readonly string[], sha256 = 'a'.repeat(64), roleArn = NEO_ROLE) =>
  compilationRequests(targets, { inputShape: [1, 3, 8, 8] }, sha256, `s3://${MODEL}`, {
    roleArn,
    outputUri: `s3://${BUCKET}/neo`,
  });

const placeModel = (): void =>
  aws.s3.place(MODEL, gzipSync(buildTar([{ name: 'mochi.pt', data: Buffer.from('weights') }])));

const fetch = async (uri: string): Promise<string | undefined> => {
  const file = folder.fresh();
  return (await fetchObject(source, uri, file)) ? file : undefined;
};

const compile = (
  wanted = requests(TARGETS),
  polling = POLLING,
): Promise<Map<string, CompiledTarget>> =>
  compileForTargets(wanted, { compiler, fetch }, { polling });

const faultOf = (outcome: CompiledTarget | undefined): VedetteError => {
  if (outcome && 'fault' in outcome) return outcome.fault;
  throw new Error('there is no fault');
};

const created = (): number =>
  aws.sagemaker.calls.filter((call) => call.startsWith('sagemaker:CreateCompilationJob')).length;

describe('compiling a model for targets', () => {
  it('asks for what the table of targets says, and brings each archive', async () => {
    placeModel();
    const outcomes = await compile();
    for (const target of TARGETS) {
      const outcome = outcomes.get(target)!;
      if ('fault' in outcome) throw outcome.fault;
      const { input } = aws.sagemaker.compilations.get(outcome.job)!;
      const { os, architecture, accelerator, compilerOptions } = NEO_PLATFORMS.get(target)!;
      expect(input).toMatchObject({
        RoleArn: NEO_ROLE,
        InputConfig: {
          S3Uri: `s3://${MODEL}`,
          DataInputConfig: '{"input_shape":[1,3,8,8]}',
          Framework: 'PYTORCH',
          FrameworkVersion: '1.8',
        },
        StoppingCondition: { MaxRuntimeInSeconds: 3600 },
      });
      const { TargetPlatform, CompilerOptions } = input.OutputConfig;
      expect(TargetPlatform).toEqual({
        Os: os,
        Arch: architecture,
        ...(accelerator ? { Accelerator: accelerator } : {}),
      });
      expect(CompilerOptions && JSON.parse(CompilerOptions)).toEqual(compilerOptions);
      const archive = gunzipSync(await readFile(outcome.file)).toString('latin1');
      expect(archive).toContain([`engine for ${architecture}`, accelerator].join(' ').trim());
    }
    const jetson = aws.sagemaker.compilations.get([...requests(TARGETS).values()][0]!.name)!;
    expect(JSON.parse(jetson.input.OutputConfig.CompilerOptions!)).toEqual({
      'cuda-ver': '10.2',
      'gpu-code': 'sm_72',
      'trt-ver': '8.2.1',
      'precision-mode': 'fp16',
      'max-workspace-size': '2147483648',
      'jetson-platform': 'xavier',
    });
  });

  it('finds its jobs again: a repeat begins none', async () => {
    placeModel();
    await compile();
    expect(created()).toBe(TARGETS.length);
    const again = await compile();
    expect(created()).toBe(TARGETS.length);
    expect([...again.values()].every((outcome) => 'file' in outcome)).toBe(true);
    const names = [...requests(TARGETS).values(), ...requests(TARGETS, 'b'.repeat(64)).values()];
    expect(new Set(names.map(({ name }) => name)).size).toBe(2 * TARGETS.length);
    for (const { name } of names) expect(name).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
  });

  it('waits for a job that somebody else began in between', async () => {
    placeModel();
    const [request] = requests(['x86_64-cpu']).values();
    await compiler.start(request!);
    expect(await compiler.start(request!)).toMatchObject({ name: request!.name });
    const outcomes = await compile(requests(['x86_64-cpu']));
    expect(outcomes.get('x86_64-cpu')).toMatchObject({ job: request!.name });
    expect(aws.sagemaker.compilations.size).toBe(1);
  });

  it('goes on with the other targets when one fails, and begins a new job the next time', async () => {
    placeModel();
    aws.sagemaker.failures.set('X86_64 NVIDIA', 'ClientError: no operator aten::odd');
    const outcomes = await compile();
    const { code, message } = faultOf(outcomes.get('x86_64-cuda'));
    expect(code).toBe('MODEL_COMPILATION_FAILED');
    expect(message).toContain('aten::odd');
    expect([...outcomes.values()].filter((one) => 'file' in one)).toHaveLength(3);
    aws.sagemaker.failures.clear();
    const again = await compile();
    expect(again.get('x86_64-cuda')).toMatchObject({ job: expect.stringMatching(/-2$/) as string });
    expect(created()).toBe(TARGETS.length + 1);
  });

  it('says why when the model cannot be read, and compiles again what was deleted', async () => {
    const target = 'arm64-cpu';
    const first = await compile(requests([target]));
    expect(faultOf(first.get(target)).message).toContain(`Cannot find s3://${MODEL}`);
    placeModel();
    const second = await compile(requests([target]));
    expect(second.get(target)).toMatchObject({ job: expect.stringMatching(/-2$/) as string });
    for (const key of aws.s3.objects.keys()) if (key !== MODEL) aws.s3.objects.delete(key);
    const third = await compile(requests([target]));
    expect(third.get(target)).toMatchObject({ job: expect.stringMatching(/-3$/) as string });
  });

  it('ends within its bounds, and goes on waiting for the same job when repeated', async () => {
    placeModel();
    aws.sagemaker.isStuck = true;
    const stuck = await compile(requests(['x86_64-cpu']), { attempts: 3, intervalMs: 1 });
    expect(faultOf(stuck.get('x86_64-cpu'))).toMatchObject({ code: 'MODEL_COMPILATION_RUNNING' });
    aws.sagemaker.isStuck = false;
    expect((await compile(requests(['x86_64-cpu']))).get('x86_64-cpu')).toHaveProperty('file');
    expect(created()).toBe(1);
  });

  it('stops when it is told to', async () => {
    placeModel();
    aws.sagemaker.isStuck = true;
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new VedetteError('SHUTTING_DOWN', 'stopped'));
    const options = { polling: POLLING, signal: controller.signal, onProgress };
    await expect(
      compileForTargets(requests(['x86_64-cpu']), { compiler, fetch }, options),
    ).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('outlasts throttling and lost answers, and names what is denied or refused', async () => {
    placeModel();
    const operation = 'sagemaker:CreateCompilationJob';
    const throttled = fault(400, 'ThrottlingException', 'Rate exceeded');
    aws.sagemaker.faults.push({ operation, times: 1, answer: throttled });
    aws.sagemaker.faults.push({ operation, times: 1, answer: 'cut', isAfter: true });
    expect((await compile(requests(['x86_64-cpu']))).get('x86_64-cpu')).toHaveProperty('file');
    expect(aws.sagemaker.compilations.size).toBe(1);

    aws.denied.add(operation);
    const denied = faultOf((await compile(requests(['arm64-cpu']))).get('arm64-cpu'));
    expect(denied.code).toBe('AWS_ACCESS_DENIED');
    expect(denied.message).toContain(
      `"Action":"${operation}","Resource":"arn:aws:sagemaker:${REGION}:${ACCOUNT_ID}:compilation-job/`,
    );
    aws.denied.clear();

    const limit = fault(400, 'ResourceLimitExceeded', 'too many jobs');
    aws.sagemaker.faults.push({ operation, times: 1, answer: limit });
    const over = faultOf((await compile(requests(['arm64-cpu']))).get('arm64-cpu'));
    expect(over.code).toBe('AWS_QUOTA_EXCEEDED');

    const role = requests(['arm64-cpu'], undefined, NEO_ROLE.replace('Neo', 'Nobody'));
    const refused = faultOf((await compile(role)).get('arm64-cpu'));
    expect(refused.code).toBe('AWS_REQUEST_REFUSED');
    expect(refused.message).toContain('Could not assume role');
  });
});

describe('fetching an archive', () => {
  it('leaves nothing of one that is too large, or that is not there', async () => {
    aws.s3.place(`${BUCKET}/large`, Buffer.alloc(100));
    const file = folder.fresh();
    const uri = `s3://${BUCKET}/large`;
    await expect(fetchObject(source, uri, file, undefined, 99)).rejects.toMatchObject({
      code: 'ARTIFACT_TOO_LARGE',
    });
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await fetchObject(source, `s3://${BUCKET}/nothing`, file)).toBe(false);
    expect(await fetchObject(source, uri, file, undefined, 100)).toBe(true);
    await expect(
      fetchObject(source, uri, join(folder.fresh(), 'in', 'none')),
    ).rejects.toMatchObject({
      code: 'ARTIFACT_STORE_UNAVAILABLE',
    });
  });
});

describe('waiting for a training', () => {
  const wait = (name: string, polling = POLLING): Promise<string> =>
    waitForTraining(compiler, name, polling, () => undefined);

  it('gives the output of one that completes', async () => {
    const states = ['InProgress', 'InProgress', 'Completed'];
    aws.sagemaker.trainings.set('caps-1', { states, modelUri: 's3://b/model.tar.gz' });
    expect(await wait('caps-1')).toBe('s3://b/model.tar.gz');
  });

  it.each([
    ['Failed', { reason: 'AlgorithmError: no pictures' }, 'TRAINING_JOB_FAILED', 'no pictures'],
    ['Stopped', {}, 'TRAINING_JOB_FAILED', 'is Stopped'],
    ['Completed', {}, 'TRAINING_JOB_FAILED', 'left no model'],
    ['InProgress', {}, 'TRAINING_JOB_RUNNING', 'InProgress (Training) after'],
  ])('ends with a code for one that is %s', async (state, more, code, text) => {
    aws.sagemaker.trainings.set('caps-2', { states: [state], ...more });
    const waiting = wait('caps-2', { attempts: 2, intervalMs: 1 });
    await expect(waiting).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text) as string,
    });
  });

  it('says when there is none', async () => {
    await expect(wait('caps-3')).rejects.toMatchObject({ code: 'TRAINING_JOB_NOT_FOUND' });
  });
});
