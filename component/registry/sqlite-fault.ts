import { statfsSync } from 'node:fs';
import { VedetteError } from '../contract/errors.ts';

/** Less free space than this makes a failed write a full disk: SQLite reports some of them as I/O errors. */
const FULL_BELOW_BYTES = 65_536;

export function sqliteCode(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** SQLite found that the file is damaged or no database. */
export function isCorruption(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

/** The storage refused, not the data: the same rows may be written later. */
export function isStorageFault(thrown: unknown): boolean {
  return /^SQLITE_(FULL|IOERR|BUSY|LOCKED|CANTOPEN|READONLY|NOMEM|PROTOCOL)/.test(
    sqliteCode(thrown),
  );
}

/** A fault of SQLite as STORAGE_FULL or REGISTRY_UNAVAILABLE; a VedetteError stays as it is. */
export function toRegistryError(thrown: unknown, folder: string, what: string): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const code = sqliteCode(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { sqliteCode: code, folder };
  const isFull =
    code === 'SQLITE_FULL' ||
    code === 'ENOSPC' ||
    (code.startsWith('SQLITE_IOERR') && freeBytes(folder) < FULL_BELOW_BYTES);
  if (isFull) {
    return new VedetteError('STORAGE_FULL', `${what}: no space left in ${folder} (${message})`, {
      cause: thrown,
      details,
    });
  }
  // What is neither the file's nor the system's refusal is a defect in a statement.
  const isRefusal =
    isStorageFault(thrown) ||
    isCorruption(thrown) ||
    typeof (thrown as NodeJS.ErrnoException).syscall === 'string';
  return new VedetteError(
    isRefusal ? 'REGISTRY_UNAVAILABLE' : 'INTERNAL',
    `${what}: ${message} (${code})`,
    { cause: thrown, details },
  );
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
