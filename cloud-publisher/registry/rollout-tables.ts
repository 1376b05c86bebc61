import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { RolloutState, StepState } from '../deployment/rollout.ts';

/** Times are milliseconds since 1970; `plan`, `baseline`, `reached`, `touched` and `detail` are JSON. */
export interface RolloutTables {
  rollouts: {
    id: string;
    name: string;
    account: string;
    region: string;
    file: string;
    state: RolloutState;
    reason: string;
    lease_owner: string | null;
    lease_until_ms: number;
    created_at_ms: number;
    updated_at_ms: number;
  };
  rollout_steps: {
    rollout_id: string;
    position: number;
    plan: string;
    state: StepState;
    client_token: string;
    deployment_id: string | null;
    baseline: string;
    reached: string;
    touched: string;
    began_at_ms: number | null;
    deployed_at_ms: number | null;
    requested_at_ms: number | null;
  };
  rollout_events: {
    rollout_id: string;
    position: number;
    at_ms: number;
    text: string;
  };
  /** What ran where and when: one row for each deployment that ended on a device. */
  device_deployments: {
    thing: string;
    deployment_id: string;
    rollout_id: string;
    step: number;
    outcome: string;
    at_ms: number;
  };
}

export const ROLLOUT_MIGRATION: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('rollouts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('account', 'text', (column) => column.notNull())
      .addColumn('region', 'text', (column) => column.notNull())
      .addColumn('file', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('lease_owner', 'text')
      .addColumn('lease_until_ms', 'bigint', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('rollout_steps')
      .addColumn('rollout_id', 'text', (column) => column.notNull().references('rollouts.id'))
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('plan', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('client_token', 'text', (column) => column.notNull())
      .addColumn('deployment_id', 'text')
      .addColumn('baseline', 'text', (column) => column.notNull())
      .addColumn('reached', 'text', (column) => column.notNull())
      .addColumn('began_at_ms', 'bigint')
      .addColumn('deployed_at_ms', 'bigint')
      .addPrimaryKeyConstraint('rollout_steps_key', ['rollout_id', 'position'])
      .execute();
    await db.schema
      .createTable('rollout_events')
      .addColumn('rollout_id', 'text', (column) => column.notNull().references('rollouts.id'))
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('rollout_events_key', ['rollout_id', 'position'])
      .execute();
    await db.schema
      .createTable('device_deployments')
      .addColumn('thing', 'text', (column) => column.notNull())
      .addColumn('deployment_id', 'text', (column) => column.notNull())
      .addColumn('rollout_id', 'text', (column) => column.notNull().references('rollouts.id'))
      .addColumn('step', 'integer', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('device_deployments_key', ['thing', 'deployment_id'])
      .execute();
  },
};

/** Steps of roll-outs that were under way have touched those that they reached, at the least. */
export const TOUCHED_MIGRATION: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('rollout_steps')
      .addColumn('touched', 'text', (column) => column.notNull().defaultTo('[]'))
      .execute();
    await (db as Kysely<RolloutTables>)
      .updateTable('rollout_steps')
      .set((row) => ({ touched: row.ref('reached') }))
      .execute();
  },
};

/** When a step's deployment was asked of AWS: from then on nobody can say that none will be made. */
export const REQUESTED_MIGRATION: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('rollout_steps').addColumn('requested_at_ms', 'bigint').execute();
    // Also of those that were being made with earlier records.
    await (db as Kysely<RolloutTables>)
      .updateTable('rollout_steps')
      .set((row) => ({ requested_at_ms: row.ref('began_at_ms') }))
      .where('state', '=', 'creating')
      .execute();
  },
};
