import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { RuntimeConfig } from '../contract/config.ts';
import { modelConfigSchema } from '../contract/model-config.ts';
import type { ScoreThresholds } from '../contract/ports.ts';
import { VedetteError } from '../contract/errors.ts';
import { openPackage } from '../inference/open-package.ts';
import type { ModelPackage } from '../inference/package/read-package.ts';
import { PictureRunner } from '../inference/picture-runner.ts';
import type { CommandContext } from './command-context.ts';
import { openStore, withStoreOptions } from './model-install.ts';
import type { StoreOptions } from './model-install.ts';
import { labelScore, score, wholeNumber } from './option-values.ts';

/** Options of commands that run a model on pictures. */
export interface RunnerOptions extends StoreOptions {
  readonly workers?: number;
  readonly threads: number;
}

export interface ThresholdOptions {
  readonly threshold?: number;
  readonly labelThreshold?: Readonly<Record<string, number>>;
}

/** How models are named on the command line. */
export const MODEL_ARGUMENT =
  'package (a folder, zip, tar or tar.gz), ONNX file, or an installed name@version';

/** @param json what `--json` prints */
export function withRunnerOptions(command: Command, json: string): Command {
  return withStoreOptions(command, json)
    .option('--workers <n>', 'workers that run at once', wholeNumber(1, 64))
    .option('--threads <n>', 'threads of ONNX Runtime in each worker', wholeNumber(1, 64), 1);
}

export const withThresholdOptions = (command: Command): Command =>
  command
    .option('--threshold <score>', "score threshold in place of the model's own", score)
    .option('--label-threshold <label=score>', 'the same for one label; repeatable', labelScore);

/** @throws VedetteError REQUEST_INVALID for a label that the model does not have */
export function thresholdsOf(
  { threshold, labelThreshold = {} }: ThresholdOptions,
  { labels }: ModelPackage,
): ScoreThresholds {
  requireLabels(Object.keys(labelThreshold), labels, '--label-threshold');
  return { ...(threshold === undefined ? {} : { score: threshold }), labels: labelThreshold };
}

/** @throws VedetteError REQUEST_INVALID naming what the model has */
export function requireLabels(
  wanted: readonly string[],
  labels: readonly string[],
  option: string,
): void {
  const unknown = wanted.filter((label) => !labels.includes(label));
  if (labels.length === 0 || unknown.length === 0) return;
  const known = labels.length > 20 ? `${labels.slice(0, 20).join(', ')}, …` : labels.join(', ');
  throw new VedetteError(
    'REQUEST_INVALID',
    `${option} names ${unknown.map((label) => `'${label}'`).join(', ')}; the model has the labels ${known}`,
  );
}

/** A model that is ready to judge pictures, and how to let go of it. */
export interface OpenRunner {
  readonly runner: PictureRunner;
  readonly model: ModelPackage;
  readonly config: RuntimeConfig;
  close(): Promise<void>;
}

export interface RunnerSettings {
  readonly variant?: string | undefined;
  /** When `--workers` is absent. */
  readonly defaultWorkers: number;
  /** Looks at the model before it is loaded, and gives back what is to be loaded. */
  readonly prepare?: (model: ModelPackage) => ModelPackage;
}

/** Workers for work whose single times are not looked at. */
export const manyWorkers = (): number => Math.min(4, availableParallelism());

/** @throws VedetteError of openPackage and PictureRunner.start */
export async function openRunner(
  named: string,
  options: RunnerOptions,
  settings: RunnerSettings,
  context: CommandContext,
): Promise<OpenRunner> {
  const { config, store } = await openStore(options, context);
  const opened = await openPackage(named, { variant: settings.variant, store });
  try {
    for (const guess of opened.guesses) context.stderr.write(`guessed: ${guess}\n`);
    const model = settings.prepare?.(opened.model) ?? opened.model;
    const limits = modelConfigSchema.parse({ package: named });
    const runner = await PictureRunner.start(model, {
      workers: options.workers ?? settings.defaultWorkers,
      threadsPerWorker: options.threads,
      maxImagePixels: config.limits.maxImagePixels,
      timeoutMs: limits.probeTimeoutMs,
      probeMemoryMegabytes: opened.isInstalled ? undefined : limits.probeMemoryMegabytes,
    });
    return { runner, model, config, close: () => closeRunner(runner, opened.release) };
  } catch (error) {
    await opened.release();
    throw error;
  }
}

async function closeRunner(runner: PictureRunner, release: () => Promise<void>): Promise<void> {
  const { isInsideRun } = await runner.close();
  await release();
  // A plain end would abort inside ONNX Runtime; what there was to say has been said by then.
  if (isInsideRun) process.once('exit', () => process.kill(process.pid, 'SIGKILL'));
}
