import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runPublisher } from '../../support/run-publisher.ts';
import {
  RuntimeFolder,
  RuntimeProcess,
  runVedette,
  samples,
} from '../../support/runtime-process.ts';
import { infer, modelUntil } from '../../support/runtime-requests.ts';
import { streetPictures } from '../../support/sample-pictures.ts';

const COMPONENT = 'io.vedette.model.coco-detector';
let folder = '';
let target = '';
let state = '';

const publish = (path: string, ...more: string[]) =>
  runPublisher(['publish', 'model', path, '--to', target, '--state', state, ...more]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-publish-'));
  target = join(folder, 'components');
  state = join(folder, 'state');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('vedette publish model --to <folder>', { timeout: 120_000 }, () => {
  it('shows what it would do first, and does none of it', async () => {
    const { code, stdout } = await publish(samples('models', 'coco-detector'), '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain(
      `would write ${target}/artifacts/${COMPONENT}/1.0.0/coco-detector-1.0.0.zip`,
    );
    expect(stdout).toContain(`would write ${target}/recipes/${COMPONENT}-1.0.0.json`);
    await expect(readdir(target)).rejects.toThrow('ENOENT');
  });

  it('ends with a deployable component whose zip the device installs and runs', async () => {
    const first = await publish(samples('models', 'coco-detector'), '--json');
    expect(first.code, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({
      component: COMPONENT,
      version: '1.0.0',
      state: 'DEPLOYABLE',
      isNew: true,
    });
    const zip = join(target, 'artifacts', COMPONENT, '1.0.0', 'coco-detector-1.0.0.zip');
    const device = await RuntimeFolder.create();
    try {
      const data = device.join('data');
      const installed = await runVedette({
        arguments: ['model', 'install', zip, '--data-folder', data],
        timeoutMs: 60_000,
      });
      expect(installed.code, installed.stderr).toBe(0);
      const config = await device.config({
        dataFolder: data,
        models: { people: { package: 'coco-detector@1.0.0' } },
      });
      const runtime = await RuntimeProcess.start({ arguments: ['run', '--config', config] });
      try {
        await modelUntil(runtime, 'people', ({ state }) => state === 'ready');
        const [picture] = streetPictures();
        const result = await infer(runtime, 'people', picture!.bytes);
        expect(picture!.differences(result)).toEqual([]);
      } finally {
        await runtime.stop();
      }
    } finally {
      await device.close();
    }
  });

  it('is safe to repeat, and names the next version when the content is another', async () => {
    const again = await publish(samples('models', 'coco-detector'), '--json', '--no-run');
    expect(JSON.parse(again.stdout)).toMatchObject({ isNew: false, state: 'DEPLOYABLE' });
    const changed = join(folder, 'changed');
    await cp(samples('models', 'coco-detector'), changed, { recursive: true });
    const file = join(changed, 'model.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...manifest, licence: 'other' }));
    const conflict = await publish(changed, '--no-run');
    expect(conflict.code).toBe(3);
    expect(conflict.stderr).toContain('COMPONENT_VERSION_EXISTS');
    expect(conflict.stderr).toContain('the next free version is 1.0.1');
  });

  it('lists, names the versions of and shows what was published', async () => {
    const ask = (...args: string[]) => runPublisher(['component', ...args, '--to', target]);
    expect((await ask('list')).stdout).toBe(`${COMPONENT}  1.0.0\n`);
    expect((await ask('versions', COMPONENT)).stdout).toBe('1.0.0\n');
    const shown = await ask('show', COMPONENT, '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      state: 'DEPLOYABLE',
      recipe: { ComponentName: COMPONENT },
    });
    const missing = await ask('versions', 'io.vedette.model.nobody');
    expect(missing.code).toBe(3);
    expect(missing.stderr).toContain('COMPONENT_NOT_FOUND');
  });

  it('needs one destination', async () => {
    const none = await runPublisher(['publish', 'model', 'x', '--state', state]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('--to <folder> or --bucket <name>');
  });
});
