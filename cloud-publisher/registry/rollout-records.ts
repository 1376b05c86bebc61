import type { Kysely } from 'kysely';
import { VedetteError } from '../../component/contract/errors.ts';
import type {
  PlannedStep,
  Rollout,
  RolloutState,
  RolloutStep,
  StepState,
} from '../deployment/rollout.ts';
import type { DeploymentFile } from '../deployment/deployment-file.ts';
import { BundleRecords } from './bundle-records.ts';
import { DeviceHistory } from './device-history.ts';
import { openDatabase, statement } from './open-database.ts';
import { PublicationJobRecords } from './publication-job-records.ts';
import type { RecordTables } from './records-schema.ts';
import { lineOf, newStep, rolloutOf, stepOf } from './rollout-rows.ts';
import type { RolloutLine } from './rollout-rows.ts';

export interface NewRollout {
  readonly id: string;
  readonly file: DeploymentFile;
  readonly account: string;
  readonly region: string;
  readonly steps: readonly PlannedStep[];
}

export interface StepChange {
  readonly state?: StepState;
  readonly deploymentId?: string;
  readonly baseline?: RolloutStep['baseline'];
  readonly reached?: readonly string[];
  readonly touched?: readonly string[];
  readonly beganAtMs?: number;
  readonly deployedAtMs?: number;
  readonly plan?: PlannedStep;
}

export interface RolloutEvent {
  /** Grows with each. */
  readonly position: number;
  readonly atMs: number;
  readonly text: string;
}

/** So many are named where one is not found. */
const NAMED_ROLLOUTS = 5;

/**
 * Roll-outs and how far each is: what any process needs to carry one on. Everything that a step is about
 * to do is written here, and synced, before it is done.
 */
export class RolloutRecords {
  readonly devices: DeviceHistory;
  /** That servers were asked for. */
  readonly jobs: PublicationJobRecords;
  /** That deployments may name. */
  readonly bundles: BundleRecords;
  readonly #db: Kysely<RecordTables>;

  private constructor(db: Kysely<RecordTables>) {
    this.#db = db;
    this.devices = new DeviceHistory(db);
    this.jobs = new PublicationJobRecords(db);
    this.bundles = new BundleRecords(db);
  }

  /**
   * @param place a folder, or `postgresql://…`
   * @throws VedetteError PUBLISHER_RECORDS_UNAVAILABLE
   */
  static async open(place: string): Promise<RolloutRecords> {
    return new RolloutRecords(await openDatabase(place));
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  async plan({ id, file, account, region, steps }: NewRollout): Promise<void> {
    const at = Date.now();
    await this.#inTransaction(async (db) => {
      await db
        .insertInto('rollouts')
        .values({
          id,
          name: file.name,
          account,
          region,
          file: JSON.stringify(file),
          state: 'planned',
          reason: '',
          lease_owner: null,
          lease_until_ms: 0,
          created_at_ms: at,
          updated_at_ms: at,
        })
        .execute();
      for (const [position, plan] of steps.entries())
        await db
          .insertInto('rollout_steps')
          .values(newStep(id, position, plan))
          .execute();
    });
  }

  /** @throws VedetteError ROLLOUT_NOT_FOUND */
  async rollout(id: string): Promise<Rollout> {
    const found = await statement(async () => {
      const row = await this.#db
        .selectFrom('rollouts')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      const steps = await this.#db
        .selectFrom('rollout_steps')
        .selectAll()
        .where('rollout_id', '=', id)
        .orderBy('position')
        .execute();
      return row && { ...rolloutOf(row), steps: steps.map(stepOf) };
    });
    if (found) return found;
    const known = await this.newest(NAMED_ROLLOUTS);
    const last = known.map((one) => `${one.id} (${one.name})`);
    throw new VedetteError(
      'ROLLOUT_NOT_FOUND',
      `there is no roll-out '${id}'; ${last.length === 0 ? 'none is recorded here' : `the newest are ${last.join(', ')}`}`,
    );
  }

  /** Newest first, so many at most. */
  async newest(count: number): Promise<RolloutLine[]> {
    const rows = await statement(() =>
      this.#selectLines().orderBy('created_at_ms', 'desc').limit(count).execute(),
    );
    return rows.map(lineOf);
  }

  /** Those that somebody must carry on, oldest first. */
  async open(): Promise<RolloutLine[]> {
    const rows = await statement(() =>
      this.#selectLines()
        .where('state', 'in', ['running', 'rolling-back'])
        .orderBy('created_at_ms')
        .execute(),
    );
    return rows.map(lineOf);
  }

  async count(): Promise<number> {
    const { count } = await statement(() =>
      this.#db
        .selectFrom('rollouts')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow(),
    );
    return Number(count);
  }

  /** @returns whether it was in one of these states, and now is in the new one */
  async enter(
    id: string,
    from: readonly RolloutState[],
    to: RolloutState,
    reason: string,
  ): Promise<boolean> {
    const { numUpdatedRows } = await statement(() =>
      this.#db
        .updateTable('rollouts')
        .set({ state: to, reason, updated_at_ms: Date.now() })
        .where('id', '=', id)
        .where('state', 'in', [...from])
        .executeTakeFirst(),
    );
    const isEntered = numUpdatedRows > 0n;
    if (isEntered) await this.note(id, reason === '' ? to : `${to}: ${reason}`);
    return isEntered;
  }

  /** @throws VedetteError ROLLOUT_STATE_CHANGED when another process moved the step on */
  async change(id: string, position: number, from: StepState, change: StepChange): Promise<void> {
    const { numUpdatedRows } = await statement(() =>
      this.#db
        .updateTable('rollout_steps')
        .set({
          ...(change.state === undefined ? {} : { state: change.state }),
          ...(change.deploymentId === undefined ? {} : { deployment_id: change.deploymentId }),
          ...(change.baseline === undefined ? {} : { baseline: JSON.stringify(change.baseline) }),
          ...(change.reached === undefined ? {} : { reached: JSON.stringify(change.reached) }),
          ...(change.touched === undefined ? {} : { touched: JSON.stringify(change.touched) }),
          ...(change.beganAtMs === undefined ? {} : { began_at_ms: change.beganAtMs }),
          ...(change.deployedAtMs === undefined ? {} : { deployed_at_ms: change.deployedAtMs }),
          ...(change.plan === undefined ? {} : { plan: JSON.stringify(change.plan) }),
        })
        .where('rollout_id', '=', id)
        .where('position', '=', position)
        .where('state', '=', from)
        .executeTakeFirst(),
    );
    if (numUpdatedRows > 0n) return;
    throw new VedetteError(
      'ROLLOUT_STATE_CHANGED',
      `step ${position} of roll-out ${id} is not ${from} any more: another process carries it on`,
    );
  }

  /**
   * Before the deployment of a step is asked of AWS: written only while the roll-out goes on, so that
   * who holds it knows from the step whether one may still be made.
   * @returns false when somebody held it
   */
  async requestDeployment(id: string, position: number): Promise<boolean> {
    return this.#inTransaction(async (db) => {
      // The row is locked, so that a hold comes either before or after.
      const going = await db
        .updateTable('rollouts')
        .set((row) => ({ state: row.ref('state') }))
        .where('id', '=', id)
        .where('state', 'in', ['running', 'rolling-back'])
        .executeTakeFirst();
      if (going.numUpdatedRows === 0n) return false;
      const asked = await db
        .updateTable('rollout_steps')
        .set({ requested_at_ms: Date.now() })
        .where('rollout_id', '=', id)
        .where('position', '=', position)
        .where('state', '=', 'creating')
        .executeTakeFirst();
      return asked.numUpdatedRows > 0n;
    });
  }

  /** The way back: its steps stand behind the waves, and what was under way is stopped, all at once. */
  async addRollBack(id: string, steps: readonly PlannedStep[]): Promise<void> {
    await this.#inTransaction(async (db) => {
      await db
        .updateTable('rollout_steps')
        .set({ state: 'stopped' })
        .where('rollout_id', '=', id)
        .where('state', 'in', ['creating', 'deploying', 'soaking'])
        .execute();
      const { last } = await db
        .selectFrom('rollout_steps')
        .select(({ fn }) => fn.max('position').as('last'))
        .where('rollout_id', '=', id)
        .executeTakeFirstOrThrow();
      for (const [index, plan] of steps.entries())
        await db
          .insertInto('rollout_steps')
          .values(newStep(id, Number(last) + 1 + index, plan))
          .execute();
    });
  }

  async note(id: string, text: string): Promise<void> {
    const at = Date.now();
    // Of two processes that note at once the database lets one have the place; the other takes the next.
    for (;;) {
      const { numInsertedOrUpdatedRows } = await statement(() =>
        this.#db
          .insertInto('rollout_events')
          .columns(['rollout_id', 'position', 'at_ms', 'text'])
          .expression((from) =>
            from
              .selectFrom('rollout_events')
              .where('rollout_id', '=', id)
              .select(({ fn, eb }) => [
                eb.cast<string>(eb.val(id), 'text').as('rollout_id'),
                eb(fn.coalesce(fn.max('position'), eb.lit(-1)), '+', 1).as('position'),
                eb.cast<number>(eb.val(at), 'bigint').as('at_ms'),
                eb.cast<string>(eb.val(text), 'text').as('text'),
              ]),
          )
          .onConflict((one) => one.columns(['rollout_id', 'position']).doNothing())
          .executeTakeFirstOrThrow(),
      );
      if ((numInsertedOrUpdatedRows ?? 0n) > 0n) return;
    }
  }

  /** @param after position of the last one that is known already */
  async events(id: string, after = -1): Promise<RolloutEvent[]> {
    const rows = await statement(() =>
      this.#db
        .selectFrom('rollout_events')
        .selectAll()
        .where('rollout_id', '=', id)
        .where('position', '>', after)
        .orderBy('position')
        .execute(),
    );
    return rows.map(({ position, at_ms, text }) => ({ position, atMs: at_ms, text }));
  }

  /** Position of the newest event; -1 when there is none. */
  async lastEvent(id: string): Promise<number> {
    const row = await statement(() =>
      this.#db
        .selectFrom('rollout_events')
        .select(({ fn }) => fn.max('position').as('last'))
        .where('rollout_id', '=', id)
        .executeTakeFirst(),
    );
    return Number(row?.last ?? -1);
  }

  /**
   * Takes or keeps the right to carry a roll-out on: one process at a time has it.
   * @param takesFrom an owner that is known to be gone
   * @returns nothing when it is ours, else who has it
   */
  async lease(
    id: string,
    owner: string,
    durationMs: number,
    takesFrom?: string,
  ): Promise<string | undefined> {
    const now = Date.now();
    const { numUpdatedRows } = await statement(() =>
      this.#db
        .updateTable('rollouts')
        .set({ lease_owner: owner, lease_until_ms: now + durationMs })
        .where('id', '=', id)
        .where((where) =>
          where.or([
            where('lease_owner', 'is', null),
            where('lease_owner', 'in', [owner, ...(takesFrom === undefined ? [] : [takesFrom])]),
            where('lease_until_ms', '<', now),
          ]),
        )
        .executeTakeFirst(),
    );
    if (numUpdatedRows > 0n) return undefined;
    const row = await statement(() =>
      this.#db.selectFrom('rollouts').select('lease_owner').where('id', '=', id).executeTakeFirst(),
    );
    return row?.lease_owner ?? '';
  }

  async release(id: string, owner: string): Promise<void> {
    await statement(() =>
      this.#db
        .updateTable('rollouts')
        .set({ lease_owner: null, lease_until_ms: 0 })
        .where('id', '=', id)
        .where('lease_owner', '=', owner)
        .execute(),
    );
  }

  /** Without their files, which may be large and are many. */
  #selectLines() {
    return this.#db
      .selectFrom('rollouts')
      .select([
        'id',
        'name',
        'account',
        'region',
        'state',
        'reason',
        'created_at_ms',
        'updated_at_ms',
      ]);
  }

  #inTransaction<T>(action: (db: Kysely<RecordTables>) => Promise<T>): Promise<T> {
    return statement(() => this.#db.transaction().execute(action));
  }
}
