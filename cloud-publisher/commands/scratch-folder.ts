import { rm } from 'node:fs/promises';
import { openScratchFolder, removeLeftScratchFolders } from '../prepare/scratch-folder.ts';

/** Runs with a folder of its own, which is removed whatever happens; so are those that killed runs left. */
export async function withScratchFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  await removeLeftScratchFolders();
  const folder = await openScratchFolder();
  try {
    return await action(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
