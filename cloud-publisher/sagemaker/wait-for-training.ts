import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import type { Polling } from '../publication/wait-until-deployable.ts';
import type { TrainingJob, TrainingJobs } from './training-jobs.ts';

const FIRST_INTERVAL_MS = 250;

/**
 * Asks until a training job is completed.
 * @returns `s3://…` of its output
 * @throws VedetteError TRAINING_JOB_NOT_FOUND, TRAINING_JOB_FAILED with SageMaker's reason,
 * TRAINING_JOB_RUNNING when it takes longer
 */
export async function waitForTraining(
  jobs: TrainingJobs,
  name: string,
  { attempts, intervalMs }: Polling,
  onState: (says: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  let told = '';
  for (let attempt = 0; ; attempt += 1) {
    const job = await jobs.training(name);
    if (!job) {
      throw new VedetteError('TRAINING_JOB_NOT_FOUND', `there is no training job '${name}'`);
    }
    if (job.says !== told) onState(job.says);
    told = job.says;
    if (job.state !== 'running') return modelOf(job);
    if (attempt >= attempts) {
      throw new VedetteError(
        'TRAINING_JOB_RUNNING',
        `training job '${name}' is ${job.says} after ${(attempts * intervalMs) / 1000} s`,
        { details: { trainingJob: name, state: job.says } },
      );
    }
    const wait = Math.min(intervalMs, FIRST_INTERVAL_MS * 2 ** Math.min(attempt, 20));
    await pause(wait, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

function modelOf({ name, state, says, reason, modelUri }: TrainingJob): string {
  if (state === 'completed' && modelUri !== undefined) return modelUri;
  const why = state === 'completed' ? 'it left no model' : (reason ?? 'without a reason');
  throw new VedetteError('TRAINING_JOB_FAILED', `training job '${name}' is ${says}: ${why}`, {
    details: { trainingJob: name, state: says },
  });
}
