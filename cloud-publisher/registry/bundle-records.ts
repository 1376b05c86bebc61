import type { Kysely } from 'kysely';
import { VedetteError } from '../../component/contract/errors.ts';
import { bundleSha256, bundleText, parseBundle } from '../bundle/bundle-schema.ts';
import type { Bundle } from '../bundle/bundle-schema.ts';
import { canonicalJson } from '../recipe/canonical-json.ts';
import { sortVersions } from '../compatibility/version-range.ts';
import { nextPatch } from '../greengrass/compare-versions.ts';
import { statement } from './open-database.ts';
import type { RecordTables } from './records-schema.ts';

export interface StoredBundle {
  readonly bundle: Bundle;
  readonly sha256: string;
  readonly createdAtMs: number;
}

/** Bundles by name and version: added once, never changed. */
export class BundleRecords {
  readonly #db: Kysely<RecordTables>;

  constructor(db: Kysely<RecordTables>) {
    this.#db = db;
  }

  /**
   * Safe to repeat, and to do by several at once.
   * @returns whether it is new
   * @throws VedetteError BUNDLE_EXISTS when this version has other content
   */
  async add(bundle: Bundle): Promise<boolean> {
    const { name, version } = bundle;
    const sha256 = bundleSha256(bundle);
    const content = canonicalJson(bundle);
    const added = await statement(() =>
      this.#db
        .insertInto('bundles')
        .values({ name, version, sha256, content, created_at_ms: Date.now() })
        .onConflict((conflict) => conflict.columns(['name', 'version']).doNothing())
        .executeTakeFirst(),
    );
    if (added.numInsertedOrUpdatedRows === 1n) return true;
    const stored = await this.get(name, version);
    if (stored.sha256 === sha256) return false;
    const next = nextPatch(await this.versions(name));
    throw new VedetteError(
      'BUNDLE_EXISTS',
      `bundle ${bundleText(bundle)} exists already, with other content; the next free version is ${next}`,
      { details: { name, version, nextVersion: next } },
    );
  }

  /** @param version the newest when absent. @throws VedetteError BUNDLE_NOT_FOUND */
  async get(name: string, version?: string): Promise<StoredBundle> {
    const wanted = version ?? (await this.versions(name))[0];
    const row =
      wanted === undefined
        ? undefined
        : await statement(() =>
            this.#db
              .selectFrom('bundles')
              .selectAll()
              .where('name', '=', name)
              .where('version', '=', wanted)
              .executeTakeFirst(),
          );
    const what = `bundle ${name}${version === undefined ? '' : `@${version}`}`;
    if (!row) throw new VedetteError('BUNDLE_NOT_FOUND', `there is no ${what}`);
    const bundle = parseBundle(JSON.parse(row.content), what);
    return { bundle, sha256: row.sha256, createdAtMs: row.created_at_ms };
  }

  /** Newest first; none for an unknown one. */
  async versions(name: string): Promise<string[]> {
    const rows = await statement(() =>
      this.#db.selectFrom('bundles').select('version').where('name', '=', name).execute(),
    );
    return sortVersions(rows.map(({ version }) => version)).reverse();
  }

  /** Every version of every bundle, by name, newest first. */
  async list(): Promise<StoredBundle[]> {
    const rows = await statement(() =>
      this.#db.selectFrom('bundles').select(['name']).distinct().orderBy('name').execute(),
    );
    const stored: StoredBundle[] = [];
    for (const { name } of rows) {
      for (const version of await this.versions(name)) stored.push(await this.get(name, version));
    }
    return stored;
  }

  /** Bundles that hold a component version. */
  async using(component: string, version: string): Promise<string[]> {
    const all = await this.list();
    return all
      .filter(({ bundle }) => bundle.components[component]?.version === version)
      .map(({ bundle }) => bundleText(bundle));
  }
}
