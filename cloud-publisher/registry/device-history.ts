import type { Kysely } from 'kysely';
import { statement } from './open-database.ts';
import type { RecordTables } from './records-schema.ts';

export interface DeviceDeployment {
  readonly thing: string;
  readonly deploymentId: string;
  readonly rolloutId: string;
  readonly step: number;
  readonly outcome: string;
  readonly atMs: number;
}

const ROWS_AT_ONCE = 500;

/** What ran where and when, as far as roll-outs from here brought it. */
export class DeviceHistory {
  readonly #db: Kysely<RecordTables>;

  constructor(db: Kysely<RecordTables>) {
    this.#db = db;
  }

  /** Written once for a deployment on a device; the same again changes nothing. */
  async record(rows: readonly DeviceDeployment[]): Promise<void> {
    if (rows.length === 0) return;
    await statement(() =>
      this.#db.transaction().execute(async (db) => {
        for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
          const part = rows.slice(at, at + ROWS_AT_ONCE);
          await db
            .insertInto('device_deployments')
            .values(
              part.map(({ thing, deploymentId, rolloutId, step, outcome, atMs }) => ({
                thing,
                deployment_id: deploymentId,
                rollout_id: rolloutId,
                step,
                outcome,
                at_ms: atMs,
              })),
            )
            .onConflict((one) => one.columns(['thing', 'deployment_id']).doNothing())
            .execute();
        }
      }),
    );
  }

  /** Newest first. */
  async of(thing: string): Promise<(DeviceDeployment & { readonly rollout: string })[]> {
    const rows = await statement(() =>
      this.#db
        .selectFrom('device_deployments')
        .innerJoin('rollouts', 'rollouts.id', 'device_deployments.rollout_id')
        .select(['thing', 'deployment_id', 'rollout_id', 'step', 'outcome', 'at_ms', 'name'])
        .where('thing', '=', thing)
        .orderBy('at_ms', 'desc')
        .execute(),
    );
    return rows.map((row) => ({
      thing: row.thing,
      deploymentId: row.deployment_id,
      rolloutId: row.rollout_id,
      rollout: row.name,
      step: row.step,
      outcome: row.outcome,
      atMs: row.at_ms,
    }));
  }
}
