import type { RaisedEdge } from './load.ts';
import {
  isCut,
  isExplained,
  isHeldAtEnd,
  isStartOrEnd,
  seconds,
  type SoakRun,
  type Tally,
  UNWRITTEN_MS,
} from './soak-run.ts';
import { endProblems, type TransactionRow } from './trigger-accounts.ts';

const WHAT = 'triggers (coil of the PLC)';
/** Between the edge and its transaction, on busy cores. */
const NOTICED_MS = 1000;

/** Each edge that somebody was looking at has one transaction, of its part; no transaction has no edge. */
export function edgeProblems(
  run: SoakRun,
  rows: readonly TransactionRow[],
  unexplained: string[],
  tally: Tally,
): void {
  const left = new Set(rows.filter(({ source }) => source === 'plc'));
  for (const edge of run.edges) {
    const found = [...left].filter((row) => isOf(edge, row));
    for (const row of found) left.delete(row);
    const at = `at ${seconds(edge.raisedMs - run.fromMs)} s`;
    const problem = (text: string) =>
      unexplained.push(`part ${edge.part} of the PLC (${at}) ${text}`);
    if (found.length > 1) problem(`has ${found.length} transactions`);
    const [row] = found;
    if (row) {
      tally.add(WHAT, row.ending ?? 'open');
      for (const text of endProblems(run, row)) problem(text);
    } else {
      tally.add(WHAT, edge.isWatched ? 'not taken' : 'raised while nobody was connected');
      if (!isLossExplained(run, edge)) {
        problem(
          edge.isWatched
            ? 'was looked at and has no transaction, and no fault'
            : 'was raised while nobody was connected, and no fault',
        );
      }
    }
  }
  for (const { triggerId, openedAtMs } of left) {
    const at = `at ${seconds(openedAtMs - run.fromMs)} s`;
    unexplained.push(`trigger ${triggerId} of the PLC (${at}) has no edge of its own`);
  }
}

/** By the part that was read after the edge, or by its time where that could not be read. */
function isOf({ part, raisedMs, loweredMs }: RaisedEdge, row: TransactionRow): boolean {
  if (row.product !== null) return row.product === String(part);
  return row.openedAtMs >= raisedMs && row.openedAtMs <= loweredMs + NOTICED_MS;
}

function isLossExplained(run: SoakRun, { isWatched, raisedMs, loweredMs }: RaisedEdge): boolean {
  if (!isWatched) return isExplained(run, ['plc', 'runtime'], raisedMs, loweredMs);
  return (
    isCut(run, 'plc', raisedMs, loweredMs) ||
    // Its queue is full.
    isExplained({ ...run, lives: [] }, ['triggers'], raisedMs, loweredMs) ||
    isHeldAtEnd(run, raisedMs) ||
    isStartOrEnd(run, raisedMs, loweredMs + UNWRITTEN_MS)
  );
}
