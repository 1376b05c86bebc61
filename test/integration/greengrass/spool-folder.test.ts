import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SPOOL } from '../../../component/contract/model-spool.ts';
import { SpoolFolder } from '../../../component/greengrass/spool-folder.ts';

test('what a killed component left half written goes after an hour, not before', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'vedette-spool-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const spool = new SpoolFolder(folder);
  await spool.open();
  const requests = path.join(folder, SPOOL.folder, SPOOL.requests);
  for (const [name, hours] of [
    ['old.json.part', 2],
    ['new.json.part', 0.5],
    ['old.json', 2],
  ] as const) {
    const file = path.join(requests, name);
    await writeFile(file, '{"schema');
    const seconds = Date.now() / 1000 - hours * 3600;
    await utimes(file, seconds, seconds);
  }
  await spool.removeOldParts(Date.now());
  expect((await readdir(requests)).toSorted()).toEqual(['new.json.part', 'old.json']);
});
