import { VedetteError } from '../contract/errors.ts';

export function toStorageError(thrown: unknown, what: string): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new VedetteError(isFull ? 'STORAGE_FULL' : 'REGISTRY_UNAVAILABLE', `${what}: ${message}`, {
    cause: thrown,
    details: { systemCode: code },
  });
}
