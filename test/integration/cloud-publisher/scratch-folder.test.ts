import { spawnSync } from 'node:child_process';
import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withScratchFolder } from '../../../cloud-publisher/commands/scratch-folder.ts';
import { openScratchFolder } from '../../../cloud-publisher/prepare/scratch-folder.ts';

test('scratch folders of killed publishers go with the next run: old ones whose process has ended', async () => {
  const own = await openScratchFolder();
  const { pid } = spawnSync(process.execPath, ['--version']);
  const left = join(tmpdir(), `vedette-publish-${pid}-1-abcdef`);
  const fresh = join(tmpdir(), `vedette-publish-${pid}-1-ghijkl`);
  try {
    for (const folder of [left, fresh]) await mkdir(folder);
    await writeFile(join(left, 'model.zip'), 'half');
    for (const folder of [own, left]) await utimes(folder, 0, 0);
    const inside = await withScratchFolder(async (folder) => {
      expect((await stat(folder)).isDirectory()).toBe(true);
      return folder;
    });
    for (const folder of [left, inside]) await expect(stat(folder)).rejects.toThrow('ENOENT');
    for (const folder of [own, fresh]) expect((await stat(folder)).isDirectory()).toBe(true);
  } finally {
    for (const folder of [own, left, fresh]) await rm(folder, { recursive: true, force: true });
  }
});
