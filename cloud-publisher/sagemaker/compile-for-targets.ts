import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import type { Polling } from '../publication/wait-until-deployable.ts';
import type { CompilationJob, CompilationRequest, ModelCompiler } from './model-compiler.ts';

/** Of an hour that a job may take, and as long in the queue. */
export const COMPILE_POLLING: Polling = { attempts: 720, intervalMs: 10_000 };
const FIRST_INTERVAL_MS = 250;
/** A job that failed keeps its name for ever: whoever publishes again gets the next one. */
const MAX_JOBS = 20;

/** What became of one target: its archive here, or why there is none. */
export type CompiledTarget =
  { readonly file: string; readonly job: string } | { readonly fault: VedetteError };

export interface CompilationDoors {
  readonly compiler: ModelCompiler;
  /** Fetches an archive. @returns its file here; `undefined` when it is not there any more */
  readonly fetch: (uri: string, target: string) => Promise<string | undefined>;
}

export interface CompileOptions {
  readonly polling?: Polling;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compiles for all targets at once; one that fails does not stop the others. What was begun or
 * compiled before, by whomever, is taken up by the names of the jobs.
 * @param requests by target
 */
export async function compileForTargets(
  requests: ReadonlyMap<string, CompilationRequest>,
  doors: CompilationDoors,
  options: CompileOptions = {},
): Promise<Map<string, CompiledTarget>> {
  const outcomes = await Promise.all(
    [...requests].map(async ([target, request]): Promise<[string, CompiledTarget]> => {
      try {
        return [target, await compileFor(target, request, doors, options)];
      } catch (error) {
        options.signal?.throwIfAborted();
        const fault = VedetteError.from(error);
        options.onProgress?.(`${target}: ${fault.code}: ${fault.message}`);
        return [target, { fault }];
      }
    }),
  );
  return new Map(outcomes);
}

async function compileFor(
  target: string,
  request: CompilationRequest,
  { compiler, fetch }: CompilationDoors,
  options: CompileOptions,
): Promise<CompiledTarget> {
  const { polling = COMPILE_POLLING, onProgress = () => undefined, signal } = options;
  for (let count = 1; count <= MAX_JOBS; count += 1) {
    const name = count === 1 ? request.name : `${request.name}-${count}`;
    const found = await compiler.find(name);
    if (found?.state === 'failed' || found?.state === 'stopped') continue;
    const begun = found ?? (await compiler.start({ ...request, name }));
    const job = await waitUntilEnded(compiler, target, begun, polling, onProgress, signal);
    const { archiveUri } = job;
    if (job.state !== 'completed' || archiveUri === undefined) throw failed(target, job);
    const file = await fetch(archiveUri, target);
    if (file !== undefined) return { file, job: name };
    if (!found) throw failed(target, { ...job, reason: `it left nothing at ${archiveUri}` });
    onProgress(`${target}: the archive of ${name} is not there any more, compiling it again`);
  }
  throw new VedetteError(
    'MODEL_COMPILATION_FAILED',
    `target '${target}': ${MAX_JOBS} jobs from ${request.name} on have failed or lost their archives; look at the first of them`,
  );
}

async function waitUntilEnded(
  compiler: ModelCompiler,
  target: string,
  begun: CompilationJob,
  { attempts, intervalMs }: Polling,
  onProgress: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<CompilationJob> {
  let job = begun;
  let told = '';
  for (let attempt = 0; ; attempt += 1) {
    if (told !== job.says) onProgress(`${target}: ${job.name} is ${job.says}`);
    told = job.says;
    if (job.state !== 'waiting') return job;
    if (attempt >= attempts) {
      throw new VedetteError(
        'MODEL_COMPILATION_RUNNING',
        `target '${target}': ${job.name} is ${job.says} after ${(attempts * intervalMs) / 1000} s`,
        { details: { target, job: job.name, state: job.says } },
      );
    }
    const wait = Math.min(intervalMs, FIRST_INTERVAL_MS * 2 ** Math.min(attempt, 20));
    await pause(wait, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
    job = (await compiler.find(job.name)) ?? job;
  }
}

function failed(target: string, { name, says, reason }: CompilationJob): VedetteError {
  return new VedetteError(
    'MODEL_COMPILATION_FAILED',
    `target '${target}': ${name} is ${says}: ${reason ?? 'without a reason'}`,
    { details: { target, job: name, state: says, ...(reason === undefined ? {} : { reason }) } },
  );
}
