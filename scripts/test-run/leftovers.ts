import { readFileSync, readdirSync } from 'node:fs';

export interface Leftover {
  readonly pid: number;
  readonly commandLine: string;
}

/** Environment variable that marks every process of a test run, whoever its parent becomes. */
export const RUN_MARKER = 'VEDETTE_TEST_RUN';

/** Processes that a finished test run left behind. */
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
