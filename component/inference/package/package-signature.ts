import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_FILES = 10_000;

/** Names, sizes and times of the files in a folder (or of an archive) as one text: another text means another content. */
export async function packageSignature(folder: string): Promise<string> {
  try {
    const place = await stat(folder);
    if (!place.isDirectory()) return `${place.size}:${place.mtimeMs}`;
    const names = (await readdir(folder, { recursive: true })).sort().slice(0, MAX_FILES);
    const parts: string[] = [];
    for (const name of names) {
      const { size, mtimeMs } = await stat(join(folder, name));
      parts.push(`${name}:${size}:${mtimeMs}`);
    }
    return parts.join('\n');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
