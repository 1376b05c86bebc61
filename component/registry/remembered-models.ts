import { existsSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { rememberedModelSchema } from '../contract/model-lifecycle.ts';
import type { RememberedModel } from '../contract/model-lifecycle.ts';
import { DATABASE_NAME } from './open-database.ts';
import { toRegistryError } from './sqlite-fault.ts';

/**
 * Which versions the registry of a data folder remembers, by model. Only read, so that it does not
 * matter whether a runtime has it open.
 * @throws VedetteError REGISTRY_UNAVAILABLE when it cannot be read
 */
export function rememberedModels(dataFolder: string): ReadonlyMap<string, RememberedModel> {
  const file = join(dataFolder, DATABASE_NAME);
  if (!existsSync(file)) return new Map();
  let db: Database | undefined;
  try {
    db = new SqliteDatabase(file, { readonly: true, timeout: 2000 });
    // One of an earlier Vedette has none until a runtime opens it.
    const table = db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'model_versions'`).get();
    if (table === undefined) return new Map();
    const rows = db
      .prepare<[], { model: string; remembered: string }>(
        'SELECT model, remembered FROM model_versions',
      )
      .all();
    return new Map(
      rows.map(({ model, remembered }) => [
        model,
        rememberedModelSchema.parse(JSON.parse(remembered)),
      ]),
    );
  } catch (thrown) {
    throw toRegistryError(thrown, dataFolder, `what runs could not be read from ${file}`);
  } finally {
    db?.close();
  }
}
