import { spawn, type ChildProcess } from 'node:child_process';

export interface CommandOutcome {
  /** Exit code, or 128 + n when a signal ended it. */
  readonly exitCode: number;
  /** Standard output and error in the order they came; empty when it was shown live. */
  readonly output: string;
  readonly hasTimedOut: boolean;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows output as it comes instead of collecting it. */
  readonly isLive?: boolean;
}

const running = new Set<ChildProcess>();

/** Runs a command to its end. Never rejects: a program that cannot be started has exit code 127. */
export function runCommand(
  command: string,
  args: readonly string[],
  { cwd, timeoutMs, env = {}, isLive = false }: CommandOptions,
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      // Live errors go to standard output too, so that they stand where they belong.
      stdio: isLive ? ['inherit', 'inherit', 1] : ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    let hasTimedOut = false;
    const timer = setTimeout(() => {
      hasTimedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const end = (exitCode: number, note = ''): void => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ exitCode, output: Buffer.concat(chunks).toString() + note, hasTimedOut });
    };
    child.on('error', (error) => end(127, error.message));
    child.on('close', (code, signal) => end(code ?? 128, signal ? `ended by ${signal}\n` : ''));
  });
}

/** Ends what `runCommand` started, when the run itself is asked to stop. */
export function stopRunningCommands(signal: NodeJS.Signals): void {
  for (const child of running) child.kill(signal);
}
