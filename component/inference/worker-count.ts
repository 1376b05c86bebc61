import { availableParallelism } from 'node:os';
import type { ModelConfig } from '../contract/model-config.ts';

/** More would take memory for the model's weights each, on large machines with one model. */
const MOST_BY_ITSELF = 8;

/**
 * Workers of a model: as many as are set; `auto`: the processors that this process may use (limits of
 * its control group counted), divided by the number of models and the threads of a worker, 1 to 8.
 * @param models that share the machine
 */
export function workerCount(
  { workers, threadsPerWorker }: Pick<ModelConfig, 'workers' | 'threadsPerWorker'>,
  models: number,
  processors = availableParallelism(),
): number {
  if (workers !== 'auto') return workers;
  const share = Math.floor(processors / models / threadsPerWorker);
  return Math.min(MOST_BY_ITSELF, Math.max(1, share));
}
