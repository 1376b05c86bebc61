import type { WorkerJob } from './worker-protocol.ts';

/** Pictures that the model looks at for a job; of tensors the batch that they hold. */
export function jobCost(job: WorkerJob): number {
  if (job.kind === 'regions') return job.views.length;
  if (job.kind !== 'tensors') return 1;
  const [batch] = job.inputs[0]?.shape ?? [];
  return job.inputs[0]?.shape.length === 4 ? Math.max(1, batch ?? 1) : 1;
}

/** Jobs whose pictures may share a run with those of others. */
export const mayShare = (job: WorkerJob): boolean =>
  job.kind === 'picture' || job.kind === 'regions';

const REGIONS_PER_TIMEOUT = 100;

/** How many times the time-out an answer may take. */
export const timeoutsOf = (job: WorkerJob): number =>
  job.kind === 'regions' ? Math.ceil(job.views.length / REGIONS_PER_TIMEOUT) : 1;
