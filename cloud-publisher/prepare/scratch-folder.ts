import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { processStart } from '../../component/inference/package/process-start.ts';
import { unlessGone } from '../storage/remove-old-parts.ts';

/** `vedette-publish-<process>-<its start>-<at random>` */
const NAME = /^vedette-publish-(\d+)-(\d+)-\w{6}$/;
/** Processes of another container with the same temporary folder cannot be seen. */
const OLD_MS = 3_600_000;

/** A folder below the system's temporary one, whose name says whose it is. Its links are resolved. */
export async function openScratchFolder(): Promise<string> {
  const { pid } = process;
  const prefix = `vedette-publish-${pid}-${(await processStart(pid)) ?? 0}-`;
  return realpath(await mkdtemp(join(tmpdir(), prefix)));
}

/**
 * Removes what killed publishers of the same user left in the temporary folder: old, and of a process
 * that has ended.
 */
export async function removeLeftScratchFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid, start] = NAME.exec(name) ?? [];
    // Where the system does not tell when a process began, nothing says that it has ended.
    if (pid === undefined || start === '0') continue;
    const folder = join(tmpdir(), name);
    const found = await stat(folder).catch(unlessGone);
    if (!found || found.uid !== userInfo().uid || Date.now() - found.mtimeMs < OLD_MS) continue;
    if ((await processStart(Number(pid))) === Number(start)) continue;
    await rm(folder, { recursive: true, force: true });
  }
}
