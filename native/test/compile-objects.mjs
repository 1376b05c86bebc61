import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** Compilers and fuzzers that run at once. */
const LANES = 2;

export const run = promisify(execFile);

/** Files of a folder by name, in order, with their paths. */
export const filesOf = (folder, pattern) =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => path.join(folder, name));

/** Does every job, at most LANES at once. */
export async function inLanes(jobs, action) {
  const waiting = [...jobs];
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await action(job);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/**
 * Compiles each source, unless that was done with the same flags, content and headers.
 * @param {{ compiler: string, flags: string[], sources: string[], headers: string[], folder: string }} work
 * @returns {Promise<Map<string, string>>} the object of each source
 * @throws Error whose `stderr` is what the compiler said
 */
export async function compileObjects({ compiler, flags, sources, headers, folder }) {
  mkdirSync(folder, { recursive: true });
  const shared = createHash('sha256').update([compiler, ...flags].join(' '));
  for (const header of headers) shared.update(header).update(readFileSync(header));
  const objects = new Map();
  await inLanes(sources, async (source) => {
    const hash = shared.copy().update(source).update(readFileSync(source)).digest('hex');
    const name = path.basename(source, '.cc');
    const object = path.join(folder, `${name}-${hash.slice(0, 16)}.o`);
    if (!existsSync(object)) {
      const part = `${object}.${process.pid}`;
      await run(compiler, [...flags, '-c', source, '-o', part]);
      renameSync(part, object);
    }
    objects.set(source, object);
  });
  return objects;
}
