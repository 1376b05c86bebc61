import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { folderFault } from './folder-fault.ts';

/** Longer than one file takes to be written: whoever began it has ended. */
const OLD_MS = 3_600_000;
const PART = /^(.*)\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/**
 * Removes what publishers left in a folder that were killed while they wrote there: by age alone,
 * because they may have run on another machine.
 * @param fileName of which only; empty for files that get their name later
 * @throws VedetteError ARTIFACT_STORE_UNAVAILABLE
 */
export async function removeOldParts(folder: string, fileName = ''): Promise<void> {
  try {
    for (const name of await readdir(folder)) {
      if (PART.exec(name)?.[1] !== fileName) continue;
      const file = join(folder, name);
      // Its writer, or somebody else who looks for old ones, may be faster.
      const found = await stat(file).catch(unlessGone);
      if (found && Date.now() - found.mtimeMs > OLD_MS) await rm(file, { force: true });
    }
  } catch (error) {
    throw folderFault(error, `parts of files in ${folder} could not be looked for`);
  }
}

/** For a file that may be gone. */
export function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
