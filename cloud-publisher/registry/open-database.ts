import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Dialect } from 'kysely';
import pg from 'pg';
import { VedetteError } from '../../component/contract/errors.ts';
import { MIGRATIONS } from './records-schema.ts';
import type { RecordTables } from './records-schema.ts';

const RECORDS_FILE = 'records.db';
const BUSY_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 4;

const isPostgres = (place: string): boolean => /^postgres(ql)?:\/\//.test(place);

/** Where records are, for people: without a password. */
export function describePlace(place: string): string {
  if (!isPostgres(place)) return place;
  const { host, pathname } = URL.parse(place) ?? { host: '', pathname: '' };
  return `PostgreSQL at ${host}${pathname}`;
}

/**
 * Opens the publisher's records and brings their tables up to date: an SQLite file in a folder, or
 * PostgreSQL at `postgresql://user@host/database`. Several publishers may do so at once.
 * @throws VedetteError PUBLISHER_RECORDS_UNAVAILABLE
 */
export const openDatabase = (place: string): Promise<Kysely<RecordTables>> =>
  guarded(`${describePlace(place)} could not be opened`, async () => {
    const dialect = isPostgres(place) ? postgres(place) : await sqlite(place);
    const db = new Kysely<RecordTables>({ dialect });
    const provider = { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) };
    const { error } = await new Migrator({ db, provider }).migrateToLatest();
    if (error === undefined) return db;
    await db.destroy();
    throw error instanceof Error ? error : new Error(JSON.stringify(error));
  });

async function sqlite(folder: string): Promise<Dialect> {
  await mkdir(folder, { recursive: true });
  const database = new SqliteDatabase(join(folder, RECORDS_FILE), { timeout: BUSY_TIMEOUT_MS });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  return new SqliteDialect({ database });
}

function postgres(connectionString: string): Dialect {
  const pool = new pg.Pool({
    connectionString,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'vedette',
    // Times in milliseconds are far below 2^53, where numbers are exact.
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === pg.types.builtins.INT8
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection that breaks while nobody uses it: the next statement opens another one.
  pool.on('error', () => undefined);
  return new PostgresDialect({ pool });
}

const FULL = new Set(['SQLITE_FULL', 'ENOSPC', '53100']);

/** Errors of the database as coded ones. */
export async function guarded<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof VedetteError) throw error;
    const { message, code = '' } = error as NodeJS.ErrnoException;
    throw new VedetteError(
      FULL.has(code) ? 'STORAGE_FULL' : 'PUBLISHER_RECORDS_UNAVAILABLE',
      `${what}: ${message || code}`,
      { cause: error },
    );
  }
}

/** A statement on open records. */
export const statement = <T>(action: () => Promise<T>): Promise<T> =>
  guarded("the publisher's records could not be read or written", action);
