import { VedetteError } from '../../component/contract/errors.ts';
import type { Polling } from '../publication/wait-until-deployable.ts';
import type { SourceOptions } from './model-package.ts';
import type { DestinationOptions } from './open-destination.ts';

/** Of `vedette publish model --profile dda`. */
export interface DdaOptions {
  readonly target?: readonly string[];
  readonly compiled?: readonly string[];
  readonly friendlyName?: string;
  readonly ddaRelease: string;
  readonly usecaseId?: string;
  readonly trainingId?: string;
  readonly createdBy?: string;
  readonly compileRole?: string;
  readonly compileOutput?: string;
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
export const pollingOf = ({ waitSeconds }: Pick<PublishModelOptions, 'waitSeconds'>): Polling =>
  pollingFor('--wait-seconds', waitSeconds, 86_400, POLL_INTERVAL_MS);

/** @throws VedetteError REQUEST_INVALID */
export function pollingFor(
  option: string,
  text: string,
  maxSeconds: number,
  intervalMs: number,
): Polling {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > maxSeconds) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `${option} is '${text}', expected 0 to ${maxSeconds}`,
    );
  }
  return { intervalMs, attempts: Math.ceil((seconds * 1000) / intervalMs) };
}
