import { mkdir, mkdtemp, readFile, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ModelChangeRecord } from '../../../component/contract/model-lifecycle.ts';
import type { ModelStatus } from '../../../component/contract/ports.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { writeZip } from '../../../scripts/package/write-zip.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { runStartup } from '../../support/nucleus/run-startup.ts';
import type { RuntimeProcess } from '../../support/runtime-process.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { plainPicture } from '../../support/version-runtime.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** What every version brings alike: far larger than what differs. */
const SAME_BYTES = 2_000_000;
const COMPONENT = 'io.vedette.model.brightness';

let folder = '';
let packages: ModelPackages;
let component: ComponentFolder;
let runtime: RuntimeProcess;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-component-versions-'));
  packages = await ModelPackages.create();
  component = await ComponentFolder.create(LITE, {
    server: { port: 0 },
    models: { parts: { package: 'brightness@1.0.0' } },
    cameras: { line: { model: 'parts', source: { kind: 'push' } } },
    retention: { componentModelVersions: '2' },
  });
  runtime = await component.start();
});
afterAll(async () => {
  await component.close();
  await packages.close();
  await rm(folder, { recursive: true, force: true });
});

async function archive(version: string, score: number | Buffer): Promise<string> {
  const model = typeof score === 'number' ? constantModel(score) : score;
  const notes = Buffer.alloc(SAME_BYTES, 'the same in each version ');
  const source = await versionPackage(packages, version, model, {}, { 'notes.txt': notes });
  const file = path.join(folder, `${version}-${String(Math.random()).slice(2)}`, 'model.zip');
  await mkdir(path.dirname(file));
  await writeZip(source, file);
  return file;
}

/** Deploys a version of the model component; its archive is where the nucleus unpacks artifacts. */
async function deploy(version: string, file: string, name = COMPONENT) {
  const { code, lines } = await runStartup(component, {
    name,
    version,
    modelName: 'brightness',
    modelVersion: version,
    artifacts: path.dirname(file),
    fileName: 'model.zip',
  });
  return { code, last: lines.at(-1) ?? '' };
}

const model = () => runtime.get<ModelStatus>('/api/v1/models/parts');
const active = async () => (await model()).lifecycle?.active.package;
const store = (...names: string[]) => path.join(component.path, 'data', 'models', ...names);
const installed = async () => (await readdir(store('installed'))).sort();
async function judged(): Promise<string> {
  const body = await plainPicture(100);
  const headers = { 'content-type': 'image/png' };
  const response = await runtime.fetch('/api/v1/cameras/line/frames', {
    ...{ method: 'POST', headers, body },
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as InferenceResult).model.version;
}

async function blobBytes(): Promise<number> {
  const names = await readdir(store('blobs'));
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(store('blobs', name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('a model is ready when its component’s startup ends, and a new version takes over without a missed frame', async () => {
  expect(await deploy('1.0.0', await archive('1.0.0', 0.1))).toMatchObject({ code: 0 });
  expect(await judged()).toBe('1.0.0');
  const bytes = await blobBytes();
  const versions: string[] = [];
  let isOver = false;
  const line = (async () => {
    while (!isOver) versions.push(await judged());
  })();
  const { code } = await deploy('2.0.0', await archive('2.0.0', 0.2));
  isOver = true;
  await line;
  expect(code).toBe(0);
  expect(await judged()).toBe('2.0.0');
  expect([...versions].sort()).toEqual(versions);
  const { items } = await runtime.get<{ items: ModelChangeRecord[] }>(
    '/api/v1/models/parts/history?limit=1',
  );
  expect(items[0]).toMatchObject({
    kind: 'swapped',
    cause: 'component',
    package: 'brightness@2.0.0',
  });
  // What both versions have alike lies on the disk once.
  expect((await blobBytes()) - bytes).toBeLessThan(SAME_BYTES / 10);
});

test('a version that cannot be used fails its component with the reason, and the one before goes on', async () => {
  const bad = await deploy('3.0.0', await archive('3.0.0', Buffer.from('no model')));
  expect(bad.code).toBe(1);
  expect(bad.last).toMatch(/"code":"MODEL_[A-Z_]+"/);
  const half = await archive('3.0.0', 0.3);
  await truncate(half, Math.floor((await stat(half)).size / 2));
  const cut = await deploy('3.0.0', half);
  expect(cut.last).toContain('"code":"MODEL_ARCHIVE_INVALID"');
  expect(await judged()).toBe('2.0.0');
  expect(await installed()).toEqual(['brightness@1.0.0', 'brightness@2.0.0']);
  expect(await readdir(store('staging'))).toEqual([]);
});

test('a second component with the same model is refused, and told whose it is', async () => {
  const { code, last } = await deploy('5.0.0', await archive('5.0.0', 0.5), 'com.other.model');
  expect(code).toBe(1);
  expect(last).toContain('"code":"MODEL_COMPONENT_CONFLICT"');
  expect(last).toContain(COMPONENT);
  expect(await active()).toBe('brightness@2.0.0');
});

test('a pinned model refuses the component that brings another version', async () => {
  await runtime.fetch('/api/v1/models/parts/pin', { method: 'POST' });
  const { code, last } = await deploy('3.0.0', await archive('3.0.0', 0.3));
  expect(code).toBe(1);
  expect(last).toContain('"code":"MODEL_PINNED"');
  expect(await installed()).not.toContain('brightness@3.0.0');
  await runtime.fetch('/api/v1/models/parts/unpin', { method: 'POST' });
  await expect.poll(async () => (await model()).lifecycle?.isPinned).toBe(false);
});

test('older versions go, but for what is configured and what can be gone back to; a rolled back deployment goes back', async () => {
  const [third, fourth] = [await archive('3.0.0', 0.3), await archive('4.0.0', 0.4)];
  expect((await deploy('3.0.0', third)).code).toBe(0);
  expect((await deploy('4.0.0', fourth)).code).toBe(0);
  // 1.0.0 is what the configuration names.
  expect(await installed()).toEqual(['brightness@1.0.0', 'brightness@3.0.0', 'brightness@4.0.0']);
  expect((await deploy('3.0.0', third)).code).toBe(0);
  expect(await judged()).toBe('3.0.0');
  // The same request again, as after a boot, changes nothing.
  expect((await deploy('3.0.0', third)).code).toBe(0);
  expect(await active()).toBe('brightness@3.0.0');
  const records = await readFile(path.join(component.path, 'spool', 'components.json'), 'utf8');
  expect(Object.keys(JSON.parse(records) as object)).toEqual([COMPONENT]);
});
