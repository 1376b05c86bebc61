import type { Database } from 'better-sqlite3';

interface Place {
  readonly key: number;
  readonly sequence: number;
  readonly bytes: number;
  /** Body of a `given-up` message. */
  readonly givenUp: string | null;
}

export interface Removed {
  readonly rows: number;
  readonly bytes: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export interface Removal {
  readonly stream: number;
  /** Asked of each row in order, until it says no. */
  readonly mayLeave: (place: Place) => boolean;
  readonly limit: number;
}

/** Removes the oldest rows of a stream. Inside a transaction. */
export function deleteThrough(db: Database, { stream, mayLeave, limit }: Removal): Removed {
  let rows = 0;
  let bytes = 0;
  let first: Place | undefined;
  let last: Place | undefined;
  const places = db
    .prepare<[number, number], Place>(
      `SELECT key, sequence, bytes, CASE kind WHEN 'given-up' THEN body END AS givenUp
       FROM outbox WHERE stream = ? ORDER BY key LIMIT ?`,
    )
    .iterate(stream, limit);
  for (const place of places) {
    if (!mayLeave(place)) break;
    rows += 1;
    bytes += place.bytes;
    first ??= place;
    last = place;
  }
  if (first === undefined || last === undefined) {
    return { rows: 0, bytes: 0, firstSequence: 0, lastSequence: 0 };
  }
  db.prepare('DELETE FROM outbox WHERE stream = ? AND key <= ?').run(stream, last.key);
  db.prepare('UPDATE outbox_streams SET rows = rows - ? WHERE stream = ?').run(rows, stream);
  db.prepare('UPDATE outbox_state SET rows = rows - ?, bytes = bytes - ?').run(rows, bytes);
  return { rows, bytes, firstSequence: first.sequence, lastSequence: last.sequence };
}
