import type { Database, Statement } from 'better-sqlite3';
import { LANES } from '../../contract/delivery.ts';
import type {
  Acknowledgement,
  DeliveredKind,
  GivenUpReason,
  OutboxSettings,
  OutboxState,
  OutboxStatistics,
  OutboxStream,
  TakeAnswer,
  TakeRequest,
} from '../../contract/delivery.ts';
import type { ResultRow } from '../result-row.ts';
import { DeliveryClock } from './delivery-clock.ts';
import { LedgerRows } from './ledger-rows.ts';
import { giveUpOldest } from './outbox-budget.ts';
import { OutboxGroup, OutboxStatements } from './outbox-group.ts';
import { deleteThrough } from './outbox-removal.ts';
import { outboxStatistics } from './outbox-statistics.ts';
import { outboundMessage, OUTBOX_ROW } from './outbox-text.ts';
import type { OutboxRow } from './outbox-text.ts';

/** Payload characters in one answer: the main thread hands them on at once. */
const MAX_TAKEN_CHARACTERS = 128_000;
/** Rows looked at, or removed, before other requests have their turn. */
const ROWS_AT_ONCE = 2000;
const MINUTES_INTERVAL_MS = 5000;

export interface OutboxOptions {
  readonly db: Database;
  /** Nothing is delivered when absent: no row is ever written. */
  readonly settings: OutboxSettings | undefined;
  /** Something was added and committed. */
  readonly onAdded: () => void;
  /** Messages were given up for want of room. */
  readonly onGivenUp: (messages: number) => void;
  readonly onCaptureGivenUp: (reason: string) => void;
}

/** What waits to leave the device, in the registry's database and its thread. */
export class Outbox {
  readonly ledger: LedgerRows;
  readonly #options: OutboxOptions;
  readonly #db: Database;
  readonly #clock: DeliveryClock;
  readonly #statements: OutboxStatements;
  readonly #rows: Statement<[number, number, number, number], OutboxRow>;
  readonly #streams: Statement<[], OutboxStream>;
  readonly #minutesTimer: NodeJS.Timeout | undefined;
  /** Rows up to here are on the disk, whatever happens to the power. */
  #syncedKey = 0;

  constructor(options: OutboxOptions) {
    const { db, settings } = options;
    this.#options = options;
    this.#db = db;
    this.#statements = new OutboxStatements(db);
    const state = db
      .prepare<[], { clockMs: number; wallMs: number }>(
        'SELECT clock_ms AS clockMs, wall_ms AS wallMs FROM outbox_state',
      )
      .get();
    this.#clock = new DeliveryClock(state?.clockMs ?? 0, state?.wallMs ?? 0);
    this.ledger = new LedgerRows(db, settings?.thing ?? '');
    this.#rows = db.prepare(
      `SELECT ${OUTBOX_ROW} FROM outbox o JOIN outbox_streams s ON s.stream = o.stream
       WHERE o.stream = ? AND o.key > ? AND o.key <= ? ORDER BY o.key LIMIT ?`,
    );
    this.#streams = db.prepare(
      'SELECT stream, camera, lane, topic, rows, sent_key AS sentKey FROM outbox_streams',
    );
    if (settings === undefined) return;
    this.#minutesTimer = setInterval(() => this.#closeMinutes(), MINUTES_INTERVAL_MS);
    this.#minutesTimer.unref();
  }

  /**
   * Adds results that this transaction stored. To be called inside it; what it returns is to be called
   * when it is committed.
   */
  addResults(
    stored: readonly {
      readonly row: ResultRow;
      readonly key: number;
      readonly sequence: number | null;
    }[],
  ): () => void {
    if (this.#options.settings === undefined || stored.length === 0) return () => undefined;
    return this.#add((group) => {
      for (const { row, key, sequence } of stored) group.addResult(row, key, sequence);
    });
  }

  /** The same for anything but a result. */
  addEvent(
    camera: string,
    kind: Exclude<DeliveredKind, 'result'>,
    lane: number,
    content: unknown,
  ): () => void {
    const { settings } = this.#options;
    if (!settings?.sendsMessages && !settings?.hasLedger) return () => undefined;
    return this.#add((group) => group.addEvent(camera, kind, lane, content));
  }

  /** What was added before a transaction with `synchronous=FULL` is on the disk with it. */
  noteSynced(): void {
    this.#syncedKey = this.#lastKey();
  }

  state(): OutboxState {
    return { streams: this.#streams.all(), lastKey: this.#lastKey() };
  }

  take(request: TakeRequest): TakeAnswer {
    const { settings } = this.#options;
    if (settings === undefined) return { messages: [], expired: [], isCut: false };
    const expired: TakeAnswer['expired'][number][] = [];
    const taken: OutboxRow[] = [];
    const aliveFromMs = this.#clock.nowMs() - settings.timeToLiveMs;
    const share = Math.max(1, Math.ceil(request.limit / Math.max(1, request.ranges.length)));
    let characters = 0;
    let isCut = false;
    for (const { stream, after, through = Number.MAX_SAFE_INTEGER } of request.ranges) {
      let goneThrough: number | undefined;
      let takenOfStream = 0;
      for (const row of this.#rows.iterate(stream, after, through, ROWS_AT_ONCE)) {
        // What explains a gap is never too old: the gap would be left unexplained.
        if (row.clockMs < aliveFromMs && row.kind !== 'given-up') {
          // Passing by leads up to a key: behind one that is to be sent it waits for the next time.
          if (takenOfStream > 0) break;
          goneThrough = row.key;
          continue;
        }
        const isFull = taken.length > 0 && characters + row.text.length > MAX_TAKEN_CHARACTERS;
        isCut ||= isFull;
        if (isFull || takenOfStream >= share) break;
        taken.push(row);
        takenOfStream += 1;
        characters += row.text.length;
      }
      if (goneThrough !== undefined) expired.push({ stream, after, through: goneThrough });
    }
    const last = taken.reduce((key, row) => Math.max(key, row.key), 0);
    if (last > this.#syncedKey) this.sync();
    const messages = taken
      .sort((a, b) => a.key - b.key)
      .map((row) => outboundMessage(row, { ...request, thing: settings.thing, aliveFromMs }));
    return { messages, expired, isCut };
  }

  /**
   * A commit that is synced takes everything before it to the disk. Only then may a message leave: a
   * power cut that took back its row would give its number to another.
   */
  sync(): void {
    this.#db.pragma('synchronous = FULL');
    // It must change something: SQLite leaves a page alone that would get the same bytes, and then
    // there is nothing to commit and nothing is synced.
    this.#db
      .prepare(
        `INSERT INTO meta VALUES ('outbox_syncs', '1')
         ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1`,
      )
      .run();
    this.noteSynced();
  }

  /** Up to these keys messages were sent, or were too old, and will not be sent again. */
  settle(sent: readonly { readonly stream: number; readonly through: number }[]): void {
    this.#db.pragma('synchronous = NORMAL');
    this.#db
      .transaction(() => {
        const set = this.#db.prepare(
          'UPDATE outbox_streams SET sent_key = max(sent_key, ?) WHERE stream = ?',
        );
        for (const { stream, through } of sent) set.run(through, stream);
      })
      .immediate();
  }

  /** Counts messages that were too old to be sent; the ledger has them all the same, if there is one. */
  expire(ranges: TakeAnswer['expired']): void {
    const { settings } = this.#options;
    if (settings === undefined || ranges.length === 0) return;
    this.#db.pragma('synchronous = NORMAL');
    const committed = this.#db
      .transaction(() => {
        if (settings.hasLedger) return undefined;
        const group = this.#group();
        for (const { stream, after, through } of ranges) {
          const row = this.#db
            .prepare<
              [number, number, number],
              { camera: string; first: number; last: number; n: number }
            >(
              `SELECT s.camera, min(o.sequence) AS first, max(o.sequence) AS last, count(*) AS n
               FROM outbox_streams s JOIN outbox o ON o.stream = s.stream
               WHERE s.stream = ? AND o.key > max(s.sent_key, ?) AND o.key <= ?`,
            )
            .get(stream, after, through);
          if (row === undefined || row.n === 0) continue;
          this.#countGivenUp('expired', row.n);
          group.addEvent(row.camera, 'given-up', LANES.alarm, {
            reason: 'expired',
            firstSequence: row.first,
            lastSequence: row.last,
            messages: row.n,
          });
        }
        group.end();
        return group;
      })
      .immediate();
    if (committed !== undefined && committed.rows > 0) this.#options.onAdded();
    this.settle(ranges);
  }

  acknowledge({ camera, sequence }: Acknowledgement): void {
    this.#db.pragma('synchronous = NORMAL');
    this.#db
      .prepare(
        `UPDATE outbox_cameras SET acknowledged = min(last_sequence, ?) WHERE camera = ? AND acknowledged < ?`,
      )
      .run(sequence, camera, sequence);
  }

  /** Removes what may leave. @returns whether there may be more */
  removeDelivered(): boolean {
    const { settings } = this.#options;
    if (settings === undefined) return false;
    this.#db.pragma('synchronous = NORMAL');
    return this.#db
      .transaction(() => {
        let hasMore = false;
        for (const stream of this.#streams.all()) {
          if (stream.rows === 0) continue;
          const removed = this.#removeFrom(stream, settings);
          hasMore ||= removed >= ROWS_AT_ONCE;
        }
        return hasMore;
      })
      .immediate();
  }

  countGivenUpCaptures(captures: number): void {
    this.#countGivenUp('captures-disk-budget', captures);
  }

  /** One that can never be uploaded. */
  giveUpCapture(reason: string): void {
    this.#countGivenUp('captures-failed', 1);
    this.#options.onCaptureGivenUp(reason);
  }

  statistics(): OutboxStatistics {
    return outboxStatistics(this.#db, this.#clock.nowMs(), this.ledger.lastStored());
  }

  close(): void {
    clearInterval(this.#minutesTimer);
  }

  #lastKey(): number {
    return this.#statements.state.get()?.lastKey ?? 0;
  }

  #group(): OutboxGroup {
    return new OutboxGroup(this.#statements, this.#options.settings!, this.#clock);
  }

  /** Inside a transaction. */
  #add(fill: (group: OutboxGroup) => void): () => void {
    const group = this.#group();
    fill(group);
    group.end();
    const givenUp = group.rows === 0 ? 0 : this.#keepBudget();
    return () => {
      if (group.rows > 0) this.#options.onAdded();
      if (givenUp > 0) this.#options.onGivenUp(givenUp);
    };
  }

  #keepBudget(): number {
    const maxBytes = this.#options.settings!.maxBytes;
    const bytes = this.#statements.state.get()?.bytes ?? 0;
    if (bytes <= maxBytes) return 0;
    // A hundredth at once: each time is told to receivers with a message of its own.
    const surplus = bytes - maxBytes + Math.ceil(maxBytes / 100);
    const lost = giveUpOldest(this.#db, this.#streams.all(), surplus, this.ledger.coveredKey());
    const group = this.#group();
    let total = 0;
    for (const { camera, removed, ...content } of lost) {
      group.addEvent(camera, 'given-up', LANES.alarm, { reason: 'budget', ...content });
      total += removed;
    }
    group.end();
    this.#countGivenUp('budget', total);
    return total;
  }

  #removeFrom(stream: OutboxStream, settings: OutboxSettings): number {
    const { hasLedger, hasAcknowledgements, sendsMessages } = settings;
    const acknowledged = hasAcknowledgements
      ? (this.#db
          .prepare<[string], { acknowledged: number }>(
            'SELECT acknowledged FROM outbox_cameras WHERE camera = ?',
          )
          .get(stream.camera)?.acknowledged ?? 0)
      : 0;
    const sentKey = sendsMessages ? stream.sentKey : Number.MAX_SAFE_INTEGER;
    const coveredKey = hasLedger ? this.ledger.coveredKey() : Number.MAX_SAFE_INTEGER;
    // Without a ledger only the receiver's word counts where there is one.
    const mayLeaveWhenSent = hasLedger || !hasAcknowledgements;
    return deleteThrough(this.#db, {
      stream: stream.stream,
      mayLeave: ({ key, sequence }) =>
        key <= coveredKey && (sequence <= acknowledged || (mayLeaveWhenSent && key <= sentKey)),
      limit: ROWS_AT_ONCE,
    }).rows;
  }

  #closeMinutes(): void {
    this.#db.pragma('synchronous = NORMAL');
    try {
      this.#db.transaction(() => this.#add((group) => group.closeMinutes())).immediate()();
    } catch {
      // A full disk: the next round closes them, none of their results is forgotten.
    }
  }

  #countGivenUp(reason: GivenUpReason, count: number): void {
    if (count === 0) return;
    this.#db
      .prepare(
        `INSERT INTO outbox_given_up VALUES (?, ?)
         ON CONFLICT DO UPDATE SET count = count + excluded.count`,
      )
      .run(reason, count);
  }
}
