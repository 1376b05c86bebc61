import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';

/** Replaces a file by one rename; after a power cut it is the old or the new. */
export async function writeSynced(file: string, text: string, mode = 0o644): Promise<void> {
  const handle = await open(`${file}.part`, 'w', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  await syncFolder(path.dirname(file));
}

/** Makes a folder with its parents, whose names last: else what is synced in it would go with it. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = path.dirname(made)) {
    await syncFolder(path.dirname(made));
    if (made === first || made === path.dirname(made)) return;
  }
}

/** Makes the names in a folder last: what was created, renamed or removed in it. */
export const syncFolder = (folder: string): Promise<void> => sync(folder);

/** Makes what a file holds last, whoever wrote it. */
export const syncFile = (file: string): Promise<void> => sync(file);

async function sync(place: string): Promise<void> {
  const handle = await open(place, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
