import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SpoolAnswer, SpoolRequest } from '../../../component/contract/model-spool.ts';
import { ModelSpool } from '../../../component/greengrass/model-spool.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import { writeZip } from '../../../scripts/package/write-zip.ts';
import { installedFacts } from '../../support/installed-facts.ts';
import { silent } from '../control/open-channel.ts';

/** A store, and a spool whose installations call `before` and `after` they copied the archive. */
async function openScene(meanwhile: { before?: () => Promise<void>; after?: () => Promise<void> }) {
  const folder = await mkdtemp(path.join(tmpdir(), 'vedette-vanishing-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const content = path.join(folder, 'content');
  await mkdir(content);
  await writeFile(path.join(content, 'model.json'), '{}');
  const archive = path.join(folder, 'model.zip');
  await writeZip(content, archive);
  const store = new ModelStore(path.join(folder, 'data'));
  /** Versions that were there as a whole when they were to be used. */
  const whole: string[] = [];
  const open = async () => {
    const spool = new ModelSpool({
      workFolder: folder,
      logger: silent,
      install: async ({ package: source, model }) => {
        await meanwhile.before?.();
        const staged = await store.stage(source);
        await meanwhile.after?.();
        return store.commit(staged, installedFacts(model));
      },
      takeOver: async (model) => {
        await store.verify(await store.find(model));
        whole.push(model.version);
      },
      keptVersions: () => 2,
      isInstalled: async () => false,
      remove: async (model) => {
        await store.remove(model);
        return true;
      },
    });
    await spool.open();
    onTestFinished(() => spool.close());
  };
  return { folder, archive, store, whole, open };
}

async function answerTo(folder: string, archive: string): Promise<SpoolAnswer> {
  const request: SpoolRequest = {
    ...{ schemaVersion: 1, id: 'one', action: 'install', package: archive },
    ...{ component: 'com.example.parts', componentVersion: '1.0.0' },
    model: { name: 'parts', version: '1.0.0' },
  };
  const file = path.join(folder, 'spool', 'requests', 'one.json');
  writeFileSync(`${file}.part`, JSON.stringify(request));
  renameSync(`${file}.part`, file);
  const answer = path.join(folder, 'spool', 'answers', 'one.json');
  await expect.poll(() => existsSync(answer)).toBe(true);
  return JSON.parse(await readFile(answer, 'utf8')) as SpoolAnswer;
}

test('an archive that vanishes before it is copied is refused, and nothing is left of it', async () => {
  const scene = await openScene({ before: () => rm(scene.archive) });
  await scene.open();
  const answer = await answerTo(scene.folder, scene.archive);
  expect(answer).toMatchObject({ state: 'refused', code: 'NOT_FOUND' });
  expect(answer.message).toContain(scene.archive);
  expect(await scene.store.list()).toEqual({ models: [], damaged: [] });
});

test('an archive that vanishes once it is copied is installed whole, and goes with its component', async () => {
  const scene = await openScene({ after: () => rm(scene.archive) });
  await scene.open();
  expect(await answerTo(scene.folder, scene.archive)).toMatchObject({ state: 'ready' });
  expect(scene.whole).toEqual(['1.0.0']);
  // It is looked right afterwards which components are gone; the list of them is the last that is written.
  const components = path.join(scene.folder, 'spool', 'components.json');
  await expect.poll(() => readFile(components, 'utf8')).toBe('{}');
  expect((await scene.store.list()).models).toEqual([]);
});
