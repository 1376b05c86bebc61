import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { PublicationState } from '../publication/publish-component.ts';
import { PUBLICATION_JOBS_MIGRATION } from './publication-job-tables.ts';
import type { PublicationJobTables } from './publication-job-tables.ts';
import { REQUESTED_MIGRATION, ROLLOUT_MIGRATION, TOUCHED_MIGRATION } from './rollout-tables.ts';
import type { RolloutTables } from './rollout-tables.ts';

/** Times are milliseconds since 1970; `detail` and `error` are JSON. */
export interface RecordTables extends RolloutTables, PublicationJobTables {
  runs: {
    id: string;
    profile: string;
    source: string;
    destination: string;
    state: 'running' | 'done' | 'failed';
    error: string | null;
    began_at_ms: number;
    ended_at_ms: number | null;
  };
  phases: {
    run_id: string;
    position: number;
    phase: string;
    state: 'running' | 'done' | 'failed';
    detail: string | null;
    began_at_ms: number;
    ended_at_ms: number | null;
  };
  publications: {
    destination: string;
    component: string;
    version: string;
    content_sha256: string;
    state: PublicationState;
    client_token: string;
    updated_at_ms: number;
  };
  bundles: {
    name: string;
    version: string;
    sha256: string;
    /** Canonical JSON. */
    content: string;
    created_at_ms: number;
  };
}

/** Published entries never change. Written with the schema builder, so that they hold for PostgreSQL too. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-first': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('runs')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('profile', 'text', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('destination', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('error', 'text')
        .addColumn('began_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('ended_at_ms', 'bigint')
        .execute();
      await db.schema
        .createTable('phases')
        .addColumn('run_id', 'text', (column) => column.notNull().references('runs.id'))
        .addColumn('position', 'integer', (column) => column.notNull())
        .addColumn('phase', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('detail', 'text')
        .addColumn('began_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('ended_at_ms', 'bigint')
        .addPrimaryKeyConstraint('phases_key', ['run_id', 'position'])
        .execute();
      await db.schema
        .createTable('publications')
        .addColumn('destination', 'text', (column) => column.notNull())
        .addColumn('component', 'text', (column) => column.notNull())
        .addColumn('version', 'text', (column) => column.notNull())
        .addColumn('content_sha256', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('client_token', 'text', (column) => column.notNull())
        .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('publications_key', [
          'destination',
          'component',
          'version',
          'content_sha256',
        ])
        .execute();
    },
  },
  '002-bundles': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('bundles')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('version', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('bundles_key', ['name', 'version'])
        .execute();
    },
  },
  '003-rollouts': ROLLOUT_MIGRATION,
  '004-touched-devices': TOUCHED_MIGRATION,
  '005-requested-deployments': REQUESTED_MIGRATION,
  '006-publication-jobs': PUBLICATION_JOBS_MIGRATION,
};
