import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { VedetteError } from '../contract/errors.ts';
import { sqliteCode } from './sqlite-fault.ts';

/**
 * Exclusive use of a data folder: an open exclusive transaction on a database of its own. The
 * kernel drops the lock with the process, however it ends, so there is nothing stale to clean up.
 */
export class FolderLock {
  readonly #db: SqliteDatabase.Database;

  private constructor(db: SqliteDatabase.Database) {
    this.#db = db;
  }

  /** @throws VedetteError DATA_FOLDER_LOCKED */
  static acquire(dataFolder: string): FolderLock {
    const holderFile = join(dataFolder, 'vedette.pid');
    const db = new SqliteDatabase(join(dataFolder, 'vedette.lock'), { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
    } catch (thrown) {
      db.close();
      if (!/^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(thrown))) throw thrown;
      const holder = readHolder(holderFile);
      throw new VedetteError(
        'DATA_FOLDER_LOCKED',
        `${dataFolder} is in use by another Vedette process${holder === undefined ? '' : ` (process ${holder})`}`,
        { details: { dataFolder, ...(holder === undefined ? {} : { processId: holder }) } },
      );
    }
    try {
      writeFileSync(holderFile, String(process.pid));
    } catch {
      // Only a help for the message above; a full disk must not keep the registry closed.
    }
    return new FolderLock(db);
  }

  close(): void {
    this.#db.close();
  }
}

function readHolder(file: string): number | undefined {
  try {
    const processId = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(processId) && processId > 0 ? processId : undefined;
  } catch {
    return undefined;
  }
}
