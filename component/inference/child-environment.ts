import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/**
 * The environment of a thread or process that works with what is not trusted: nothing of this one's,
 * except where Node keeps what it compiled, if it keeps it (a clone does: without, every thread would
 * take the types out of each file again, 0.2 s each time).
 */
export function childEnvironment(): Record<string, string> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}
