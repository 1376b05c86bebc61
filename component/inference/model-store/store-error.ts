import { VedetteError } from '../../contract/errors.ts';

/** A refusal of the file system as STORAGE_FULL or MODEL_STORE_UNAVAILABLE; others stay as they are. */
export function storeError(thrown: unknown, what: string): unknown {
  if (thrown instanceof VedetteError || !(thrown instanceof Error)) return thrown;
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return thrown;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new VedetteError(
    isFull ? 'STORAGE_FULL' : 'MODEL_STORE_UNAVAILABLE',
    `${what}: ${isFull ? 'no space is left' : thrown.message}`,
    { cause: thrown, details: { systemCode: code } },
  );
}

/** For `catch`: `undefined` where there is nothing; any other refusal of the file system is thrown on. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (isAbsence(error)) return undefined;
  throw error;
}

export const isAbsence = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
