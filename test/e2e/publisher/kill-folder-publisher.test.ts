import { watch } from 'node:fs';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PublisherFolder } from '../../support/publisher-parts.ts';
import { runPublisher, startPublisher } from '../../support/run-publisher.ts';
import { samples } from '../../support/runtime-process.ts';

const COMPONENT = 'io.vedette.model.brick-anomaly';
const ARTIFACTS = join('artifacts', COMPONENT, '1.0.0');
/** What appears in which folder when the publisher is killed. */
const POINTS = [
  [ARTIFACTS, /\.part$/],
  ['recipes', /\.json$/],
  [ARTIFACTS, /\.zip$/],
  ['recipes', /\.part$/],
  ['tags', /\.part$/],
] as const;
const points = process.env['VEDETTE_DEEP'] === '1' ? POINTS : POINTS.slice(1, 2);

let folder: PublisherFolder;
beforeAll(async () => {
  folder = await PublisherFolder.create();
});
afterAll(() => folder.close());

it.each(points)(
  'a publisher that is killed as a file appears in %s (%s) ends right when it is run again',
  async (place, pattern) => {
    const target = folder.fresh();
    for (const one of [ARTIFACTS, 'recipes', 'tags']) {
      await mkdir(join(target, one), { recursive: true });
    }
    const source = samples('models', 'brick-anomaly');
    const args = ['publish', 'model', source, '--no-run', '--json', '--to', target];
    args.push('--state', folder.fresh());
    const killed = startPublisher(args);
    const watcher = watch(join(target, place), (_event, name) => {
      if (pattern.test(name ?? '')) killed.kill();
    });
    const { signal, stderr } = await killed.ended;
    watcher.close();
    expect(signal, stderr).toBe('SIGKILL');
    const again = await runPublisher(args);
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ state: 'DEPLOYABLE' });
    const name = `${COMPONENT}-1.0.0.json`;
    for (const one of ['recipes', 'tags']) {
      expect((await readdir(join(target, one))).filter((file) => !file.endsWith('.part'))).toEqual([
        name,
      ]);
    }
    const tags: unknown = JSON.parse(await readFile(join(target, 'tags', name), 'utf8'));
    expect(tags).toHaveProperty(['vedette:model'], 'brick-anomaly');
  },
  120_000,
);
