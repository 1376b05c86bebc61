import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ConfigurationStatus } from '../../../component/contract/configuration-status.ts';
import { RuntimeProcess } from '../../support/runtime-process.ts';

vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 });

const COMMENT = '# measured on 3 May: the lamp is brighter here';
let folder = '';
let file = '';
let runtime: RuntimeProcess;

const start = () =>
  RuntimeProcess.start({ arguments: ['run', '--config', path.join(folder, 'vedette.yaml')] });

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-station-'));
  file = path.join(folder, 'data', 'station.yaml');
  await mkdir(path.dirname(file));
  await writeFile(
    path.join(folder, 'vedette.yaml'),
    'dataFolder: data\nserver: { port: 0 }\nlocks: { liveView.quality: true }\n',
  );
  await writeFile(file, `${COMMENT}\nliveView:\n  maxWidth: 640\n`);
  runtime = await start();
});
afterAll(async () => {
  await runtime.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Where the runtime listens now: a server that started again says so. */
const address = (): string =>
  runtime.log.findLast((line) => typeof line['address'] === 'string')!['address'] as string;
const ask = async <T>(place: string, init?: RequestInit) => {
  const response = await fetch(`${address()}/api/v1/configuration${place}`, init);
  return { status: response.status, body: (await response.json()) as T };
};
const patch = (body: unknown) =>
  ask<Record<string, unknown>>('/station', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const setting = async (only: string) => {
  const { body } = await ask<{ items: { value: unknown; origin: string }[] }>(
    `/settings?only=${only}`,
  );
  return body.items[0];
};
const status = async () => (await ask<ConfigurationStatus>('')).body;
const changes = async () =>
  (await ask<{ items: { by: string; outcome: string; paths: string[] }[] }>('/changes')).body.items;

test('a value is changed on the device: in force, on the disk beside its comments, with who asked', async () => {
  const before = await status();
  const { status: code, body } = await patch({
    liveView: { maxWidth: '800' },
    log: { level: 'debug' },
  });
  expect(code).toBe(200);
  expect(body['hash']).not.toBe(before.hash);
  expect(await setting('liveView.maxWidth')).toMatchObject({
    value: 800,
    origin: `station (${file})`,
  });
  expect(await readFile(file, 'utf8')).toContain(COMMENT);
  expect((await changes())[0]).toMatchObject({
    by: 'http 127.0.0.1',
    outcome: 'in-force',
    paths: ['liveView.maxWidth', 'log.level'],
  });
  // A `null` takes it away: what the deployment or the default says holds again.
  await patch({ log: { level: null } });
  expect(await setting('log.level')).toMatchObject({ value: 'info', origin: 'default' });
});

test('what is invalid or locked is refused as a whole, with every problem, and changes nothing', async () => {
  const [before, text] = [await status(), await readFile(file, 'utf8')];
  const { status: code, body } = await patch({
    liveView: { maxWidth: 1, quality: 10 },
    retention: { resultsMaxCount: 5, nonsense: true },
    dataFolder: '/elsewhere',
  });
  expect(code).toBe(400);
  const problems = body['problems'] as { path: string }[];
  expect(problems.map(({ path }) => path).sort()).toEqual([
    'dataFolder',
    'liveView.maxWidth',
    'liveView.quality',
    'retention.nonsense',
  ]);
  expect(await status()).toEqual(before);
  expect(await readFile(file, 'utf8')).toBe(text);
  expect((await changes())[0]).toMatchObject({ outcome: 'refused' });
});

test('a file that is written by hand is noticed, and one that cannot be used stops neither this run nor the next', async () => {
  await writeFile(file, `${COMMENT}\nliveView: { maxWidth: 700 }\n`);
  await expect
    .poll(async () => (await setting('liveView.maxWidth'))?.value, { timeout: 10_000 })
    .toBe(700);
  await writeFile(file, 'liveView: { maxWidth: broad }\n');
  await expect
    .poll(async () => (await status()).refusal?.error.message, { timeout: 10_000 })
    .toContain('liveView.maxWidth');
  expect((await setting('liveView.maxWidth'))?.value).toBe(700);
  await runtime.stop();
  runtime = await start();
  expect((await setting('liveView.maxWidth'))?.value).toBe(700);
  expect((await status()).refusal?.error.code).toBe('CONFIG_INVALID');
  await writeFile(file, '{}\n');
  await expect.poll(async () => (await status()).refusal, { timeout: 10_000 }).toBeUndefined();
  expect((await setting('liveView.maxWidth'))?.value).toBe(960);
});

test('the server moves to another port by itself, unless it cannot listen there', async () => {
  const before = address();
  expect((await patch({ server: { maxBodyBytes: 2048 } })).status).toBe(200);
  await expect.poll(address).not.toBe(before);
  expect((await patch({ server: { host: '203.0.113.7', token: { env: 'PATH' } } })).status).toBe(
    400,
  );
  expect((await setting('server.host'))?.value).toBe('127.0.0.1');
  expect((await setting('server.maxBodyBytes'))?.value).toBe(2048);
});

test('what needs another process has this one start again as itself', async () => {
  const starts = () => runtime.log.filter(({ msg }) => msg.endsWith('is running')).length;
  expect(starts()).toBe(1);
  await patch({ thing: 'station-12' }).catch(() => undefined);
  await expect.poll(starts, { timeout: 20_000 }).toBe(2);
  expect((await setting('thing'))?.value).toBe('station-12');
  expect((await changes()).map(({ outcome }) => outcome)).toContain('restarting');
  expect(runtime.isAlive).toBe(true);
});
