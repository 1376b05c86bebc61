import type { Database } from 'better-sqlite3';
import type { Part } from './faults.ts';
import { SORTER_REGISTER, type WrittenValue } from './plc.ts';
import { HOOK_GIVES_UP_MS } from './soak-scene.ts';
import {
  isCut,
  isHeldAtEnd,
  isStartOrEnd,
  seconds,
  type SoakRun,
  type Tally,
  UNWRITTEN_MS,
} from './soak-run.ts';
import type { TransactionRow } from './trigger-accounts.ts';

interface Told {
  readonly part: Part;
  /** How long it is tried, in milliseconds. */
  readonly givesUpMs: number;
  /** When the part works again, it is reached again within so many milliseconds. */
  readonly reachedMs: number;
}

/** The last two give up as they do unless configured. */
const OUTPUTS = {
  hook: { part: 'receiver', givesUpMs: HOOK_GIVES_UP_MS, reachedMs: 31_000 },
  verdicts: { part: 'broker', givesUpMs: 10_000, reachedMs: 20_000 },
  sorter: { part: 'plc', givesUpMs: 500, reachedMs: 1000 },
} as const satisfies Record<string, Told>;
type OutputName = keyof typeof OUTPUTS;
const NAMES = Object.keys(OUTPUTS) as OutputName[];
/** Between the write in the PLC and the record of it, on busy cores. */
const RECORDED_MS = 1500;

interface OutputRow {
  readonly output: OutputName;
  readonly resultId: string;
  readonly end: string;
  readonly detail: string;
  readonly atMs: number;
  readonly endedAtMs: number;
  readonly attempts: number;
}

/** Each verdict was told to each output, or given up with a reason; what was acknowledged has arrived. */
export function outputProblems(
  run: SoakRun,
  db: Database,
  rows: readonly TransactionRow[],
  unexplained: string[],
  tally: Tally,
): void {
  const records = db
    .prepare(
      `SELECT output, result_id AS resultId, json ->> 'end' AS end, json ->> 'detail' AS detail,
         json ->> 'atMs' AS atMs, ended_at_ms AS endedAtMs, json ->> 'attempts' AS attempts
       FROM output_records`,
    )
    .all() as OutputRow[];
  const known = Map.groupBy(records, ({ output, resultId }) => `${output} ${resultId}`);
  for (const output of NAMES) {
    for (const row of rows) {
      // What a start ends for the process before it is not told: its part has passed.
      if (row.ending === 'dropped' || row.reason?.startsWith('TRIGGER_INTERRUPTED')) continue;
      if (row.endedAtMs === null) continue;
      const of = known.get(`${output} ${row.id}`) ?? [];
      tally.add(`verdicts told to ${output}`, of[0]?.end ?? 'not recorded');
      const at = `at ${seconds(row.endedAtMs - run.fromMs)} s`;
      for (const text of toldProblems(run, output, row.endedAtMs, of)) {
        unexplained.push(`verdict ${row.id} ${at} ${text} (${output})`);
      }
    }
  }
  sorterProblems(run, records, unexplained);
}

/** @param records of one verdict and one output */
function toldProblems(
  run: SoakRun,
  output: OutputName,
  endedAtMs: number,
  records: readonly OutputRow[],
): string[] {
  const { givesUpMs } = OUTPUTS[output];
  const [record] = records;
  if (!record) {
    // A killed process takes along what waited.
    const isLost = isStartOrEnd(run, endedAtMs - 1000, endedAtMs + givesUpMs + UNWRITTEN_MS);
    return isLost ? [] : ['was never told, and no kill'];
  }
  const problems: string[] = [];
  if (records.length > 1) problems.push(`has ${records.length} records`);
  const { resultId, end, detail } = record;
  if (end === 'acknowledged' && output === 'hook' && !run.told.hook.has(resultId))
    problems.push('is acknowledged and never arrived');
  if (end === 'given-up') {
    if (detail === '') problems.push('was given up without a reason');
    if (!isGivingUpExplained(run, output, record))
      problems.push(`was given up (${detail}), and no fault`);
  }
  return problems;
}

function isGivingUpExplained(
  run: SoakRun,
  output: OutputName,
  { atMs, endedAtMs }: OutputRow,
): boolean {
  const { part, reachedMs } = OUTPUTS[output];
  const isAway = run.injected.some(
    ({ affects, fromMs, toMs }) =>
      affects.includes(part) && fromMs <= endedAtMs && toMs + reachedMs >= atMs,
  );
  return isAway || isStartOrEnd(run, atMs, endedAtMs + UNWRITTEN_MS);
}

/** Each value that was acknowledged was written once; each other write belongs to one that could not be confirmed. */
function sorterProblems(run: SoakRun, records: readonly OutputRow[], unexplained: string[]): void {
  const confirmed = records
    .filter(({ output, end }) => output === 'sorter' && end === 'acknowledged')
    .toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  for (const write of run.told.sorter) {
    // The one that ends first: the others may have a later write.
    const index = confirmed.findIndex((record) => isWriteOf(record, write));
    if (index >= 0) {
      confirmed.splice(index, 1);
      continue;
    }
    const { atMs, value } = write;
    // The answer was lost, or the record of it.
    if (isCut(run, 'plc', atMs, atMs + RECORDED_MS)) continue;
    if (isStartOrEnd(run, atMs, atMs + UNWRITTEN_MS) || isHeldAtEnd(run, atMs)) continue;
    const at = `at ${seconds(atMs - run.fromMs)} s`;
    unexplained.push(`${value} was written to the PLC ${at}, and no verdict tells of it`);
  }
  for (const { resultId, endedAtMs } of confirmed) {
    const at = `at ${seconds(endedAtMs - run.fromMs)} s`;
    unexplained.push(`verdict ${resultId} ${at} is acknowledged and never was in the PLC`);
  }
}

const isWriteOf = ({ atMs, endedAtMs, detail }: OutputRow, write: WrittenValue): boolean =>
  detail.includes(` ${SORTER_REGISTER} of `) &&
  detail.endsWith(` = ${write.value}`) &&
  write.atMs >= atMs &&
  write.atMs <= endedAtMs;
