import type { Database } from 'better-sqlite3';
import type { Part } from './faults.ts';
import { DEADLINE_MS } from './soak-scene.ts';
import {
  isExplained,
  isHeldAtEnd,
  isStartOrEnd,
  seconds,
  type SoakRun,
  type Tally,
  UNWRITTEN_MS,
} from './soak-run.ts';

/** A verdict later than this after its deadline is late also on cores that do something else. */
const LATE_MS = 1000;
/** A message that was sent may lie in the broker, or in a queue, for so long. */
const ON_ITS_WAY_MS = 10_000;

export interface TransactionRow {
  readonly id: string;
  readonly triggerId: string;
  /** What triggered: `http`, or the name of a trigger. */
  readonly source: string;
  /** Of the context, as text. */
  readonly product: string | null;
  readonly openedAtMs: number;
  /** After its opening. */
  readonly deadlineMs: number;
  readonly ending: string | null;
  readonly reason: string | null;
  readonly outcome: string | null;
  readonly endedAtMs: number | null;
  readonly hasResult: number;
}

export function transactionsOf(db: Database): TransactionRow[] {
  return db
    .prepare(
      `SELECT id, trigger_id AS triggerId, json ->> 'source' AS source,
         json ->> '$.context.product' AS product, opened_at_ms AS openedAtMs, json ->> 'deadlineMs' AS deadlineMs,
         ending, reason, outcome, ended_at_ms AS endedAtMs,
         EXISTS (SELECT 1 FROM results WHERE results.id = transactions.id) AS hasResult
       FROM transactions`,
    )
    .all() as TransactionRow[];
}

/** Each trigger that was taken has one end, the one that was answered; each other one has a reason. */
export function triggerProblems(
  run: SoakRun,
  rows: readonly TransactionRow[],
  unexplained: string[],
  tally: Tally,
): void {
  const byTrigger = Map.groupBy(rows, ({ triggerId }) => triggerId);
  for (const { id, way, sentMs, status, code, outcome, tookMs = 0 } of run.triggers) {
    const what = `triggers (${way})`;
    const found = byTrigger.get(id) ?? [];
    const [row] = found;
    const problem = (text: string) =>
      unexplained.push(`trigger ${id} (${way}, at ${seconds(sentMs - run.fromMs)} s) ${text}`);
    if (found.length > 1) problem(`has ${found.length} transactions`);
    if (row) {
      tally.add(what, row.ending ?? 'open');
      for (const text of endProblems(run, row)) problem(text);
      // It is judged all the same; only that it survives a power cut could not be promised.
      const isPromised = code === 'REGISTRY_UNAVAILABLE' && way !== 'http, verdict';
      const isHeld = isPromised && isExplained(run, ['disk'], sentMs, sentMs + tookMs);
      if (code !== undefined && !isHeld) problem(`was refused with ${code}, and is taken`);
    } else if (status !== undefined && status >= 400 && code !== undefined) {
      tally.add(what, `refused: ${code}`);
      const answeredMs = sentMs + tookMs;
      const isFull =
        code === 'TRIGGER_DROPPED' && isExplained(run, ['triggers'], sentMs, answeredMs);
      if (
        !isFull &&
        !isHeldAtEnd(run, sentMs) &&
        !isStartOrEnd(run, sentMs - UNWRITTEN_MS, answeredMs + UNWRITTEN_MS)
      )
        problem(`was refused with ${code}, and no fault`);
    } else {
      tally.add(what, 'not taken');
      if (status !== undefined && !isHeldAtEnd(run, sentMs))
        problem(`was answered with ${status} and is not in the registry`);
      const parts: Part[] = way === 'mqtt' ? ['runtime', 'broker', 'triggers'] : ['runtime'];
      const allowedMs = way === 'mqtt' ? ON_ITS_WAY_MS : UNWRITTEN_MS;
      const untilMs = sentMs + tookMs + DEADLINE_MS + UNWRITTEN_MS;
      if (!isExplained(run, parts, sentMs - allowedMs, untilMs)) problem('was lost, and no fault');
    }
    if (row && outcome !== undefined && row.outcome !== outcome && !isHeldAtEnd(run, sentMs)) {
      problem(`was answered ${outcome}, and ${row.outcome} is stored`);
    }
    if (status === 200 && tookMs > DEADLINE_MS + LATE_MS)
      problem(`was answered after ${tookMs} ms`);
  }
}

/** What is wrong with how a transaction ended. */
export function endProblems(run: SoakRun, row: TransactionRow): string[] {
  const { ending, reason, openedAtMs, endedAtMs, hasResult } = row;
  if (ending === null || endedAtMs === null) return ['has no end'];
  const problems: string[] = [];
  if (ending !== 'dropped' && !hasResult) problems.push('has an end and no result');
  const parts: Part[] = ['dock', 'triggers', 'runtime'];
  // What it is about lies in the PLC.
  if (reason?.startsWith('FIELD_DEVICE')) parts.push('plc');
  if (ending !== 'answered' && !isExplained(run, parts, openedAtMs, endedAtMs)) {
    problems.push(`ended ${ending} (${reason}), and no fault`);
  }
  return problems;
}

/** A deadline holds for every trigger from when it is in force until another one is asked for. */
export function deadlineProblems(
  { configuration, fromMs }: SoakRun,
  rows: readonly TransactionRow[],
  unexplained: string[],
): void {
  const asked = configuration.deadlines;
  for (const { triggerId, openedAtMs, deadlineMs } of rows) {
    const surely = asked.findLastIndex(({ inForceMs = Infinity }) => inForceMs < openedAtMs);
    const possible = asked
      .filter(({ askedMs }, index) => index >= surely && askedMs <= openedAtMs)
      .map((one) => one.deadlineMs);
    if (possible.includes(deadlineMs)) continue;
    const at = `at ${seconds(openedAtMs - fromMs)} s`;
    unexplained.push(
      `trigger ${triggerId} (${at}) has a deadline of ${deadlineMs} ms, and ${possible.join(' or ')} ms was in force`,
    );
  }
}

/** Nothing is in the registry that nobody sent. */
export function strangerProblems(
  run: SoakRun,
  rows: readonly TransactionRow[],
  unexplained: string[],
): void {
  const sent = new Set(run.triggers.map(({ id }) => id));
  for (const { triggerId, source, openedAtMs } of rows) {
    if (source === 'plc' || sent.has(triggerId)) continue;
    const at = `at ${seconds(openedAtMs - run.fromMs)} s`;
    unexplained.push(`trigger ${triggerId} (${source}, ${at}) was never sent`);
  }
}
