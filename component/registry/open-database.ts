import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import type { Notice } from '../contract/ports.ts';
import { migrate, refuseNewerVersion } from './migrations/migrate.ts';
import type { Salvage } from './set-aside.ts';
import { corruptNotice, salvageNewest, setDatabaseAside, setLogAside } from './set-aside.ts';
import { isCorruption } from './sqlite-fault.ts';

export const DATABASE_NAME = 'registry.db';
const SUSPECT_NAME = 'registry.suspect';
const MEBIBYTE = 1024 * 1024;
/** A full check reads everything twice; about two seconds for this much on a small device. */
const FULL_CHECK_MAX_BYTES = 256 * MEBIBYTE;
const QUICK_CHECK_MAX_BYTES = 1024 * MEBIBYTE;

export interface OpenedDatabase {
  readonly db: Database;
  readonly notices: readonly Notice[];
  /**
   * Present until the first transaction (`begun_at_ms` in `meta`), which takes over what is here:
   * a crash in between must not lose it.
   */
  readonly begins?: { readonly salvage: Salvage };
}

/**
 * Opens the database of a data folder, checked and with its schema up to date. A damaged one is
 * set aside and reported, never deleted.
 * @throws VedetteError REGISTRY_TOO_NEW; errors of SQLite and the file system as they come
 */
export function openDatabase(dataFolder: string): OpenedDatabase {
  const file = join(dataFolder, DATABASE_NAME);
  const suspectFile = join(dataFolder, SUSPECT_NAME);
  const notices: Notice[] = [];
  const putAside = (problem: string) => {
    const aside = setDatabaseAside(file);
    notices.push(corruptNotice(`${file}: ${problem}`, aside, 'a new database was begun'));
    rmSync(suspectFile, { force: true });
  };

  refuseNewerVersion(headerVersion(file), file);
  if (existsSync(suspectFile)) putAside('SQLite found damage while it was in use');
  const wasUnclean = sizeOf(`${file}-wal`) > 0;
  if (hasDamagedLog(`${file}-wal`)) {
    const aside = setLogAside(file);
    notices.push(
      corruptNotice(
        `${file}-wal has no valid header`,
        aside,
        'results since its last checkpoint are missing',
      ),
    );
  }
  const problem = findDamage(file, wasUnclean);
  if (problem !== undefined) putAside(problem);
  const db = connect(file);
  try {
    migrate(db);
    const hasBegun = db.prepare(`SELECT 1 FROM meta WHERE key = 'begun_at_ms'`).get() !== undefined;
    return { db, notices, ...(hasBegun ? {} : { begins: { salvage: salvageNewest(dataFolder) } }) };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/**
 * Looks at the database of a data folder without changing anything; the runtime may be using it.
 * @returns 0 bytes when there is none yet
 * @throws VedetteError REGISTRY_TOO_NEW; errors of SQLite and the file system as they come
 */
export function checkRegistry(dataFolder: string): {
  readonly bytes: number;
  readonly problem: string | undefined;
} {
  const file = join(dataFolder, DATABASE_NAME);
  refuseNewerVersion(headerVersion(file), file);
  return { bytes: sizeOf(file), problem: findDamage(file, false) };
}

/** After SQLite reported damage in use: the next opening sets the file aside whatever a check says. */
export function markSuspect(dataFolder: string): void {
  writeFileSync(join(dataFolder, SUSPECT_NAME), '');
}

function connect(file: string): Database {
  const db = new SqliteDatabase(file, { timeout: 2000 });
  try {
    // Decided in a new file, for ever: freed pages can be given back to the disk.
    if (sizeOf(file) === 0) db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('journal_size_limit = 33554432');
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/**
 * What is wrong with the file, if anything. Looked at through a connection that cannot write: one
 * that can would play the log into a damaged file when it is closed.
 */
function findDamage(file: string, wasUnclean: boolean): string | undefined {
  if (sizeOf(file) === 0) return undefined;
  let db: Database | undefined;
  try {
    db = new SqliteDatabase(file, { readonly: true, timeout: 2000 });
    return checkIntegrity(db, wasUnclean);
  } catch (thrown) {
    if (isCorruption(thrown)) return (thrown as Error).message;
    throw thrown;
  } finally {
    db?.close();
  }
}

/**
 * The first problem found, or nothing. How thorough depends on the size, so that a start stays
 * bounded: an unclean end is followed by a full check up to 256 MiB and a quick one up to 1 GiB.
 * Beyond that the large tables are left to be checked by use (see `markSuspect`).
 */
function checkIntegrity(db: Database, wasUnclean: boolean): string | undefined {
  const bytes = pragmaNumber(db, 'page_count') * pragmaNumber(db, 'page_size');
  if (bytes <= QUICK_CHECK_MAX_BYTES) {
    const isFull = wasUnclean && bytes <= FULL_CHECK_MAX_BYTES;
    return firstProblem(db, isFull ? 'integrity_check(1)' : 'quick_check(1)');
  }
  const small = ['sqlite_schema', 'meta', 'cameras', 'models', 'probes', 'captures'];
  for (const table of small) {
    const problem = firstProblem(db, `quick_check(${table})`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function firstProblem(db: Database, check: string): string | undefined {
  const answer = String(db.pragma(check, { simple: true }));
  return answer === 'ok' ? undefined : answer;
}

function pragmaNumber(db: Database, name: string): number {
  return Number(db.pragma(name, { simple: true }));
}

/** `user_version` as the header holds it, read without opening (and so changing) anything. */
function headerVersion(file: string): number {
  const header = firstBytes(file, 64);
  return header.length === 64 && header.toString('latin1', 0, 15) === 'SQLite format 3'
    ? header.readInt32BE(60)
    : 0;
}

/**
 * SQLite takes a log without a valid header for an empty one and overwrites it without a word.
 * The header is written before anything else, so a log with frames must have one.
 * Format: https://www.sqlite.org/fileformat2.html#walformat
 */
function hasDamagedLog(file: string): boolean {
  if (sizeOf(file) <= 32) return false;
  const header = firstBytes(file, 32);
  const magic = header.readUInt32BE(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return true;
  const read = (offset: number) =>
    magic === 0x377f0683 ? header.readUInt32BE(offset) : header.readUInt32LE(offset);
  let s0 = 0;
  let s1 = 0;
  for (let offset = 0; offset < 24; offset += 8) {
    s0 = (s0 + read(offset) + s1) >>> 0;
    s1 = (s1 + read(offset + 4) + s0) >>> 0;
  }
  return s0 !== header.readUInt32BE(24) || s1 !== header.readUInt32BE(28);
}

function firstBytes(file: string, count: number): Buffer {
  if (!existsSync(file)) return Buffer.alloc(0);
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, count, 0));
  } finally {
    closeSync(descriptor);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
