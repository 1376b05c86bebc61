import type { Kysely, Selectable } from 'kysely';
import { statement } from './open-database.ts';
import type { PublicationJobTables } from './publication-job-tables.ts';
import type { RecordTables } from './records-schema.ts';

export interface PublicationJob {
  readonly id: string;
  readonly source: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly askedAtMs: number;
  /** How often it was begun: more than once when a server ended meanwhile. */
  readonly attempts: number;
  readonly beganAtMs?: number;
  readonly endedAtMs?: number;
  /** What `--json` prints. */
  readonly outcome?: unknown;
  /** Of one that failed: code, what was wrong and what to do. */
  readonly error?: string;
}

/** What is to be run of a job. */
export interface PublicationRequest {
  /** What is published, for people. */
  readonly source: string;
  /** Behind `vedette`. */
  readonly command: readonly string[];
  /** What the command reads on standard input. */
  readonly input?: string;
}

export interface NewJob extends PublicationRequest {
  /** A UUID of version 7: of those that were asked for in one millisecond, the smaller one came first. */
  readonly id: string;
  readonly settings: string;
}

export interface JobOwner {
  readonly id: string;
  readonly owner: string;
  readonly attempts: number;
  readonly leaseUntilMs: number;
}

export type JobEnd =
  | { readonly state: 'done'; readonly outcome: unknown }
  | { readonly state: 'failed'; readonly error: string };

type Row = Selectable<PublicationJobTables['publication_jobs']>;

const OPEN = ['waiting', 'running'] as const;

/**
 * Publications that a server was asked for, so that the next one knows of them. Each has one owner,
 * whose right ends by its time.
 */
export class PublicationJobRecords {
  readonly #db: Kysely<RecordTables>;

  constructor(db: Kysely<RecordTables>) {
    this.#db = db;
  }

  async add(job: NewJob, owner: string, leaseUntilMs: number): Promise<void> {
    const { id, settings, source, command, input = null } = job;
    await statement(() =>
      this.#db
        .insertInto('publication_jobs')
        .values({
          ...{ id, settings, source, input, state: 'waiting', attempts: 0 },
          command: JSON.stringify(command),
          ...{ lease_owner: owner, lease_until_ms: leaseUntilMs, asked_at_ms: Date.now() },
          ...{ began_at_ms: null, ended_at_ms: null, outcome: null, error: null },
        })
        .execute(),
    );
  }

  /** Newest first. */
  async newest(count: number): Promise<PublicationJob[]> {
    const rows = await statement(() =>
      this.#db
        .selectFrom('publication_jobs')
        .selectAll()
        .orderBy('asked_at_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(count)
        .execute(),
    );
    return rows.map(jobOf);
  }

  async get(id: string): Promise<PublicationJob | undefined> {
    const row = await statement(() =>
      this.#db.selectFrom('publication_jobs').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && jobOf(row);
  }

  async countWaiting(owner: string): Promise<number> {
    const { count } = await statement(() =>
      this.#db
        .selectFrom('publication_jobs')
        .select(({ fn }) => fn.countAll().as('count'))
        .where('state', '=', 'waiting')
        .where('lease_owner', '=', owner)
        .executeTakeFirstOrThrow(),
    );
    return Number(count);
  }

  /** Begins the oldest that waits. @returns nothing when none does */
  async begin(
    owner: string,
  ): Promise<{ readonly job: PublicationJob; readonly request: PublicationRequest } | undefined> {
    const row = await statement(() =>
      this.#db
        .selectFrom('publication_jobs')
        .selectAll()
        .where('state', '=', 'waiting')
        .where('lease_owner', '=', owner)
        .orderBy('asked_at_ms')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst(),
    );
    if (!row) return undefined;
    const begun = {
      state: 'running' as const,
      attempts: row.attempts + 1,
      began_at_ms: Date.now(),
    };
    await this.#change(row.id, owner, begun);
    const { source, command, input } = row;
    const request = {
      ...{ source, command: JSON.parse(command) as string[] },
      ...(input === null ? {} : { input }),
    };
    return { job: jobOf({ ...row, ...begun }), request };
  }

  async end(id: string, owner: string, end: JobEnd): Promise<void> {
    await this.#change(id, owner, {
      state: end.state,
      ended_at_ms: Date.now(),
      outcome: end.state === 'done' ? JSON.stringify(end.outcome ?? null) : null,
      error: end.state === 'failed' ? end.error : null,
    });
  }

  /** Keeps the owner's right to what it has not ended yet. */
  async keep(owner: string, leaseUntilMs: number): Promise<void> {
    await statement(() =>
      this.#db
        .updateTable('publication_jobs')
        .set({ lease_until_ms: leaseUntilMs })
        .where('lease_owner', '=', owner)
        .where('state', 'in', [...OPEN])
        .execute(),
    );
  }

  /** What the owner had begun waits again: it did not end by its own fault. */
  async requeue(owner: string): Promise<void> {
    await statement(() =>
      this.#db
        .updateTable('publication_jobs')
        .set((row) => ({ state: 'waiting', attempts: row('attempts', '-', 1) }))
        .where('lease_owner', '=', owner)
        .where('state', '=', 'running')
        .execute(),
    );
  }

  /** Whoever comes next may carry on what this owner has not ended. */
  async release(owner: string): Promise<void> {
    await this.requeue(owner);
    await this.keep(owner, 0);
  }

  /** Those that others with the same settings have not ended. */
  async ofOthers(settings: string, owner: string): Promise<JobOwner[]> {
    const rows = await statement(() =>
      this.#db
        .selectFrom('publication_jobs')
        .select(['id', 'lease_owner', 'attempts', 'lease_until_ms'])
        .where('state', 'in', [...OPEN])
        .where('settings', '=', settings)
        .where('lease_owner', '!=', owner)
        .orderBy('asked_at_ms')
        .orderBy('id')
        .execute(),
    );
    return rows.map((row) => ({
      ...{ id: row.id, owner: row.lease_owner, attempts: row.attempts },
      leaseUntilMs: row.lease_until_ms,
    }));
  }

  /** @returns whether it was still the other one's, and now waits for this owner */
  async take(
    { id, owner: from, leaseUntilMs: seenUntilMs }: JobOwner,
    owner: string,
    leaseUntilMs: number,
  ): Promise<boolean> {
    const { numUpdatedRows } = await statement(() =>
      this.#db
        .updateTable('publication_jobs')
        .set({ lease_owner: owner, lease_until_ms: leaseUntilMs, state: 'waiting' })
        .where('id', '=', id)
        .where('lease_owner', '=', from)
        .where('lease_until_ms', '=', seenUntilMs)
        .where('state', 'in', [...OPEN])
        .executeTakeFirst(),
    );
    return numUpdatedRows > 0n;
  }

  /** Forgets what ended before the newest ones: the records of runs keep all of them. */
  async forgetEnded(kept: number): Promise<void> {
    await statement(() =>
      this.#db
        .deleteFrom('publication_jobs')
        .where('state', 'not in', [...OPEN])
        .where('id', 'not in', (db) =>
          db
            .selectFrom('publication_jobs')
            .select('id')
            .where('state', 'not in', [...OPEN])
            .orderBy('asked_at_ms', 'desc')
            .orderBy('id', 'desc')
            .limit(kept),
        )
        .execute(),
    );
  }

  async #change(
    id: string,
    owner: string,
    change: Partial<Omit<Row, 'id' | 'settings'>>,
  ): Promise<void> {
    await statement(() =>
      this.#db
        .updateTable('publication_jobs')
        .set(change)
        .where('id', '=', id)
        .where('lease_owner', '=', owner)
        .execute(),
    );
  }
}

const jobOf = (row: Row): PublicationJob => ({
  ...{ id: row.id, source: row.source, state: row.state, askedAtMs: row.asked_at_ms },
  attempts: row.attempts,
  ...(row.began_at_ms === null ? {} : { beganAtMs: row.began_at_ms }),
  ...(row.ended_at_ms === null ? {} : { endedAtMs: row.ended_at_ms }),
  ...(row.outcome === null ? {} : { outcome: JSON.parse(row.outcome) as unknown }),
  ...(row.error === null ? {} : { error: row.error }),
});
