import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A folder of this process for what is not finished, below `root`. Its name says whose it is, so that
 * another process can tell what a dead one left behind.
 */
export async function openStaging(root: string): Promise<string> {
  const { pid } = process;
  const folder = join(root, `${pid}-${(await startOf(pid)) ?? 0}-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Removes what processes left that have ended, however they did. */
export async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [pid, start] = name.split('-').map(Number);
    const isAlive = pid !== undefined && pid > 0 && (await startOf(pid)) === start;
    if (!isAlive) await rm(join(root, name), { recursive: true, force: true });
  }
}

/** When a process began, in clock ticks since boot (proc(5), field 22 of stat); a number is used again only later. */
async function startOf(pid: number): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
