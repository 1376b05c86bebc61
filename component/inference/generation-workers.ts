import type { AdmittedModel } from './admit-model.ts';
import type { ExecutionSetup } from './execution/execution-setup.ts';
import type { GenerationOptions } from './generation-options.ts';
import { modelSetup } from './model-setup.ts';
import type { StepAside } from './thread-priority.ts';
import { workerCount } from './worker-count.ts';
import type { WorkerPoolOptions } from './worker-pool.ts';

/** How many workers a version of a model has. */
export const generationWorkers = ({ isAside, config }: GenerationOptions): number =>
  isAside ? 1 : workerCount(config, 1);

/** The workers of a version that was admitted, their queue and their times. */
export function generationPool(
  options: GenerationOptions,
  admitted: AdmittedModel,
  execution: ExecutionSetup,
): Omit<WorkerPoolOptions, 'onExecution' | 'onChange'> {
  const { config, maxImagePixels, name } = options;
  const { threadsPerWorker, maxBatch } = config;
  const stepAside = stepAsideOf(options, admitted);
  return {
    name,
    setup: {
      ...modelSetup(admitted.model, threadsPerWorker, maxImagePixels, maxBatch, execution),
      ...(stepAside ? { stepAside } : {}),
    },
    workers: generationWorkers(options),
    queueLimits: { requests: config.queueLimit, bytes: config.queueMegabytes * 2 ** 20 },
    batchDelayMs: config.batchDelayMs,
    timeoutMs: config.timeoutMs,
    loadTimeoutMs: config.probeTimeoutMs,
  };
}

/** How they keep out of the way of those that judge frames. */
function stepAsideOf(
  { isAside }: GenerationOptions,
  { report }: AdmittedModel,
): StepAside | undefined {
  if (isAside) return 'always';
  return report?.mayComeBack ? 'loading' : undefined;
}
