import { VedetteError } from '../../component/contract/errors.ts';
import type { ModelStatus } from '../../component/contract/ports.ts';

/** Clients of the protocol know whole numbers only: the major number stands for the version. */
export function integerVersion(version: string): string {
  return version.split('.', 1)[0] ?? version;
}

/**
 * A device runs one version of a model. `versions/1` and `versions/1.4.0` both name 1.4.0.
 *
 * @throws VedetteError NOT_FOUND for another version than the one that runs
 */
export function checkVersion(model: ModelStatus, asked: string | undefined): void {
  const running = model.identity?.version;
  if (asked === undefined || running === undefined) return;
  if (asked === running || asked === integerVersion(running)) return;
  throw new VedetteError(
    'NOT_FOUND',
    `Model ${model.name} has no version ${JSON.stringify(asked.slice(0, 60))}; running is ` +
      `${integerVersion(running)} (${running})`,
  );
}
