import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseOrNothing } from '../configuration/parse-or-nothing.ts';
import { VedetteError } from '../contract/errors.ts';

const FILE = 'runtime.json';

const runningSchema = z.object({
  schemaVersion: z.literal(1),
  processId: z.int().positive(),
  /** When the kernel started it, in its ticks since boot: another process may get the same number. */
  startTicks: z.string(),
  address: z.url(),
  version: z.string(),
  startedAt: z.string(),
});
export type RunningRuntime = z.infer<typeof runningSchema>;

/** Says in the data folder which process serves it and where, for the commands on the same device. */
export async function announceRuntime(
  dataFolder: string,
  { address, version }: Pick<RunningRuntime, 'address' | 'version'>,
): Promise<void> {
  const running: RunningRuntime = {
    schemaVersion: 1,
    processId: process.pid,
    startTicks: (await startTicksOf(process.pid)) ?? '',
    address,
    version,
    startedAt: new Date().toISOString(),
  };
  const file = path.join(dataFolder, FILE);
  await writeFile(`${file}.part`, JSON.stringify(running));
  await rename(`${file}.part`, file);
}

export async function retractRuntime(dataFolder: string): Promise<void> {
  await rm(path.join(dataFolder, FILE), { force: true });
}

/**
 * The process that serves a data folder now; nothing when there is none.
 * @throws VedetteError CONFIG_UNREADABLE when the folder may not be read
 */
export async function findRunning(dataFolder: string): Promise<RunningRuntime | undefined> {
  const file = path.join(dataFolder, FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new VedetteError(
      'CONFIG_UNREADABLE',
      `Cannot read ${file}: ${code}. Ask as the user that runs Vedette, or with sudo`,
      { cause },
    );
  }
  const parsed = runningSchema.safeParse(parseOrNothing(text));
  // A process that was killed leaves its file.
  if (!parsed.success) return undefined;
  const ticks = await startTicksOf(parsed.data.processId);
  return ticks === parsed.data.startTicks ? parsed.data : undefined;
}

/** proc(5): the 22nd field, counted behind the name, which may hold anything. */
async function startTicksOf(processId: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${processId}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
