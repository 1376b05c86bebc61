import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Leftover {
  readonly pid: number;
  readonly commandLine: string;
}

/** Environment variable that marks every process of a test run, whoever its parent becomes. */
export const RUN_MARKER = 'VEDETTE_TEST_RUN';

/** What is on its way out when the tests end gets this long to be gone. */
const GRACE_MS = 2000;

/** Processes that a finished test run left behind, once those about to end have ended. */
export async function waitForLeftovers(runId: string): Promise<Leftover[]> {
  const deadline = Date.now() + GRACE_MS;
  let found = findLeftovers(runId);
  while (found.length > 0 && Date.now() < deadline) {
    await sleep(100);
    found = findLeftovers(runId);
  }
  return found;
}

/** Processes that carry the mark of a test run. */
export function findLeftovers(runId: string): Leftover[] {
  const mark = `${RUN_MARKER}=${runId}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => readEntry(name, 'environ').split('\0').includes(mark))
    .map((name) => ({
      pid: Number(name),
      commandLine: readEntry(name, 'cmdline').split('\0').join(' ').trim(),
    }));
}

/** Empty when the process is gone, belongs to somebody else or is a zombie. */
function readEntry(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

export function killLeftovers(leftovers: readonly Leftover[]): void {
  for (const { pid } of leftovers) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
}
