import type { Database, Statement } from 'better-sqlite3';
import { v7 as uuidv7 } from 'uuid';
import { LANES } from '../../contract/delivery.ts';
import type { DeliveredKind, OutboxSettings } from '../../contract/delivery.ts';
import type { Outcome } from '../../contract/result.ts';
import type { ResultRow } from '../result-row.ts';
import type { DeliveryClock } from './delivery-clock.ts';

/** What a row takes beside its text, with its place in both indexes: measured, see docs/DELIVERY.md. */
export const ROW_BYTES = 100;
const MINUTE_MS = 60_000;

interface Stream {
  stream: number;
  added: number;
}

interface Minute {
  clockMs: number;
  fromMs: number;
  first: number;
  last: number;
  readonly outcomes: Record<Outcome, number>;
}

export class OutboxStatements {
  readonly insert: Statement<unknown[]>;
  readonly stream: Statement<unknown[], { stream: number }>;
  readonly addRows: Statement<[number, number]>;
  readonly sequence: Statement<[string], { sequence: number }>;
  readonly setSequence: Statement<[string, number]>;
  readonly state: Statement<[], { lastKey: number; bytes: number; ledgerKey: number }>;
  readonly setState: Statement<unknown[]>;
  readonly minute: Statement<[string], Record<Outcome, number> & Record<string, number>>;
  readonly setMinute: Statement<unknown[]>;
  readonly deleteMinute: Statement<[string]>;
  readonly openMinutes: Statement<[number], { camera: string }>;

  constructor(db: Database) {
    this.insert = db.prepare(
      `INSERT INTO outbox (key, stream, sequence, kind, clock_ms, bytes, camera_sequence, capture, result, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.stream = db.prepare(
      `INSERT INTO outbox_streams (camera, lane, topic) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET rows = rows RETURNING stream`,
    );
    this.addRows = db.prepare('UPDATE outbox_streams SET rows = rows + ? WHERE stream = ?');
    this.sequence = db.prepare(
      'SELECT last_sequence AS sequence FROM outbox_cameras WHERE camera = ?',
    );
    this.setSequence = db.prepare(
      `INSERT INTO outbox_cameras (camera, last_sequence) VALUES (?, ?)
       ON CONFLICT DO UPDATE SET last_sequence = excluded.last_sequence`,
    );
    this.state = db.prepare(
      'SELECT last_key AS lastKey, bytes, ledger_key AS ledgerKey FROM outbox_state',
    );
    this.setState = db.prepare(
      `UPDATE outbox_state SET last_key = ?, rows = rows + ?, bytes = bytes + ?, clock_ms = ?, wall_ms = ?`,
    );
    this.minute = db.prepare('SELECT * FROM outbox_minutes WHERE camera = ?');
    this.setMinute = db.prepare(
      'INSERT OR REPLACE INTO outbox_minutes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.deleteMinute = db.prepare('DELETE FROM outbox_minutes WHERE camera = ?');
    this.openMinutes = db.prepare('SELECT camera FROM outbox_minutes WHERE clock_ms <= ?');
  }
}

/** What one transaction adds to the outbox; counters are read once and written once, at the end. */
export class OutboxGroup {
  readonly #statements: OutboxStatements;
  readonly #settings: OutboxSettings;
  readonly #nowMs: number;
  readonly #streams = new Map<string, Stream>();
  readonly #sequences = new Map<string, number>();
  readonly #minutes = new Map<string, Minute>();
  #lastKey: number;
  #rows = 0;
  #bytes = 0;

  constructor(statements: OutboxStatements, settings: OutboxSettings, clock: DeliveryClock) {
    this.#statements = statements;
    this.#settings = settings;
    this.#nowMs = clock.nowMs();
    this.#lastKey = statements.state.get()?.lastKey ?? 0;
  }

  get rows(): number {
    return this.#rows;
  }

  /** A result of a camera that was just stored. One over HTTP has its caller and goes nowhere else. */
  addResult(row: ResultRow, resultKey: number, cameraSequence: number | null): void {
    const { camera, outcome, json, captureId } = row;
    if (camera === null || cameraSequence === null) return;
    const wanted = this.#settings.cameras[camera] ?? this.#settings.results;
    if (wanted === 'none') return;
    const isAlarm = outcome !== 'pass';
    if (wanted === 'all' || isAlarm) {
      this.#insert({
        camera,
        lane: isAlarm ? LANES.alarm : LANES.bulk,
        kind: 'result',
        textLength: json.length,
        reference: { resultKey, cameraSequence, capture: captureId },
      });
    }
    if (wanted === 'notable') this.#count(camera, outcome, cameraSequence);
  }

  /** Anything but a result; `content` is what the message holds under the name of its kind. */
  addEvent(
    camera: string,
    kind: Exclude<DeliveredKind, 'result'>,
    lane: number,
    content: unknown,
  ): void {
    const body = JSON.stringify({ id: uuidv7(), content });
    this.#insert({ camera, lane, kind, textLength: body.length, body });
  }

  /** Makes messages of minutes that are over. */
  closeMinutes(): void {
    for (const { camera } of this.#statements.openMinutes.all(this.#nowMs - MINUTE_MS)) {
      const minute = this.#minute(camera);
      if (minute) this.#closeMinute(camera, minute);
    }
  }

  /** Writes the counters. Nothing may be added afterwards. */
  end(): void {
    const { setSequence, addRows, setState, setMinute } = this.#statements;
    for (const [camera, minute] of this.#minutes) {
      const { clockMs, fromMs, first, last, outcomes } = minute;
      const { pass, fail, review, error } = outcomes;
      setMinute.run(camera, clockMs, fromMs, first, last, pass, fail, review, error);
    }
    for (const [camera, sequence] of this.#sequences) setSequence.run(camera, sequence);
    for (const { stream, added } of this.#streams.values()) addRows.run(added, stream);
    if (this.#rows === 0) return;
    setState.run(this.#lastKey, this.#rows, this.#bytes, this.#nowMs, Date.now());
  }

  #insert(row: {
    readonly camera: string;
    readonly lane: number;
    readonly kind: DeliveredKind;
    readonly textLength: number;
    readonly reference?: {
      readonly resultKey: number;
      readonly cameraSequence: number;
      readonly capture: string | null;
    };
    readonly body?: string;
  }): void {
    const { camera, lane, kind, reference } = row;
    const stream = this.#stream(camera, lane, kind === 'result' ? 'result' : 'event');
    const sequence =
      (this.#sequences.get(camera) ?? this.#statements.sequence.get(camera)?.sequence ?? 0) + 1;
    this.#sequences.set(camera, sequence);
    const bytes = row.textLength + ROW_BYTES;
    this.#lastKey += 1;
    this.#statements.insert.run(
      this.#lastKey,
      stream.stream,
      sequence,
      kind,
      this.#nowMs,
      bytes,
      reference?.cameraSequence ?? null,
      reference?.capture ?? null,
      reference?.resultKey ?? null,
      row.body ?? null,
    );
    stream.added += 1;
    this.#rows += 1;
    this.#bytes += bytes;
  }

  #stream(camera: string, lane: number, topic: 'result' | 'event'): Stream {
    const name = `${camera}/${lane}/${topic}`;
    const known = this.#streams.get(name);
    if (known) return known;
    const stream = { stream: this.#statements.stream.get(camera, lane, topic)!.stream, added: 0 };
    this.#streams.set(name, stream);
    return stream;
  }

  #count(camera: string, outcome: Outcome, cameraSequence: number): void {
    let minute = this.#minute(camera);
    if (minute && this.#nowMs - minute.clockMs >= MINUTE_MS) {
      this.#closeMinute(camera, minute);
      minute = undefined;
    }
    minute ??= {
      clockMs: this.#nowMs,
      fromMs: Date.now(),
      first: cameraSequence,
      last: cameraSequence,
      outcomes: { pass: 0, fail: 0, review: 0, error: 0 },
    };
    minute.last = cameraSequence;
    minute.outcomes[outcome] += 1;
    this.#minutes.set(camera, minute);
  }

  #minute(camera: string): Minute | undefined {
    const known = this.#minutes.get(camera);
    if (known) return known;
    const row = this.#statements.minute.get(camera);
    if (row === undefined) return undefined;
    const { pass, fail, review, error } = row;
    return {
      clockMs: row['clock_ms']!,
      fromMs: row['from_ms']!,
      first: row['first_sequence']!,
      last: row['last_sequence']!,
      outcomes: { pass, fail, review, error },
    };
  }

  #closeMinute(camera: string, { fromMs, first, last, outcomes }: Minute): void {
    this.addEvent(camera, 'summary', LANES.bulk, {
      from: new Date(fromMs).toISOString(),
      to: new Date().toISOString(),
      firstCameraSequence: first,
      lastCameraSequence: last,
      outcomes,
    });
    this.#minutes.delete(camera);
    this.#statements.deleteMinute.run(camera);
  }
}
