import { spawn } from 'node:child_process';
import type { PublicationRequest } from '../registry/publication-job-records.ts';

const MAX_OUTPUT_CHARACTERS = 65_536;
/** A publication that takes longer hangs: models of 2 GB are tried, packed and sent in less. */
const LONGEST_MS = 2 * 3_600_000;

export interface PublicationEnd {
  /** A signal's name when one ended it, nothing when it could not be started. */
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The command in a process of its own: what a model does to it cannot harm the server.
 * @param program the publisher's own command line
 * @param signal kills it
 */
export function runPublication(
  { command, input }: PublicationRequest,
  program: readonly string[],
  signal: AbortSignal,
): Promise<PublicationEnd> {
  const [executable, ...first] = program as [string, ...string[]];
  const child = spawn(executable, [...first, ...command, '--json'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  // It may end before it has read everything, and says why itself.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  let [stdout, stderr] = ['', ''];
  const bounded = (text: string, more: string) => (text + more).slice(0, MAX_OUTPUT_CHARACTERS);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout = bounded(stdout, text)));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = bounded(stderr, text)));
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, stdout, stderr: error.message });
    });
    child.once('close', (code, ending) => resolve({ code: code ?? ending, stdout, stderr }));
  });
}
