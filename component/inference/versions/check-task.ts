import { VedetteError } from '../../contract/errors.ts';
import type { ModelPackage } from '../package/read-package.ts';

/**
 * @param active the package that runs, once it was read
 * @throws VedetteError MODEL_MISMATCH
 */
export function checkTask(active: ModelPackage | undefined, { manifest }: ModelPackage): void {
  const running = active?.manifest.task;
  if (running === undefined || running === manifest.task) return;
  throw new VedetteError(
    'MODEL_MISMATCH',
    `${manifest.name} ${manifest.version} is for ${manifest.task}, the version that runs for ${running}: rules of one do not fit the other`,
    { details: { task: manifest.task, runningTask: running } },
  );
}
