import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { LoopReport } from './loop-delay.ts';

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Whether it answers for its event loop (see loop-instrument.mjs). */
  readonly isInstrumented: boolean;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** Kept of what a server printed last, for the message when it ends. */
const MAX_KEPT_CHARACTERS = 2000;

/** The pinned Node with a program that is measured from within (see loop-instrument.mjs). */
export function instrumentedNode(
  name: string,
  root: string,
  program: string,
  args: readonly string[],
): ServerCommand {
  const instrument = path.join(root, 'test/bench/loop-instrument.mjs');
  return {
    name,
    command: process.execPath,
    args: ['--import', instrument, path.join(root, program), ...args],
    cwd: root,
    isInstrumented: true,
  };
}

const enders = new Set<() => void>();

/** Sees to it that an interrupted run leaves no process behind. */
export function endWithThisRun(child: ChildProcess, end: () => void): void {
  enders.add(end);
  child.once('exit', () => enders.delete(end));
}

/** For a run that is interrupted. */
export function endProcesses(): void {
  for (const end of enders) end();
}

/** A server in a process of its own, which says its address in a JSON line on stdout. */
export class ServerProcess {
  readonly name: string;
  readonly address: string;
  readonly isInstrumented: boolean;
  readonly #child: ChildProcess;
  readonly #output: LastWords;

  static async start(server: ServerCommand): Promise<ServerProcess> {
    const { name, command, args, cwd } = server;
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    endWithThisRun(child, () => child.kill('SIGKILL'));
    const output = new LastWords(child);
    const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
    try {
      return new ServerProcess(server, child, output, await addressOf(child));
    } catch (cause) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start: ${output.text || String(cause)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(
    server: ServerCommand,
    child: ChildProcess,
    output: LastWords,
    address: string,
  ) {
    this.name = server.name;
    this.isInstrumented = server.isInstrumented;
    this.#child = child;
    this.#output = output;
    this.address = address;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  beginLoopDelay(): void {
    this.#child.send('begin-loop-delay');
  }

  async endLoopDelay(): Promise<LoopReport> {
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    this.#child.send('end-loop-delay');
    const [report] = (await answer) as [LoopReport];
    return report;
  }

  async getJson<T>(url: string): Promise<T> {
    const response = await fetch(this.address + url);
    if (!response.ok) throw new Error(`${this.name} answered ${url} with ${response.status}`);
    return (await response.json()) as T;
  }

  /** Asks until `isDone`; a server that ended meanwhile is an error. */
  async until(isDone: () => Promise<boolean>, intervalMs: number): Promise<void> {
    for (;;) {
      try {
        if (await isDone()) return;
      } catch (error) {
        if (this.#isRunning) throw error;
      }
      if (!this.#isRunning) {
        throw new Error(`${this.name} ended while it was measured: ${this.#output.text}`);
      }
      await pause(intervalMs);
    }
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async close(): Promise<void> {
    if (!this.#isRunning) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** The end of what a process prints. */
export class LastWords {
  #text = '';

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        this.#text = (this.#text + text).slice(-MAX_KEPT_CHARACTERS);
      });
    }
  }

  get text(): string {
    return this.#text.trim();
  }
}

/** Reads on after the address: a full pipe would stop the server. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${code ?? signal}`)));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const { address } = JSON.parse(line) as { address?: string };
      if (address !== undefined) resolve(address);
    });
  });
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}
