import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelStatus } from '../../../component/contract/ports.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import { writeZip } from '../../../scripts/package/write-zip.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import {
  beginStartup,
  runStartup,
  type ModelComponent,
} from '../../support/nucleus/run-startup.ts';
import type { RuntimeProcess } from '../../support/runtime-process.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';

const POINTS = process.env['VEDETTE_DEEP'] === '1' ? 100 : 1;
/** A spool looks every half second; copying, trying and taking over end within another one. */
const LONGEST_MS = 1400;
const COMPONENT = 'io.vedette.model.brightness';

let folder = '';
let packages: ModelPackages;
let component: ComponentFolder;
let runtime: RuntimeProcess;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-spool-kill-'));
  packages = await ModelPackages.create();
  component = await ComponentFolder.create(LITE, {
    server: { port: 0 },
    models: { parts: { package: 'brightness@1.0.0' } },
    retention: { componentModelVersions: '2' },
  });
  runtime = await component.start();
  expect((await runStartup(component, await nextVersion())).code).toBe(0);
}, 60_000);
afterAll(async () => {
  await component.close();
  await packages.close();
  await rm(folder, { recursive: true, force: true });
});

/** Another version as the nucleus would have brought it: its archive replaces the one of before. */
async function nextVersion(): Promise<ModelComponent> {
  count += 1;
  const version = `1.0.${count - 1}`;
  const source = await versionPackage(packages, version, constantModel(count / 1000), {});
  const artifacts = path.join(folder, version);
  await mkdir(artifacts);
  await writeZip(source, path.join(artifacts, 'model.zip'));
  const model = { modelName: 'brightness', modelVersion: version };
  return { name: COMPONENT, version, ...model, artifacts, fileName: 'model.zip' };
}

const spool = (...names: string[]) => path.join(component.path, 'spool', ...names);
const requests = async () =>
  (await readdir(spool('requests'))).filter((name) => name.endsWith('.json'));

async function active(): Promise<string | undefined> {
  const { lifecycle } = await runtime.get<ModelStatus>('/api/v1/models/parts');
  return lifecycle?.active.package;
}

/** Every version is there as a whole, nothing else is left, and the newest answers. */
async function expectWhole({ modelVersion }: ModelComponent): Promise<void> {
  const data = path.join(component.path, 'data');
  const store = new ModelStore(data);
  const { models, damaged } = await store.list();
  expect(damaged).toEqual([]);
  for (const model of models) await store.verify(model);
  expect(models.map(({ version }) => version)).toContain(modelVersion);
  await expect.poll(() => readdir(path.join(data, 'models', 'staging'))).toEqual([]);
  await expect.poll(active).toBe(`brightness@${modelVersion}`);
  const records = await readFile(spool('components.json'), 'utf8');
  expect(JSON.parse(records)).toMatchObject({ [COMPONENT]: { model: { version: modelVersion } } });
  expect(await requests()).toEqual([]);
}

test(
  `a runtime killed at ${POINTS} point(s) of an installation ends it when it is back`,
  { timeout: 30_000 + POINTS * 20_000 },
  async () => {
    for (let point = 0; point < POINTS; point += 1) {
      const version = await nextVersion();
      const { ended } = await beginStartup(component, version);
      await expect.poll(requests).not.toEqual([]);
      await pause(Math.random() * LONGEST_MS);
      await runtime.stop('SIGKILL');
      runtime = await component.start();
      const { code, lines } = await ended;
      expect(lines.at(-1)).toContain('"state":"ready"');
      expect(code).toBe(0);
      await expectWhole(version);
    }
  },
);

test(
  `a component whose startup is killed at ${POINTS} point(s) asks again and succeeds`,
  { timeout: 30_000 + POINTS * 20_000 },
  async () => {
    for (let point = 0; point < POINTS; point += 1) {
      const version = await nextVersion();
      const { ended, kill } = await beginStartup(component, version);
      // Also before it has asked.
      await pause(Math.random() ** 2 * LONGEST_MS);
      kill();
      await ended;
      const again = await runStartup(component, version);
      expect(again.lines.at(-1)).toContain('"state":"ready"');
      expect(again.code).toBe(0);
      // What the killed one asked for was answered as well.
      await expect.poll(requests).toEqual([]);
      await expectWhole(version);
    }
  },
);
