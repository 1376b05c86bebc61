import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fetchNpmArchive, lockedPackage } from '../setup/npm-archive.mjs';
import { logFile, root, type Target } from './target.ts';

/** Modules are compiled side by side and may want the same package: it is fetched once. */
const fetching = new Map<string, Promise<string>>();

/** The folder of a locked npm package: as installed here, or fetched when it is for another platform. */
export async function npmPackage(target: Target, name: string): Promise<string> {
  const installed = path.join(root, 'node_modules', name);
  if (existsSync(installed)) return installed;
  const key = `${target.workFolder} ${name}`;
  const begun = fetching.get(key) ?? fetched(target, name);
  fetching.set(key, begun);
  return begun;
}

async function fetched(target: Target, name: string): Promise<string> {
  const into = path.join(target.workFolder, 'npm', name);
  const record = path.join(into, 'package.json');
  if (existsSync(record)) {
    const { version } = JSON.parse(await readFile(record, 'utf8')) as { version: string };
    if (version === lockedPackage(root, name).version) return into;
  }
  await mkdir(path.dirname(into), { recursive: true });
  await fetchNpmArchive(root, { name, into, logFile: logFile(name.replaceAll('/', '-')) });
  return into;
}
