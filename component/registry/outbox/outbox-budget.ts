import type { Database } from 'better-sqlite3';
import type { GivenUp, OutboxStream } from '../../contract/delivery.ts';
import { deleteThrough } from './outbox-removal.ts';

export interface Lost {
  readonly camera: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** That were in no batch of the ledger yet, with those that given-up messages among them told of. */
  readonly messages: number;
  /** Without those. */
  readonly removed: number;
}

/** Rows removed from one stream before another may be the oldest. */
const ROWS_AT_ONCE = 256;

/**
 * Makes room for `surplusBytes`: the oldest first, alarms only when nothing else is left. What a batch
 * of the ledger holds is no loss. What a `given-up` message told of is told anew when it is lost itself.
 */
export function giveUpOldest(
  db: Database,
  streams: readonly OutboxStream[],
  surplusBytes: number,
  coveredKey: number,
): Lost[] {
  const oldest = db.prepare<[number], { key: number }>(
    'SELECT key FROM outbox WHERE stream = ? ORDER BY key LIMIT 1',
  );
  const lost: Lost[] = [];
  let freed = 0;
  for (const lane of [1, 0]) {
    const ofLane = streams.filter((one) => one.lane === lane && one.rows > 0);
    while (freed < surplusBytes) {
      const heads = ofLane
        .map((one) => ({ ...one, key: oldest.get(one.stream)?.key ?? Infinity }))
        .sort((a, b) => a.key - b.key);
      const [head, next] = heads;
      if (head === undefined || head.key === Infinity) break;
      const before = freed;
      let lostNow = 0;
      const told: GivenUp[] = [];
      const removed = deleteThrough(db, {
        stream: head.stream,
        mayLeave: ({ key, bytes, givenUp }) => {
          if (freed >= surplusBytes || key > (next?.key ?? Infinity)) return false;
          freed += bytes;
          if (key <= coveredKey) return true;
          lostNow += 1;
          if (givenUp !== null) told.push((JSON.parse(givenUp) as { content: GivenUp }).content);
          return true;
        },
        limit: ROWS_AT_ONCE,
      });
      freed = before + removed.bytes;
      if (lostNow === 0) continue;
      const known = lost.findIndex(({ camera }) => camera === head.camera);
      const earlier = known === -1 ? undefined : lost[known];
      const sum: Lost = {
        camera: head.camera,
        firstSequence: Math.min(
          removed.firstSequence,
          earlier?.firstSequence ?? Infinity,
          ...told.map((one) => one.firstSequence),
        ),
        lastSequence: Math.max(
          removed.lastSequence,
          earlier?.lastSequence ?? 0,
          ...told.map((one) => one.lastSequence),
        ),
        messages: told.reduce(
          (sum, { messages }) => sum + messages,
          lostNow + (earlier?.messages ?? 0),
        ),
        removed: lostNow + (earlier?.removed ?? 0),
      };
      if (known === -1) lost.push(sum);
      else lost[known] = sum;
    }
  }
  return lost;
}
