import { VedetteError } from '../../component/contract/errors.ts';
import type { Polling } from '../publication/wait-until-deployable.ts';
import type { DestinationOptions } from './open-destination.ts';
import type { SourceOptions } from './model-package.ts';

/** Of `vedette publish model --profile dda`. */
export interface DdaOptions {
  readonly target?: readonly string[];
  readonly compiled?: readonly string[];
  readonly friendlyName?: string;
  readonly ddaRelease: string;
  readonly usecaseId?: string;
  readonly trainingId?: string;
  readonly createdBy?: string;
}

export interface PublishModelOptions extends SourceOptions, DestinationOptions, DdaOptions {
  readonly profile: string;
  readonly component?: string;
  readonly runtime?: string;
  readonly dryRun?: boolean;
  readonly state?: string;
  readonly waitSeconds: string;
}

const POLL_INTERVAL_MS = 2000;

/** @throws VedetteError REQUEST_INVALID */
export function pollingOf({ waitSeconds }: Pick<PublishModelOptions, 'waitSeconds'>): Polling {
  const seconds = Number(waitSeconds);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 86_400) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `--wait-seconds is '${waitSeconds}', expected 0 to 86400`,
    );
  }
  const intervalMs = POLL_INTERVAL_MS;
  return { intervalMs, attempts: Math.ceil((seconds * 1000) / intervalMs) };
}
