import { execFile } from 'node:child_process';

const TIMEOUT_MS = 10_000;

/** What a program printed, or why it could not be run: `ENOENT` when it is not there. */
export type ProgramEnd =
  { readonly stdout: string } | { readonly failure: string; readonly stderr: string };

/** Runs a program that only looks at something. */
export function runProgram(
  program: string,
  args: readonly string[],
  timeoutMs = TIMEOUT_MS,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, maxBuffer: 1 << 26, killSignal: 'SIGKILL' } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) resolve({ stdout });
      else resolve({ failure: error.killed ? 'ETIMEDOUT' : String(error.code), stderr });
    });
  });
}
