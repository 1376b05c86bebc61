import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { VedetteError } from '../contract/errors.ts';
import type { SerializedError } from '../contract/errors.ts';
import type { ExecutionProvider, ModelManifest } from '../contract/model-manifest.ts';
import { childEnvironment } from './child-environment.ts';
import { entryFile } from '../contract/entry-file.ts';
import type { ExecutionSetup } from './execution/execution-setup.ts';
import { modelSetup } from './model-setup.ts';
import type { ModelSetup } from './model-setup.ts';
import type { ModelPackage } from './package/read-package.ts';
import { isOutOfMemory } from './runtime-error.ts';

export interface ProbeLimits {
  /** Memory for the model, beyond what the process itself needs. */
  readonly memoryMegabytes: number;
  readonly timeoutMs: number;
  readonly threads: number;
  readonly maxImagePixels: number;
  /** Pictures that a run takes at most; 1 when absent. */
  readonly maxBatch?: number;
  /** The CPU with the library of `onnxruntime-node` when absent. */
  readonly execution?: ExecutionSetup;
  /** Further runs whose time is measured; none when absent. */
  readonly measuredRuns?: number;
  /** At a low priority, beside models that work. */
  readonly isAside?: boolean;
}

export interface ProbeReport {
  readonly loadMs: number;
  /** Where most of the first run's time was spent. */
  readonly executionProvider: ExecutionProvider;
  readonly firstRunMs: number;
  /** Of the measured runs, without the first run. */
  readonly medianRunMs?: number;
  /** Largest resident memory of the whole probe process. */
  readonly memoryMegabytes: number;
  /** What of it came with the model. */
  readonly modelMegabytes: number;
  /** Whether a thread of this user that lowered its priority may raise it again. */
  readonly mayComeBack: boolean;
}

/** What the child is told, and what it tells. */
export interface ProbeOrder {
  readonly setup: ModelSetup;
  readonly folder: string;
  readonly golden: ModelManifest['golden'];
  readonly memoryMegabytes: number;
  readonly measuredRuns: number;
  readonly isAside: boolean;
}
export type FromProbe =
  | { readonly kind: 'stage'; readonly stage: string }
  | ({ readonly kind: 'passed' } & ProbeReport)
  | { readonly kind: 'refused'; readonly error: SerializedError };

const MAX_STDERR_BYTES = 4096;

/**
 * Tries a model in a child process: load, one run on a made-up picture, outputs decoded, golden
 * pictures compared. Whatever the model does, this settles within the time-out and leaves no child.
 * @throws VedetteError MODEL_LOAD_FAILED, MODEL_FILE_INVALID, MODEL_MEMORY_EXCEEDED, OUTPUT_INVALID,
 * INFERENCE_FAILED, INFERENCE_TIMEOUT (naming the stage), MODEL_PROBE_FAILED (it crashed, or golden
 * pictures differ), SHUTTING_DOWN when `signal` is aborted
 */
export async function runProbe(
  model: ModelPackage,
  limits: ProbeLimits,
  signal?: AbortSignal,
): Promise<ProbeReport> {
  signal?.throwIfAborted();
  const child = fork(fileURLToPath(entryFile('probe', import.meta.url)), {
    execArgv: [],
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const abort = () => void child.kill('SIGKILL');
  signal?.addEventListener('abort', abort, { once: true });
  let hasTimedOut = false;
  const timer = setTimeout(() => {
    hasTimedOut = true;
    child.kill('SIGKILL');
  }, limits.timeoutMs);
  try {
    const end = await converse(child, {
      setup: modelSetup(
        model,
        limits.threads,
        limits.maxImagePixels,
        limits.maxBatch,
        limits.execution,
      ),
      folder: model.folder,
      golden: model.manifest.golden,
      memoryMegabytes: limits.memoryMegabytes,
      measuredRuns: limits.measuredRuns ?? 0,
      isAside: limits.isAside ?? false,
    });
    if (end.last?.kind === 'passed') {
      const { kind: _, ...report } = end.last;
      return report;
    }
    if (signal?.aborted) throw new VedetteError('SHUTTING_DOWN', 'the probe was stopped');
    throw failure(end, hasTimedOut, model, limits);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

interface ProbeEnd {
  readonly last: FromProbe | undefined;
  readonly stage: string;
  readonly exit: string;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

function converse(child: ChildProcess, order: ProbeOrder): Promise<ProbeEnd> {
  return new Promise((resolve, reject) => {
    let last: FromProbe | undefined;
    let stage = 'starting the process';
    let stderr = '';
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR_BYTES);
    });
    child.on('message', (message: FromProbe) => {
      last = message;
      if (message.kind === 'stage') stage = message.stage;
    });
    child.once('error', (error) =>
      reject(
        new VedetteError('MODEL_PROBE_FAILED', `the probe process failed: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    child.once('close', (code, signal) => {
      const exit = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      resolve({ last, stage, exit, signal, stderr: stderr.trim() });
    });
    // A child that died at once is reported by 'close'.
    child.send(order, () => undefined);
  });
}

function failure(
  end: ProbeEnd,
  hasTimedOut: boolean,
  model: ModelPackage,
  limits: ProbeLimits,
): VedetteError {
  const { name } = model.manifest;
  const details = { model: name, stage: end.stage, ...(end.stderr ? { stderr: end.stderr } : {}) };
  const memoryExceeded = (cause: string) =>
    new VedetteError(
      'MODEL_MEMORY_EXCEEDED',
      `model '${name}' needed more than ${limits.memoryMegabytes} MB of memory in ${end.stage}: ${cause}`,
      { details: { ...details, memoryMegabytes: limits.memoryMegabytes } },
    );
  if (end.last?.kind === 'refused') {
    const error = VedetteError.deserialize(end.last.error);
    return isOutOfMemory(error.message) ? memoryExceeded(error.message) : error;
  }
  if (hasTimedOut) {
    return new VedetteError(
      'INFERENCE_TIMEOUT',
      `model '${name}' was tried for ${limits.timeoutMs} ms and had not finished ${end.stage}`,
      { details: { ...details, timeoutMs: limits.timeoutMs } },
    );
  }
  if (isOutOfMemory(end.stderr)) return memoryExceeded(tellingLine(end.stderr));
  if (end.signal === 'SIGKILL') {
    return memoryExceeded(
      'the probe process was killed, most likely by the kernel for want of memory',
    );
  }
  return new VedetteError(
    'MODEL_PROBE_FAILED',
    `the probe process of model '${name}' ${end.exit} in ${end.stage}${end.stderr ? `: ${tellingLine(end.stderr)}` : ''}`,
    { details },
  );
}

/** The line of a dying process that says why: the first that speaks of an error, else the last one. */
function tellingLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /error|terminate|fatal/i.test(line)) ?? lines.at(-1) ?? '').trim();
}
