import { VedetteError } from '../contract/errors.ts';

/** What the operating system refused, as opposed to what Vedette found. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error &&
  !(error instanceof VedetteError) &&
  typeof (error as NodeJS.ErrnoException).code === 'string';

export const isMissing = (error: unknown): boolean =>
  isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/**
 * What the file system said about a camera's source, as CAMERA_SOURCE_MISSING (it is not there) or
 * CAMERA_SOURCE_FAILED (it is there and cannot be read). `what` names the source: `folder /data/in`.
 */
export function sourceError(error: unknown, what: string): VedetteError {
  if (error instanceof VedetteError) return error;
  if (isMissing(error)) {
    return new VedetteError('CAMERA_SOURCE_MISSING', `${what} does not exist`, { cause: error });
  }
  const cause = isSystemError(error) ? error.code : String(error);
  return new VedetteError('CAMERA_SOURCE_FAILED', `${what} cannot be read: ${cause}`, {
    cause: error,
  });
}
