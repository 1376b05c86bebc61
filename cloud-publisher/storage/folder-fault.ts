import { VedetteError } from '../../component/contract/errors.ts';

/** A refusal of the file system as STORAGE_FULL or ARTIFACT_STORE_UNAVAILABLE; others stay as they are. */
export function folderFault(thrown: unknown, what: string): unknown {
  if (thrown instanceof VedetteError || !(thrown instanceof Error)) return thrown;
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return thrown;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new VedetteError(
    isFull ? 'STORAGE_FULL' : 'ARTIFACT_STORE_UNAVAILABLE',
    `${what}: ${isFull ? 'no space is left' : thrown.message}`,
    { cause: thrown, details: { systemCode: code } },
  );
}
