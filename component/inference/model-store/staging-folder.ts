import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processStart } from '../package/process-start.ts';

/**
 * A folder of this process for what is not finished, below `root`. Its name says whose it is, so that
 * another process can tell what a dead one left behind.
 */
export async function openStaging(root: string): Promise<string> {
  const { pid } = process;
  const folder = join(root, `${pid}-${(await processStart(pid)) ?? 0}-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Removes what processes left that have ended, however they did. */
export async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [pid, start] = name.split('-').map(Number);
    const isAlive = pid !== undefined && pid > 0 && (await processStart(pid)) === start;
    if (!isAlive) await rm(join(root, name), { recursive: true, force: true });
  }
}
