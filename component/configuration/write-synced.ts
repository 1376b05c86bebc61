import { open, rename } from 'node:fs/promises';
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
  const folder = await open(path.dirname(file), 'r');
  await folder.sync().finally(() => folder.close());
}
