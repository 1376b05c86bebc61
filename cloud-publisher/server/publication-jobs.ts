import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { VedetteError } from '../../component/contract/errors.ts';

export interface PublicationRequest {
  /** What is published, for people. */
  readonly source: string;
  /** Behind `vedette`. */
  readonly command: readonly string[];
  /** What the command reads on standard input. */
  readonly input?: string;
}

export interface PublicationJob {
  readonly id: string;
  readonly source: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly askedAtMs: number;
  readonly beganAtMs?: number;
  readonly endedAtMs?: number;
  /** What `--json` prints. */
  readonly outcome?: unknown;
  /** Of one that failed: code, what was wrong and what to do. */
  readonly error?: string;
}

export interface PublicationJobsOptions {
  /** The publisher's own command line. */
  readonly program: readonly string[];
  /** How it is told where to publish and where records are. */
  readonly options: readonly string[];
  readonly say: (text: string) => void;
}

const MAX_WAITING = 100;
/** What ended is told for so many jobs; the records keep all of them. */
const MAX_ENDED = 200;
const MAX_OUTPUT_CHARACTERS = 65_536;
/** A publication that takes longer hangs: models of 2 GB are tried, packed and sent in less. */
const LONGEST_MS = 2 * 3_600_000;

/**
 * Publications one after the other, each in a process of its own: what a model does to it cannot
 * harm the server. They are kept in memory: who asked for one that a killed server had asks again, and
 * the same publication twice ends as one.
 */
export class PublicationJobs {
  readonly #options: PublicationJobsOptions;
  readonly #jobs = new Map<string, PublicationJob>();
  readonly #waiting: { readonly id: string; readonly request: PublicationRequest }[] = [];
  #working: Promise<void> | undefined;
  #signal: AbortSignal;

  constructor(options: PublicationJobsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** @throws VedetteError OVERLOADED, SHUTTING_DOWN */
  add(request: PublicationRequest): PublicationJob {
    if (this.#signal.aborted) throw new VedetteError('SHUTTING_DOWN', 'The server is stopping');
    if (this.#waiting.length >= MAX_WAITING) {
      throw new VedetteError('OVERLOADED', `${MAX_WAITING} publications wait already`);
    }
    const job: PublicationJob = {
      ...{ id: randomUUID(), source: request.source, state: 'waiting', askedAtMs: Date.now() },
    };
    this.#jobs.set(job.id, job);
    this.#waiting.push({ id: job.id, request });
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
    return job;
  }

  /** Newest first. */
  list(): PublicationJob[] {
    return [...this.#jobs.values()].toReversed();
  }

  /** @throws VedetteError NOT_FOUND */
  get(id: string): PublicationJob {
    const job = this.#jobs.get(id);
    if (job) return job;
    throw new VedetteError('NOT_FOUND', `there is no publication '${id}' of this server`);
  }

  /** Resolves when nothing is published any more; what waits then is not begun. */
  async ended(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    while (!this.#signal.aborted) {
      const next = this.#waiting.shift();
      if (!next) return;
      await this.#publish(next.id, next.request).catch((thrown: unknown) => {
        const { code, message } = VedetteError.from(thrown);
        this.#change(next.id, {
          ...{ state: 'failed', endedAtMs: Date.now(), error: `${code}: ${message}` },
        });
      });
    }
  }

  async #publish(id: string, request: PublicationRequest): Promise<void> {
    const { say } = this.#options;
    this.#change(id, { state: 'running', beganAtMs: Date.now() });
    say(`publication ${id} of ${request.source} begins`);
    const { code, stdout, stderr } = await this.#run(request);
    const endedAtMs = Date.now();
    if (code === 0) this.#change(id, { state: 'done', endedAtMs, outcome: parsed(stdout) });
    else
      this.#change(id, {
        state: 'failed',
        endedAtMs,
        error: stderr.trim() || `ended with ${code}`,
      });
    const { error } = this.get(id);
    say(`publication ${id} ${error === undefined ? 'is done' : `failed: ${error.split('\n')[0]}`}`);
    const ended = [...this.#jobs.values()].filter(
      ({ state }) => state === 'done' || state === 'failed',
    );
    for (const { id: old } of ended.slice(0, -MAX_ENDED)) this.#jobs.delete(old);
  }

  #change(id: string, change: Partial<PublicationJob>): void {
    this.#jobs.set(id, { ...this.get(id), ...change });
  }

  #run({ command, input }: PublicationRequest) {
    const [program, ...first] = this.#options.program as [string, ...string[]];
    const args = [...first, ...command, ...this.#options.options, '--json'];
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: this.#signal,
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
    });
    // It may end before it has read everything, and says why itself.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    let [stdout, stderr] = ['', ''];
    const bounded = (text: string, more: string) => (text + more).slice(0, MAX_OUTPUT_CHARACTERS);
    child.stdout
      ?.setEncoding('utf8')
      .on('data', (text: string) => (stdout = bounded(stdout, text)));
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (stderr = bounded(stderr, text)));
    return new Promise<{ code: number | string | null; stdout: string; stderr: string }>(
      (resolve) => {
        child.once('error', (error) => {
          if (child.pid === undefined) resolve({ code: null, stdout, stderr: error.message });
        });
        child.once('close', (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
      },
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // More than one outcome, such as one for each target.
    return text;
  }
}
