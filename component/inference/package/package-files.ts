import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * The real path of a file of a package, or a problem pushed: missing, no file, or reached through a
 * symbolic link that leads out of the folder. `folder` must be a real path itself.
 */
export async function insideFile(
  folder: string,
  relative: string,
  field: string,
  problems: string[],
): Promise<string | undefined> {
  const path = join(folder, relative);
  try {
    const real = await realpath(path);
    if (!real.startsWith(folder + sep)) {
      problems.push(`${field}: '${relative}' leads out of the package, to ${real}`);
      return undefined;
    }
    if (!(await stat(real)).isFile()) {
      problems.push(`${field}: '${relative}' is not a file`);
      return undefined;
    }
    return real;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    problems.push(
      code === 'ENOENT'
        ? `${field}: '${relative}' does not exist in ${folder}`
        : `${field}: '${relative}' cannot be read (${code ?? String(error)})`,
    );
    return undefined;
  }
}

const CHUNK_BYTES = 256 * 1024;

/** sha256 over the files one after another, in small pieces so that the thread stays free. */
export async function sha256Of(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (const path of paths) {
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
        if (bytesRead === 0) break;
        hash.update(chunk.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  }
  return hash.digest('hex');
}
