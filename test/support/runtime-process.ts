import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..', '..');
/** The unpacked artifact, when the whole suite runs: it is what a device runs, and it starts sooner. */
export const PROGRAM: readonly [string, ...string[]] = process.env['VEDETTE_TEST_PROGRAM']
  ? [process.env['VEDETTE_TEST_PROGRAM']]
  : [process.execPath, join(ROOT, 'component', 'main.ts')];
/** Long enough for a machine with more work than cores; a healthy start takes about a second. */
const READY_TIMEOUT_MS = 25_000;
/** Environment variable that names a runtime and everything it starts. */
const MARK = 'VEDETTE_TEST_RUNTIME';

export const samples = (...names: string[]): string => join(ROOT, 'samples', ...names);

export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunOptions {
  /** Arguments after `vedette`. */
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** An unpacked artifact's command in place of the clone's; nothing of this environment reaches it. */
  readonly program?: readonly [string, ...string[]];
  /** Working folder; the clone's root, or a temporary one for an artifact. */
  readonly folder?: string;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function spawnVedette(options: RunOptions): ChildProcess {
  const [program, ...first] = options.program ?? PROGRAM;
  const child = spawn(program, [...first, ...options.arguments], {
    cwd: options.folder ?? (options.program ? tmpdir() : ROOT),
    env: { ...(options.program ? {} : process.env), ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

const endOf = (child: ChildProcess): Promise<ProcessEnd> =>
  new Promise((settle) => child.once('close', (code, signal) => settle({ code, signal })));

/** Runs a command to its end; one that does not end is killed after `timeoutMs`. */
export async function runVedette(
  options: RunOptions & { readonly timeoutMs?: number },
): Promise<ProcessEnd & { readonly stdout: string; readonly stderr: string }> {
  const child = spawnVedette(options);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? READY_TIMEOUT_MS);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const end = await endOf(child);
  clearTimeout(timer);
  return { ...end, stdout, stderr };
}

/** `vedette run` as a process of its own, as an operator starts it. */
export class RuntimeProcess {
  readonly address: string;
  /** Every line of standard output, in order. */
  readonly lines: readonly string[];
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #mark: string;
  readonly #errorText: () => string;

  /** Resolves when the server listens; rejects with what was printed when the process ends before. */
  static async start(options: RunOptions): Promise<RuntimeProcess> {
    const mark = randomUUID();
    const environment = { ...options.environment, [MARK]: mark };
    const child = spawnVedette({ ...options, environment });
    const ended = endOf(child);
    const lines: string[] = [];
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const address = new Promise<string>((settle) => {
      const output = createInterface({ input: child.stdout! });
      output.on('line', (line) => {
        lines.push(line);
        const found = /"address":"(http:[^"]+)"/.exec(line)?.[1];
        if (found !== undefined) settle(found);
      });
    });
    const failed = ended.then((end) => {
      throw new Error(
        `the runtime ended with ${end.code ?? end.signal}:\n${stderr}\n${lines.join('\n')}`,
      );
    });
    const found = await Promise.race([address, failed]);
    failed.catch(() => {});
    return new RuntimeProcess(child, mark, found, lines, ended, () => stderr);
  }

  private constructor(
    child: ChildProcess,
    mark: string,
    address: string,
    lines: readonly string[],
    ended: Promise<ProcessEnd>,
    errorText: () => string,
  ) {
    this.#child = child;
    this.#mark = mark;
    this.address = address;
    this.lines = lines;
    this.ended = ended;
    this.#errorText = errorText;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What came on standard error. */
  get stderr(): string {
    return this.#errorText();
  }

  /** The log so far. Throws on a line that is not JSON. */
  get log(): LogLine[] {
    return this.lines.map((line) => JSON.parse(line) as LogLine);
  }

  /** As the global one; when the process ended instead of answering, says how. */
  async fetch(path: string, init?: RequestInit): Promise<Response> {
    try {
      return await fetch(this.address + path, init);
    } catch (cause) {
      const end = await Promise.race([this.ended, pause(500)]);
      const how = end
        ? `the runtime ended with ${end.code ?? end.signal}:\n${this.stderr}\n${this.lines.slice(-5).join('\n')}`
        : 'the runtime lives';
      throw new Error(`${init?.method ?? 'GET'} ${path} was not answered; ${how}`, { cause });
    }
  }

  /** The JSON answer of a GET that must succeed. */
  async get<T>(path: string): Promise<T> {
    const response = await this.fetch(path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Asks again until `isDone`; rejects with the last answer when it never is. */
  async until<T>(
    path: string,
    isDone: (answer: T) => boolean,
    timeoutMs = READY_TIMEOUT_MS,
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = await this.get<T>(path);
      if (isDone(answer)) return answer;
      if (Date.now() > deadline) {
        throw new Error(`${path} never became as expected: ${JSON.stringify(answer, null, 1)}`);
      }
      await pause(50);
    }
  }

  /** Resolves when every model is ready. */
  async ready(): Promise<this> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await this.fetch('/health/ready')).ok) {
      if (Date.now() > deadline) throw new Error(`never ready:\n${this.lines.join('\n')}`);
      await pause(50);
    }
    return this;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessEnd> {
    this.signal(signal);
    return this.ended;
  }

  /** Processes that the runtime started, directly or not, and that live. */
  children(): { readonly pid: number; readonly commandLine: readonly string[] }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== this.pid)
      .filter((name) => processFile(name, 'environ').includes(`${MARK}=${this.#mark}`))
      .map((name) => ({ pid: Number(name), commandLine: processFile(name, 'cmdline') }));
  }

  /** Resident memory in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }
}

/** Strings of a file that separates them by NUL; none when the process is gone. */
function processFile(pid: string, file: 'environ' | 'cmdline'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export interface StartOptions {
  /** Relative to the folder; `data` unless given. */
  readonly dataFolder?: string;
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A temporary folder with configurations and data, and the runtimes started in it. */
export class RuntimeFolder {
  readonly path: string;
  readonly #runtimes: RuntimeProcess[] = [];
  #configs = 0;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<RuntimeFolder> {
    return new RuntimeFolder(await mkdtemp(join(tmpdir(), 'vedette-runtime-')));
  }

  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Writes a configuration (JSON is YAML) and returns its path. */
  async config(config: object): Promise<string> {
    this.#configs += 1;
    const file = this.join(`config-${this.#configs}.yaml`);
    await writeFile(file, JSON.stringify(config, null, 1));
    return file;
  }

  async start(config: object, options: StartOptions = {}): Promise<RuntimeProcess> {
    const runtime = await RuntimeProcess.start({
      arguments: await this.runArguments(config, options),
      ...(options.environment ? { environment: options.environment } : {}),
    });
    this.#runtimes.push(runtime);
    return runtime;
  }

  /** The arguments with which `start` starts. */
  async runArguments(config: object, options: StartOptions = {}): Promise<string[]> {
    return [
      'run',
      ...['--config', await this.config(config)],
      ...['--port', String(options.port ?? 0)],
      ...['--data-folder', resolve(this.path, options.dataFolder ?? 'data')],
    ];
  }

  /** Ends every runtime that still runs, and what it left, and removes the folder. */
  async close(): Promise<void> {
    for (const runtime of this.#runtimes) {
      if (runtime.isAlive) await runtime.stop('SIGKILL');
      for (const { pid } of runtime.children()) endIfThere(pid);
    }
    await rm(this.path, { recursive: true, force: true });
  }
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
