import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from '../../camera/run-program.ts';
import type { SupportBundle } from './bundle.ts';
import { readTail } from './read-tail.ts';

const MAX_LOG_BYTES = 3 * 2 ** 20;
/** The newest of a rotated log. */
const MAX_LOGS = 4;
const MAX_RECIPE_BYTES = 65_536;
const JOURNAL_LINES = '20000';

/** What the nucleus keeps of a component: its logs and recipes, and the configuration that ran last. */
export async function addComponentFiles(bundle: SupportBundle, workFolder: string): Promise<void> {
  const component = path.basename(workFolder);
  const root = path.dirname(path.dirname(workFolder));
  const ofComponent = (name: string) => name.startsWith(component) && name.includes('.log');
  await addFiles(bundle, 'logs', path.join(root, 'logs'), ofComponent);
  await addFiles(bundle, 'logs', path.join(root, 'logs'), (name) => name === 'greengrass.log');
  const recipes = path.join(root, 'packages', 'recipes');
  await addFiles(bundle, 'recipes', recipes, (name) => /\.(ya?ml|json)$/.test(name), component);
  await addJournal(bundle, `logs/journal-${component}.log`, ['-t', component]);
}

/** The journal of a unit or of an identifier, where there is one. */
export async function addJournal(
  bundle: SupportBundle,
  name: string,
  of: readonly string[],
): Promise<void> {
  const args = ['--no-pager', '--quiet', '-o', 'short-iso', '-n', JOURNAL_LINES, ...of];
  const end = await runProgram('journalctl', args);
  if ('failure' in end) {
    bundle.miss(name, `journalctl ${of.join(' ')}: ${end.failure} ${end.stderr.trim()}`.trim());
  } else if (end.stdout.trim() === '') {
    bundle.miss(name, `journalctl ${of.join(' ')} has nothing`);
  } else {
    const cut = Math.max(0, end.stdout.length - MAX_LOG_BYTES);
    bundle.add(name, end.stdout.slice(cut), cut);
  }
}

async function addFiles(
  bundle: SupportBundle,
  into: string,
  folder: string,
  isWanted: (name: string) => boolean,
  mustContain?: string,
): Promise<void> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter(isWanted);
  } catch (error) {
    bundle.miss(into, `${folder}: ${(error as NodeJS.ErrnoException).code}`);
    return;
  }
  const maxBytes = mustContain === undefined ? MAX_LOG_BYTES : MAX_RECIPE_BYTES;
  let added = 0;
  for (const file of await newestFirst(folder, names)) {
    if (added === MAX_LOGS) return;
    try {
      const { text, cutBytes } = await readTail(file, maxBytes);
      if (mustContain !== undefined && !text.includes(mustContain)) continue;
      bundle.add(`${into}/${path.basename(file)}`, text, cutBytes);
      added += 1;
    } catch (error) {
      bundle.miss(file, String((error as NodeJS.ErrnoException).code ?? error));
    }
  }
}

async function newestFirst(folder: string, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      return { file, atMs: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  return found.sort((a, b) => b.atMs - a.atMs).map(({ file }) => file);
}
