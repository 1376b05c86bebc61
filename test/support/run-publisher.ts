import { spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
/** The bundle, when the whole suite runs. */
export const PUBLISHER_PROGRAM =
  process.env['VEDETTE_TEST_PUBLISHER'] ?? join(ROOT, 'cloud-publisher', 'cli.ts');

export interface PublisherEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningPublisher {
  readonly pid: number;
  readonly ended: Promise<PublisherEnd>;
  kill(): void;
}

/**
 * `vedette …` of the publisher as a process of its own.
 * @param program another build of it
 * @param input what comes on standard input
 */
export function startPublisher(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  program = PUBLISHER_PROGRAM,
  input?: string,
): RunningPublisher {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<PublisherEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { pid: child.pid!, ended, kill: () => void child.kill('SIGKILL') };
}

export const runPublisher = (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  program = PUBLISHER_PROGRAM,
): Promise<PublisherEnd> => startPublisher(args, environment, program).ended;
