import type { Database } from 'better-sqlite3';
import { LANES } from '../../contract/delivery.ts';
import type { GivenUpReason, OutboxStatistics, StoredBatch } from '../../contract/delivery.ts';

/** What waits and what was given up; every figure is read from a counter or an index. */
export function outboxStatistics(
  db: Database,
  nowMs: number,
  lastBatch: StoredBatch | undefined,
): OutboxStatistics {
  const lanes = db
    .prepare<[], { lane: number; rows: number }>(
      'SELECT lane, sum(rows) AS rows FROM outbox_streams GROUP BY lane',
    )
    .all();
  const rowsOf = (lane: number) => lanes.find((one) => one.lane === lane)?.rows ?? 0;
  const first = db
    .prepare<[], { clockMs: number }>('SELECT clock_ms AS clockMs FROM outbox ORDER BY key LIMIT 1')
    .get();
  const bytes = db.prepare<[], number>('SELECT bytes FROM outbox_state').pluck().get();
  const captures = db.prepare<[], number>('SELECT count(*) FROM capture_uploads').pluck().get();
  const given = db
    .prepare<[], { reason: GivenUpReason; count: number }>(
      'SELECT reason, count FROM outbox_given_up',
    )
    .all();
  return {
    waiting: { alarms: rowsOf(LANES.alarm), others: rowsOf(LANES.bulk), bytes: bytes ?? 0 },
    oldestAgeMs: first === undefined ? 0 : Math.max(0, nowMs - first.clockMs),
    capturesWaiting: captures ?? 0,
    givenUp: {
      budget: 0,
      expired: 0,
      'captures-disk-budget': 0,
      'captures-failed': 0,
      ...Object.fromEntries(given.map(({ reason, count }) => [reason, count])),
    },
    ...(lastBatch === undefined ? {} : { lastBatch }),
  };
}
