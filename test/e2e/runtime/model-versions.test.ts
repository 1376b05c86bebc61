import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ModelStatus } from '../../../component/contract/ports.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { RuntimeFolder, runVedette } from '../../support/runtime-process.ts';
import type { RuntimeProcess } from '../../support/runtime-process.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

const TOKEN = 'a-token-that-nobody-guesses';

let packages: ModelPackages;
let folder: RuntimeFolder;
let runtime: RuntimeProcess;
let config: string;
let first: string;
let second: string;

beforeAll(async () => {
  packages = await ModelPackages.create();
  folder = await RuntimeFolder.create();
  first = await versionPackage(packages, '1.0.0', constantModel(0.2));
  second = await versionPackage(packages, '2.0.0', constantModel(0.3));
  await writeFile(folder.join('token'), TOKEN);
  const settings = {
    server: { token: { file: folder.join('token') } },
    models: { parts: { package: first, workers: 1 }, others: { package: first, workers: 1 } },
    cameras: { left: { model: 'parts', source: { kind: 'push' } } },
  };
  config = await folder.config(settings);
  runtime = await folder.start(settings);
  await runtime.ready();
});
afterAll(async () => {
  await folder?.close();
  await packages?.close();
});

const command = (...given: string[]) =>
  runVedette({
    arguments: ['model', ...given, '--config', config, '--url', runtime.address],
    timeoutMs: 60_000,
  });

async function post(path: string, body: unknown): Promise<{ status: number; code: string }> {
  const response = await fetch(`${runtime.address}/api/v1/models/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { code } = (await response.json()) as { code: string };
  return { status: response.status, code };
}

describe('vedette model', () => {
  test('swap waits until the version answers, and rollback until the one before does', async () => {
    const swapped = await command('swap', 'parts', second, '--json');
    expect(swapped.stderr).toMatch(/probing|loading|installing/);
    expect(swapped.code).toBe(0);
    const status = JSON.parse(swapped.stdout) as ModelStatus;
    expect(status.identity?.version).toBe('2.0.0');
    const versions = await command('versions', 'parts');
    expect(versions.stdout).toMatch(/active +brightness@2\.0\.0 2\.0\.0, fp32 on cpu, ready/);
    expect(versions.stdout).toMatch(/before +.*package-1-.*, warm until/);
    expect((await command('rollback', 'parts')).stdout).toMatch(/active .* 1\.0\.0, fp32/);
  });

  test('shadow, discard, pin and unpin say what the versions are then', async () => {
    const shadow = await command('shadow', 'parts', 'brightness@2.0.0');
    expect(shadow.stdout).toMatch(/shadow +brightness@2\.0\.0/);
    const options = ['--config', config, '--data-folder', folder.join('data')];
    const removal = ['model', 'remove', 'brightness@2.0.0', ...options];
    const removed = await runVedette({ arguments: removal, timeoutMs: 60_000 });
    expect(removed.stderr).toMatch(/MODEL_IN_USE: .* is the candidate of model 'parts'/);
    expect((await command('discard', 'parts')).stdout).not.toMatch(/shadow/);
    expect((await command('pin', 'parts')).stdout).toMatch(/^parts, pinned/);
    const refused = await command('swap', 'parts', 'brightness@2.0.0');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/^MODEL_PINNED: /)]);
    expect((await command('unpin', 'parts')).stdout).toMatch(/^parts\n/);
  });

  test('canary needs cameras, and names what acts where', async () => {
    expect((await command('canary', 'parts', 'brightness@2.0.0')).code).toBe(2);
    const canary = await command('canary', 'parts', 'brightness@2.0.0', '--camera', 'left');
    expect(canary.stdout).toMatch(/canary +brightness@2\.0\.0 .* on left/);
    expect((await command('promote', 'parts')).stdout).toMatch(/active +brightness@2\.0\.0/);
  });

  test('says why a version was refused, and what to do', async () => {
    const { code, stderr } = await command('swap', 'parts', 'brightness@9.9.9');
    expect(code).toBe(2);
    expect(stderr).toMatch(/MODEL_NOT_INSTALLED: brightness@9\.9\.9/);
  });

  test('says that nothing answers at an address, which is worth trying again', async () => {
    const { code, stderr } = await runVedette({
      arguments: ['model', 'versions', 'parts', '--url', 'http://127.0.0.1:1'],
    });
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^RUNTIME_UNREACHABLE: /)]);
  });
});

describe('a request for another version', () => {
  test.each([
    ['parts', {}, 400, 'REQUEST_INVALID'],
    ['parts', { package: 'relative/path' }, 400, 'REQUEST_INVALID'],
    ['parts', { package: 'a@1.0.0', mode: 'at-once' }, 400, 'REQUEST_INVALID'],
    ['parts', { package: 'a@1.0.0', mode: 'canary' }, 400, 'REQUEST_INVALID'],
    ['parts', { package: 'a@1.0.0', cameras: ['left'] }, 400, 'REQUEST_INVALID'],
    ['parts', { package: 'a@1.0.0', mode: 'canary', cameras: ['right'] }, 404, 'CAMERA_NOT_FOUND'],
    ['others', { package: 'a@1.0.0', mode: 'canary', cameras: ['left'] }, 400, 'REQUEST_INVALID'],
    ['nothing', { package: 'a@1.0.0' }, 404, 'MODEL_NOT_FOUND'],
  ])('to %s with %j is answered with %d %s', async (name, body, status, code) => {
    expect(await post(`${name}/candidate`, body)).toEqual({ status, code });
  });

  test('without a token is refused', async () => {
    const response = await fetch(`${runtime.address}/api/v1/models/parts/rollback`, {
      method: 'POST',
    });
    expect(response.status).toBe(401);
  });

  test('to promote or go back where there is nothing is answered with its code', async () => {
    expect((await post('others/promote', {})).code).toBe('MODEL_CANDIDATE_NONE');
    expect((await post('others/discard', {})).code).toBe('MODEL_CANDIDATE_NONE');
    expect((await post('others/rollback', {})).code).toBe('MODEL_PREVIOUS_NONE');
  });
});
