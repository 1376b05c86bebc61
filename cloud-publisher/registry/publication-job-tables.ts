import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Times are milliseconds since 1970; `command` and `outcome` are JSON. */
export interface PublicationJobTables {
  publication_jobs: {
    id: string;
    /** What servers must have in common to carry on each other's. */
    settings: string;
    source: string;
    command: string;
    input: string | null;
    state: 'waiting' | 'running' | 'done' | 'failed';
    /** How often it was begun. */
    attempts: number;
    lease_owner: string;
    lease_until_ms: number;
    asked_at_ms: number;
    began_at_ms: number | null;
    ended_at_ms: number | null;
    outcome: string | null;
    error: string | null;
  };
}

export const PUBLICATION_JOBS_MIGRATION: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('publication_jobs')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('settings', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('command', 'text', (column) => column.notNull())
      .addColumn('input', 'text')
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('lease_owner', 'text', (column) => column.notNull())
      .addColumn('lease_until_ms', 'bigint', (column) => column.notNull())
      .addColumn('asked_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('began_at_ms', 'bigint')
      .addColumn('ended_at_ms', 'bigint')
      .addColumn('outcome', 'text')
      .addColumn('error', 'text')
      .execute();
    await db.schema
      .createIndex('publication_jobs_open')
      .on('publication_jobs')
      .columns(['state', 'asked_at_ms'])
      .execute();
  },
};
