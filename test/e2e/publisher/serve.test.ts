import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundledPublisher } from '../../support/bundled-publisher.ts';
import { DeploymentScene, LINE, MODEL } from '../../support/deployment-scene.ts';
import { BUCKET, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { NEO_ROLE } from '../../support/emulated-aws/sagemaker-server.ts';
import { ACCOUNT_ID } from '../../support/emulated-aws/sts-server.ts';
import { trainingArchive } from '../../support/training-output.ts';
import { PublisherServer } from '../../support/publisher-server.ts';
import { runPublisher } from '../../support/run-publisher.ts';
import { samples } from '../../support/runtime-process.ts';

interface Summary {
  readonly state: string;
  readonly steps: readonly { readonly state: string; readonly title: string }[];
}
interface Job {
  readonly id: string;
  readonly state: string;
  readonly outcome?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}
interface Problem {
  readonly code: string;
  readonly detail: string;
}

let scene: DeploymentScene;
let bundle = '';
const servers: PublisherServer[] = [];

beforeAll(async () => {
  scene = await DeploymentScene.open();
  bundle = await bundledPublisher(scene.folder);
}, 120_000);
beforeEach(() => scene.clear());
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop('SIGKILL')));
});
afterAll(() => scene.close());

const serve = (...args: string[]) => serveAs(scene.aws.environment(), ...args);

async function serveAs(
  environment: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<PublisherServer> {
  const all = [...args, '--state', scene.state, '--poll-seconds', '0.1'];
  const server = await PublisherServer.start(all, environment, bundle);
  servers.push(server);
  return server;
}

/** A roll-out in two waves that nobody carries on yet. */
async function begin(soakMinutes: number): Promise<string> {
  scene.line(6);
  const file = await scene.file({
    name: 'caps-2',
    target: LINE,
    components: { [MODEL]: { version: '2.0.0' } },
    waves: [{ percent: 50 }],
    ...{ soakMinutes, deviceTimeoutMinutes: 0.5 },
  });
  const args = scene.arguments('deploy', 'apply', file, '--no-watch');
  const { code, stdout, stderr } = await runPublisher(args, scene.aws.environment(), bundle);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { rollout: string }).rollout;
}

const summaryOf = async (server: PublisherServer, id: string) =>
  (await server.ask<Summary>(`/api/v1/rollouts/${id}`)).body;

describe('vedette serve', { timeout: 60_000 }, () => {
  it('carries a roll-out on over a kill, one of two servers and a watch at a time, to its right end', async () => {
    const { aws } = scene;
    /** Each process has a key of its own, which tells who asked AWS for something. */
    const around = (key: string) => {
      aws.keys.set(key, { state: 'valid', denied: new Set() });
      return { ...aws.environment(), AWS_ACCESS_KEY_ID: key };
    };
    const carriers = () => new Set([...aws.iot.callers, ...aws.iotData.callers]);
    // Long enough for both servers to be there before it ends.
    const id = await begin(0.1);
    for (const server of aws.servers) server.callers.length = 0;
    const first = await serveAs(around('AKIAFIRST'));
    await expect
      .poll(async () => (await summaryOf(first, id)).steps[0]!.state, { timeout: 30_000 })
      .toBe('soaking');
    expect([...carriers()]).toEqual(['AKIAFIRST']);
    await first.stop('SIGKILL');
    for (const server of aws.servers) server.callers.length = 0;
    const args = scene.arguments('deploy', 'watch', id, '--poll-seconds', '0.1');
    const watch = runPublisher(args, around('AKIAWATCH'), bundle);
    const both = await Promise.all([serveAs(around('AKIAONE')), serveAs(around('AKIATWO'))]);
    const { code, stdout, stderr } = await watch;
    expect(code, stderr + stdout).toBe(0);
    // All three wanted to: whoever asked about devices and groups had the right to, to the end.
    expect(carriers().size, [...carriers()].join()).toBe(1);
    expect(new Set(aws.sts.callers)).toEqual(new Set(['AKIAWATCH', 'AKIAONE', 'AKIATWO']));
    expect(scene.made()).toEqual([
      'vedette-ID-1 caps-2: 50 % of line-7',
      'line-7 caps-2: all of line-7',
    ]);
    expect(scene.versionsOf(MODEL)).toEqual({ '2.0.0': 6 });
    const done = (server: PublisherServer) =>
      server.said.filter((text) => text.endsWith(': completed')).length;
    await expect.poll(() => both.map(done)).toEqual([1, 1]);
    expect(await both[0].stop()).toBe(0);
    expect(both[0].said.at(-1)).toBe('stopped');
  });

  it('holds, resumes and takes back what it is asked to over HTTP', async () => {
    const id = await begin(10);
    const server = await serve();
    const act = (action: string) =>
      server.ask<Summary & Problem>(`/api/v1/rollouts/${id}/${action}`, { method: 'POST' });
    await expect
      .poll(async () => (await summaryOf(server, id)).steps[0]!.state, { timeout: 30_000 })
      .toBe('soaking');
    expect((await act('hold')).body.state).toBe('held');
    const again = await act('hold');
    expect(again.status).toBe(409);
    expect(again.body.code).toBe('ROLLOUT_STATE_CHANGED');
    expect((await act('resume')).body.state).toBe('running');
    expect((await act('rollback')).status).toBe(202);
    await expect
      .poll(async () => (await summaryOf(server, id)).state, { timeout: 30_000 })
      .toBe('rolled-back');
    expect(scene.versionsOf(MODEL)).toEqual({ '1.0.0': 6 });
    const { body } = await server.ask<{ items: { rollout: string; state: string }[] }>(
      '/api/v1/rollouts',
    );
    expect(body.items).toMatchObject([{ rollout: id, state: 'rolled-back' }]);
    expect((await server.ask<Problem>('/api/v1/rollouts/none')).body.code).toBe(
      'ROLLOUT_NOT_FOUND',
    );
  });

  it('publishes a model that it is asked for, also after a kill, and says what is wrong with one', async () => {
    const target = join(scene.folder, 'components');
    const settings = ['--to', target, '--models', samples('models')];
    let server = await serve(...settings);
    const publish = (body: object) =>
      server.ask<Job & Problem>('/api/v1/publications', { method: 'POST', body });
    const settled = async (id: string) => {
      const look = async () => (await server.ask<Job>(`/api/v1/publications/${id}`)).body;
      await expect
        .poll(async () => (await look()).state, { timeout: 40_000 })
        .toMatch(/done|failed/);
      return look();
    };
    const asked = await publish({ model: 'brick-anomaly' });
    expect(asked.status, asked.body.detail).toBe(202);
    const missing = await publish({ model: 'none' });
    await expect
      .poll(async () => (await server.ask<Job>(`/api/v1/publications/${asked.body.id}`)).body.state)
      .toBe('running');
    await server.stop('SIGKILL');
    server = await serve(...settings);
    const published = await settled(asked.body.id);
    expect(published, published.error).toMatchObject({
      ...{ state: 'done', attempts: 2 },
      outcome: { component: 'io.vedette.model.brick-anomaly', state: 'DEPLOYABLE' },
    });
    const failed = await settled(missing.body.id);
    expect(failed.state).toBe('failed');
    expect(failed.error).toMatch(/^[A-Z_]+: .*none/);
    for (const body of [
      { model: '../secrets' },
      { model: '--help' },
      { model: '/etc' },
      {},
      { model: 'a', trainingJob: 'b' },
      { model: 'a', else: 1 },
      { model: 'a\u0000b' },
    ]) {
      const { status, body: problem } = await publish(body);
      expect([status, problem.code], JSON.stringify(body)).toEqual([400, 'REQUEST_INVALID']);
    }
  });

  it('takes events of trainings: publishes what has completed, and refuses what is none', async () => {
    const { s3, sagemaker, greengrass } = scene.aws;
    const place = `${BUCKET}/training/caps-7/output/model.tar.gz`;
    s3.place(place, trainingArchive());
    sagemaker.looksPerState = 0;
    greengrass.looksPerState = 0;
    sagemaker.trainings.set('caps-7', { states: ['Completed'], modelUri: `s3://${place}` });
    const event = (TrainingJobStatus: string) => ({
      ...{ source: 'aws.sagemaker', account: ACCOUNT_ID, region: REGION },
      'detail-type': 'SageMaker Training Job State Change',
      detail: { TrainingJobName: 'caps-7', TrainingJobStatus },
    });
    const tell = (server: PublisherServer, body: unknown) =>
      server.ask<Job & Problem>('/api/v1/training-events', { method: 'POST', body });
    const without = await serve('--bucket', BUCKET);
    expect((await tell(without, event('Completed'))).body.detail).toContain('--target');
    const server = await serve(
      ...['--bucket', BUCKET, '--component', 'model-caps', '--target', 'x86_64-cpu', 'arm64-cpu'],
      ...['--compile-role', NEO_ROLE, '--compile-output', `s3://${BUCKET}/neo/`],
    );
    expect((await tell(server, event('InProgress'))).body).toEqual({ isPublished: false });
    for (const body of [{}, [], { source: 'aws.s3' }]) {
      expect((await tell(server, body)).status, JSON.stringify(body)).toBe(400);
    }
    const { status, body: job } = await tell(server, event('Completed'));
    expect(status).toBe(202);
    const look = async () => (await server.ask<Job>(`/api/v1/publications/${job.id}`)).body;
    await expect.poll(async () => (await look()).state, { timeout: 40_000 }).toMatch(/done|failed/);
    const ended = await look();
    expect(ended, ended.error).toMatchObject({ state: 'done', source: 'caps-7' });
    const made = [...greengrass.versions.values()].filter(({ name }) => name.startsWith('model-'));
    expect(made.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'model-caps-x86-64-cpu DEPLOYABLE',
      'model-caps-arm64-cpu DEPLOYABLE',
    ]);
  });

  it('is reached from elsewhere with a token alone', async () => {
    const { hostname, port } = new URL(scene.aws.s3.address);
    await expect(serve('--host', hostname, '--port', port)).rejects.toThrow('PORT_IN_USE');
    const open = PublisherServer.start(
      ['--host', '0.0.0.0', '--state', scene.state],
      scene.aws.environment(),
      bundle,
    );
    await expect(open).rejects.toThrow('give --token-file');
    const file = join(scene.folder, 'token');
    const token = '0123456789abcdef0123456789abcdef';
    await writeFile(file, token);
    const server = await serve('--token-file', file);
    expect((await server.ask('/health')).body).toMatchObject({ status: 'ok', carries: 0 });
    expect((await server.ask('/api/v1/rollouts')).status).toBe(401);
    expect((await server.ask('/api/v1/rollouts', { token: 'x'.repeat(32) })).status).toBe(401);
    expect((await server.ask('/api/v1/rollouts', { token })).body).toEqual({
      ...{ items: [], notListed: 0 },
    });
    expect(server.said.join()).not.toContain(token);
  });
});
