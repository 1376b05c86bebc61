import { readdir } from 'node:fs/promises';
import { FolderCalls } from '../../camera/folder-calls.ts';
import { pause } from '../../camera/pause.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { TriggerConfigOf } from '../../contract/trigger-config.ts';
import { keepConnected } from './keep-connected.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

/** A folder with more files is looked at by nobody who wants an answer in time. */
const MAX_FILES = 100_000;

/**
 * Triggers by each file that comes, its name in `context.fileName`. Those that are there at the start, or
 * when the folder comes back, came before. It is read again and again, because network shares tell
 * nobody of changes.
 */
export function openFolderTrigger(
  { path, suffix = '', pollMs }: TriggerConfigOf<'folder'>,
  listener: TriggerListener,
): TriggerSource {
  const calls = new FolderCalls();
  return keepConnected(listener, async (signal, listening) => {
    let known: Set<string> | undefined;
    // The one that made it lost.
    await calls.answered(signal);
    while (!signal.aborted) {
      const reading = calls.call(() => namesIn(path, suffix));
      const present = new Set(await calls.watch(reading, signal, (why) => unreadable(path, why)));
      if (signal.aborted) return;
      listening();
      for (const fileName of known === undefined ? [] : present) {
        if (!known!.has(fileName)) listener.fire({ context: { fileName } });
      }
      known = present;
      await pause(pollMs, signal);
    }
  });
}

const unreadable = (path: string, why: string, cause?: unknown) =>
  new VedetteError('TRIGGER_FOLDER_UNREADABLE', `${path} cannot be read: ${why}`, { cause });

/** Sorted. @throws VedetteError FOLDER_UNREADABLE */
async function namesIn(path: string, suffix: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (cause) {
    throw unreadable(path, (cause as Error).message, cause);
  }
  if (names.length > MAX_FILES) {
    const message = `${path} has ${names.length} files, at most ${MAX_FILES} are looked through`;
    throw new VedetteError('TRIGGER_FOLDER_UNREADABLE', message);
  }
  return names.filter((name) => !name.startsWith('.') && name.endsWith(suffix)).sort();
}
