import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { VedetteError } from '../contract/errors.ts';
import type { Notice, RegistryModel } from '../contract/ports.ts';

/** What could still be read from a damaged database and must not begin anew. */
export interface Salvage {
  readonly cameras: readonly { name: string; config: string | null; lastSequence: number }[];
  readonly models: readonly RegistryModel[];
  /** Sequence numbers of messages: a receiver must not see one twice. */
  readonly messages: readonly { camera: string; lastSequence: number }[];
}

/** Renames a damaged database with its log to a name with the time; nothing is deleted. */
export function setDatabaseAside(file: string): string {
  const aside = asideName(file, 'corrupt');
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
  syncFolder(dirname(file));
  return aside;
}

/** The same for a write-ahead log alone, whose database may be sound. */
export function setLogAside(file: string): string {
  const aside = `${asideName(file, 'corrupt')}-wal`;
  renameSync(`${file}-wal`, aside);
  syncFolder(dirname(file));
  return aside;
}

function asideName(file: string, reason: string): string {
  const time = new Date().toISOString().replaceAll(/[:.]/g, '-');
  return join(dirname(file), `registry-${reason}-${time}.db`);
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function corruptNotice(what: string, aside: string, consequence: string): Notice {
  const message = `${what}; set aside as ${aside}, ${consequence}`;
  const error = new VedetteError('REGISTRY_CORRUPT', message, { details: { file: aside } });
  return { atMs: Date.now(), level: 'error', error: error.serialize() };
}

/** What the database that was set aside last still gives; nothing when there is none. */
export function salvageNewest(folder: string): Salvage {
  const newest = readdirSync(folder)
    .filter((name) => /^registry-corrupt-.*\.db$/.test(name))
    .sort()
    .at(-1);
  return newest === undefined
    ? { cameras: [], models: [], messages: [] }
    : salvage(join(folder, newest));
}

/**
 * Cameras with their counters and models of a damaged database, as far as they can be read. Probes
 * are left behind: trust in a model is cheap to earn again and dear to get wrong.
 */
function salvage(file: string): Salvage {
  try {
    const db = new SqliteDatabase(file, { readonly: true, fileMustExist: true });
    try {
      // A file cut short is refused as a whole, unless the reader says that it knows.
      db.unsafeMode();
      db.pragma('writable_schema = ON');
      return {
        cameras: readable(() =>
          db
            .prepare<[], Salvage['cameras'][number]>(
              'SELECT name, config, last_sequence AS lastSequence FROM cameras',
            )
            .all()
            .filter(({ name, lastSequence }) => name !== '' && lastSequence >= 0),
        ),
        models: readable(() =>
          db
            .prepare<[], RegistryModel>(
              'SELECT name, version, variant, sha256, manifest FROM models ORDER BY last_seen_at_ms',
            )
            .all(),
        ),
        messages: readable(() =>
          db
            .prepare<[], Salvage['messages'][number]>(
              'SELECT camera, last_sequence AS lastSequence FROM outbox_cameras',
            )
            .all()
            .filter(({ camera, lastSequence }) => camera !== '' && lastSequence >= 0),
        ),
      };
    } finally {
      db.close();
    }
  } catch {
    return { cameras: [], models: [], messages: [] };
  }
}

function readable<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
