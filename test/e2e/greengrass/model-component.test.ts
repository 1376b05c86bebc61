import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeZip } from '../../../scripts/package/write-zip.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { runStartup, type ModelComponent } from '../../support/nucleus/run-startup.ts';
import { runVedette, samples } from '../../support/runtime-process.ts';

const TIMEOUT_MS = 90_000;
const closing: (() => Promise<void>)[] = [];
let model = { name: '', version: '' };

beforeAll(async () => {
  const text = await readFile(samples('models/brick-anomaly/model.json'), 'utf8');
  model = JSON.parse(text) as typeof model;
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(models: object): Promise<ComponentFolder> {
  const folder = await ComponentFolder.create(LITE, { server: { port: 0 }, models });
  closing.push(() => folder.close());
  return folder;
}

/** The sample as a component's artifact; `spoil` changes the package before it is zipped. */
async function modelComponent(
  spoil: (folder: string) => Promise<void> = async () => {},
): Promise<ModelComponent> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vedette-model-component-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const [content, artifacts] = [path.join(folder, 'content'), path.join(folder, 'artifacts')];
  await cp(samples('models/brick-anomaly'), content, { recursive: true });
  await mkdir(artifacts);
  await spoil(content);
  await writeZip(content, path.join(artifacts, 'model.zip'));
  return {
    name: `io.vedette.model.${model.name}`,
    version: '1.0.0',
    modelName: model.name,
    modelVersion: model.version,
    artifacts,
    fileName: 'model.zip',
  };
}

describe('a model component', { timeout: TIMEOUT_MS }, () => {
  test('has its model installed, tried and loaded where the configuration waits for it', async () => {
    const runtime = await start({ bricks: { package: `${model.name}@${model.version}` } });
    const process = await runtime.start();
    const component = await modelComponent();
    const { code, lines } = await runStartup(runtime, component);
    expect(lines.at(-1)).toContain('"state":"ready"');
    expect(code).toBe(0);
    await expect
      .poll(() => process.log.filter(({ msg }) => msg === 'model bricks is ready').length, {
        timeout: 30_000,
      })
      .toBe(1);
    // After every boot components ask again: nothing is done twice.
    expect((await runStartup(runtime, component)).code).toBe(0);
    const installs = process.lines.filter((line) => line.includes('is being installed'));
    expect(installs.length).toBe(1);
  });

  test('fails its deployment with the reason on the last line when its model is bad', async () => {
    const runtime = await start({});
    await runtime.start();
    const component = await modelComponent((folder) =>
      writeFile(path.join(folder, 'model.onnx'), 'not a model'),
    );
    const { code, lines } = await runStartup(runtime, component);
    expect(code).toBe(1);
    expect(lines.at(-1)).toContain('"state":"refused"');
    expect(lines.at(-1)).toMatch(/"code":"MODEL_[A-Z_]+"/);
    expect(await installed(runtime)).toEqual([]);
  });

  test('is refused when its package holds another model than it says', async () => {
    const runtime = await start({});
    await runtime.start();
    const component = { ...(await modelComponent()), modelVersion: '9.9.9' };
    const { code, lines } = await runStartup(runtime, component);
    expect(code).toBe(1);
    expect(lines.at(-1)).toContain('"code":"MODEL_MISMATCH"');
    expect(await installed(runtime)).toEqual([]);
  });

  test('takes its model along when it is removed, which nucleus lite tells nobody', async () => {
    const runtime = await start({});
    const first = await runtime.start();
    const component = await modelComponent();
    expect((await runStartup(runtime, component)).code).toBe(0);
    expect(await installed(runtime)).toEqual([`${model.name}@${model.version}`]);
    await first.stop();
    await rm(component.artifacts, { recursive: true });
    const second = await runtime.start();
    await expect
      .poll(() => second.lines.some((line) => line.includes('was removed with its component')))
      .toBe(true);
    expect(await installed(runtime)).toEqual([]);
  });

  test('waits for no runtime longer than it says, and says so', async () => {
    const runtime = await start({});
    const { code, lines } = await runStartup(runtime, await modelComponent(), 1);
    expect(code).toBe(1);
    expect(lines.at(-1)).toContain('is it deployed and running?');
  });
});

async function installed(runtime: ComponentFolder): Promise<string[]> {
  const dataFolder = path.join(runtime.path, 'data');
  const { stdout } = await runVedette({
    arguments: ['model', 'list', '--json', '--data-folder', dataFolder],
  });
  const list = JSON.parse(stdout) as { name: string; version: string }[];
  return list.map(({ name, version }) => `${name}@${version}`);
}
