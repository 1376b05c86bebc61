import type { VedetteError } from '../contract/errors.ts';
import { WorkerPool } from './worker-pool.ts';
import type { WorkerPoolOptions } from './worker-pool.ts';

export interface PoolStart {
  readonly options: Omit<WorkerPoolOptions, 'onChange'>;
  readonly signal: AbortSignal;
  /** Told of the pool before anything of it runs. */
  readonly onCreated: (pool: WorkerPool) => void;
  /** Told of every change once a worker was ready. */
  readonly onChange: (pool: WorkerPool, fault: VedetteError | undefined) => void;
}

/**
 * Starts the workers of a model; resolves when the first one is ready.
 * @throws the fault of a worker when none of them gets ready the first time, the pool closed; the
 * event of `signal`, which leaves the pool to who aborted
 */
export async function startPool({
  options,
  signal,
  onCreated,
  onChange,
}: PoolStart): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', reject, { once: true });
  let wasReady = false;
  const pool: WorkerPool = new WorkerPool({
    ...options,
    onChange: (fault) => {
      if (!wasReady && pool.readyWorkers === 0) {
        if (fault) reject(fault);
        return;
      }
      wasReady = true;
      resolve();
      onChange(pool, fault);
    },
  });
  onCreated(pool);
  pool.start();
  try {
    await promise;
  } catch (error) {
    if (!signal.aborted) await pool.close(0);
    throw error;
  } finally {
    signal.removeEventListener('abort', reject);
  }
}
