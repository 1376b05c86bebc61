import Database from 'better-sqlite3';
import type { Injected, Part } from './faults.ts';
import type { SentPicture, SentTrigger } from './load.ts';
import { DEADLINE_MS, STALL_MS, type Life } from './soak-scene.ts';
import { gapsOf, type Gap, type Sample } from './watch.ts';

/** Between two frames of a camera that gives five a second, seen twice a second, on busy cores. */
const LONGEST_SILENCE_MS = 2000;
/** Frames that are in slots, in a model or on their way to the disk. */
const MOST_UNDER_WAY = 12;
/** What waits to be written or sent when a process is killed. */
const UNWRITTEN_MS = 3000;
/** A verdict later than this after its deadline is late also on cores that do something else. */
const LATE_MS = 1000;

export interface SoakRun {
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: readonly Sample[];
  readonly lives: readonly Life[];
  readonly injected: readonly Injected[];
  readonly triggers: readonly SentTrigger[];
  readonly pictures: readonly SentPicture[];
  /** Ids of verdicts that receivers got. */
  readonly told: { readonly hook: ReadonlySet<string>; readonly verdicts: ReadonlySet<string> };
  /** The registry's file, closed in order. */
  readonly database: string;
}

export interface Accounts {
  /** Everything that no fault explains, in sentences. */
  readonly unexplained: readonly string[];
  readonly gaps: readonly Gap[];
  /** Of frames by what became of them, and of triggers, pictures and outputs. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** From a fault's end to the first frame, in milliseconds, by fault. */
  readonly recoveriesMs: Readonly<Record<string, readonly number[]>>;
  /** Of triggers that were answered over HTTP while no fault was near, in milliseconds. */
  readonly answersMs: readonly number[];
}

interface TransactionRow {
  readonly id: string;
  readonly triggerId: string;
  readonly ending: string | null;
  readonly reason: string | null;
  readonly outcome: string | null;
  readonly endedAtMs: number | null;
  readonly hasResult: number;
}

/** Holds what was sent against what is known of it: every frame, trigger, picture and verdict. */
export function accountsOf(run: SoakRun): Accounts {
  const unexplained: string[] = [];
  const gaps = gapsOf(run.samples, LONGEST_SILENCE_MS);
  const tally = new Tally();
  const db = new Database(run.database, { readonly: true });
  try {
    gapProblems(run, gaps, unexplained);
    frameProblems(run, unexplained, tally);
    const rows = transactionsOf(db);
    triggerProblems(run, rows, unexplained, tally);
    pictureProblems(run, db, unexplained, tally);
    outputProblems(run, db, rows, unexplained, tally);
    livesProblems(run, unexplained);
  } finally {
    db.close();
  }
  return {
    ...{ unexplained, gaps, counts: tally.counts },
    recoveriesMs: recoveries(run),
    answersMs: run.triggers
      .filter(
        ({ way, status, sentMs }) =>
          way === 'http, verdict' && status === 200 && isCalm(run, sentMs),
      )
      .map(({ tookMs }) => tookMs!)
      .toSorted((a, b) => a - b),
  };
}

class Tally {
  readonly counts: Record<string, Record<string, number>> = {};

  add(what: string, became: string, count = 1): void {
    const group = (this.counts[what] ??= {});
    group[became] = (group[became] ?? 0) + count;
  }
}

/** Whether a fault of these parts explains something at this time. */
function isExplained(
  { injected, lives }: SoakRun,
  parts: readonly Part[],
  fromMs: number,
  toMs: number,
): boolean {
  const isAway = lives.some(
    ({ fromMs: begin, toMs: end }) =>
      (begin >= fromMs && begin <= toMs) || (end !== undefined && end >= fromMs && end <= toMs),
  );
  return (
    isAway ||
    injected.some(
      (fault) =>
        fault.affects.some((part) => parts.includes(part)) &&
        fault.fromMs <= toMs &&
        fault.allowedUntilMs >= fromMs,
    )
  );
}

const isCalm = ({ injected }: SoakRun, atMs: number) =>
  !injected.some(
    ({ fromMs, allowedUntilMs }) => atMs >= fromMs - DEADLINE_MS && atMs <= allowedUntilMs,
  );

/** A camera may be silent while a fault lasts and until it recovered; one that is must not say that it runs. */
function gapProblems(run: SoakRun, gaps: readonly Gap[], unexplained: string[]): void {
  for (const gap of gaps) {
    const parts: Part[] = [gap.camera as Part, 'runtime'];
    const lasted = `${seconds(gap.toMs - gap.fromMs)} s without a frame of ${gap.camera}`;
    const at = `at ${seconds(gap.fromMs - run.fromMs)} s`;
    const lastCause = run.injected
      .filter(
        (fault) => fault.affects.some((part) => parts.includes(part)) && fault.fromMs <= gap.toMs,
      )
      .reduce((latest, { allowedUntilMs }) => Math.max(latest, allowedUntilMs), 0);
    if (!isExplained(run, parts, gap.fromMs, gap.toMs))
      unexplained.push(`${lasted} ${at}, and no fault`);
    else if (gap.toMs > lastCause + LONGEST_SILENCE_MS && lastCause > 0) {
      unexplained.push(`${lasted} ${at}, longer than its faults explain`);
    }
    const isLong = gap.toMs - gap.fromMs > 2 * STALL_MS + LONGEST_SILENCE_MS;
    if (isLong && gap.states.every((state) => state === 'running')) {
      unexplained.push(`${lasted} ${at}, while it said «running» all the time`);
    }
  }
}

/** At every moment: delivered = judged + dropped by reason + under way. A frame that triggers share is judged for each. */
function frameProblems(run: SoakRun, unexplained: string[], tally: Tally): void {
  for (const { atMs, cameras } of run.samples) {
    for (const [name, { delivered, judged, dropped }] of Object.entries(cameras)) {
      const underWay = delivered - judged - sum(Object.values(dropped));
      const isShared = name === 'dock';
      if ((underWay >= 0 || isShared) && underWay <= MOST_UNDER_WAY) continue;
      unexplained.push(
        `${name} at ${seconds(atMs - run.fromMs)} s: ${delivered} delivered, ${judged} judged, ${underWay} neither judged nor dropped`,
      );
    }
  }
  const lastOfLives = run.samples.filter(
    ({ life }, index) => run.samples[index + 1]?.life !== life,
  );
  for (const { cameras } of lastOfLives) {
    for (const [name, { delivered, judged, dropped }] of Object.entries(cameras)) {
      const what = `frames of ${name}`;
      tally.add(what, 'judged', judged);
      for (const [reason, count] of Object.entries(dropped)) tally.add(what, reason, count);
      const underWay = delivered - judged - sum(Object.values(dropped));
      tally.add(
        what,
        underWay < 0 ? 'verdicts more than frames' : 'under way when last seen',
        Math.abs(underWay),
      );
    }
  }
}

/** Each trigger that was taken has one end, the one that was answered; each other one has a reason. */
function triggerProblems(
  run: SoakRun,
  rows: readonly TransactionRow[],
  unexplained: string[],
  tally: Tally,
): void {
  const byTrigger = Map.groupBy(rows, ({ triggerId }) => triggerId);
  for (const trigger of run.triggers) {
    const { id, way, sentMs, status, code, outcome, tookMs = 0 } = trigger;
    const what = `triggers (${way})`;
    const untilMs = sentMs + tookMs + DEADLINE_MS;
    const found = byTrigger.get(id) ?? [];
    const [row] = found;
    const problem = (text: string) =>
      unexplained.push(`trigger ${id} (${way}, at ${seconds(sentMs - run.fromMs)} s) ${text}`);
    if (found.length > 1) problem(`has ${found.length} transactions`);
    if (row && row.ending === null) problem('has no end');
    if (row && row.ending !== 'dropped' && row.ending !== null && !row.hasResult)
      problem('has an end and no result');
    if (row) tally.add(what, row.ending ?? 'open');
    else if (status !== undefined && status >= 400 && code !== undefined)
      tally.add(what, `refused: ${code}`);
    else {
      tally.add(what, 'not taken');
      if (status !== undefined) problem(`was answered with ${status} and is not in the registry`);
      const parts: Part[] = way === 'mqtt' ? ['runtime', 'broker', 'triggers'] : ['runtime'];
      const allowedMs = way === 'mqtt' ? 10_000 : UNWRITTEN_MS;
      if (!isExplained(run, parts, sentMs - allowedMs, untilMs + UNWRITTEN_MS))
        problem('was lost, and no fault');
    }
    if (row && outcome !== undefined && row.outcome !== outcome) {
      problem(`was answered ${outcome}, and ${row.outcome} is stored`);
    }
    if (status === 200 && tookMs > DEADLINE_MS + LATE_MS)
      problem(`was answered after ${tookMs} ms`);
  }
}

function pictureProblems(
  run: SoakRun,
  db: Database.Database,
  unexplained: string[],
  tally: Tally,
): void {
  const isStored = db.prepare('SELECT count(*) AS count FROM results WHERE id = ?').pluck();
  for (const { sentMs, isPicture, status, code, resultId } of run.pictures) {
    const problem = (text: string) =>
      unexplained.push(`a picture handed over at ${seconds(sentMs - run.fromMs)} s ${text}`);
    const what = isPicture ? 'pictures handed over' : 'broken pictures handed over';
    tally.add(
      what,
      status === undefined ? 'not answered' : status === 200 ? 'judged' : (code ?? String(status)),
    );
    if (status === undefined) {
      if (!isExplained(run, ['runtime'], sentMs - UNWRITTEN_MS, sentMs + UNWRITTEN_MS))
        problem('was not answered');
    } else if (status === 200) {
      if (!isPicture) problem('was judged, and is none');
      if (isStored.get(resultId) !== 1) problem(`has no stored result ${resultId}`);
    } else if (code === undefined) problem(`was answered ${status} without a code`);
  }
}

/** Each verdict was told to each output, or given up with a reason; what was acknowledged has arrived. */
function outputProblems(
  run: SoakRun,
  db: Database.Database,
  rows: readonly TransactionRow[],
  unexplained: string[],
  tally: Tally,
): void {
  const records = db
    .prepare(
      `SELECT output, result_id AS resultId, json ->> 'end' AS end, json ->> 'detail' AS detail FROM output_records`,
    )
    .all() as { output: 'hook' | 'verdicts'; resultId: string; end: string; detail: string }[];
  const known = Map.groupBy(records, ({ output, resultId }) => `${output} ${resultId}`);
  for (const output of ['hook', 'verdicts'] as const) {
    for (const { id, ending, endedAtMs, reason } of rows) {
      // What a start ends for the process before it is not told: its part has passed.
      if (ending === 'dropped' || endedAtMs === null || reason?.startsWith('TRIGGER_INTERRUPTED'))
        continue;
      const what = `verdicts told to ${output}`;
      const of = known.get(`${output} ${id}`) ?? [];
      const problem = (text: string) =>
        unexplained.push(
          `verdict ${id} at ${seconds(endedAtMs - run.fromMs)} s ${text} (${output})`,
        );
      if (of.length > 1) problem(`has ${of.length} records`);
      const [record] = of;
      if (!record) {
        tally.add(what, 'not recorded');
        // A killed process takes along what waited.
        if (!wasKilledWithin(run, endedAtMs, 75_000)) problem('was never told, and no kill');
      } else {
        tally.add(what, record.end);
        if (record.end === 'acknowledged' && !run.told[output].has(id) && output === 'hook') {
          problem('is acknowledged and never arrived');
        }
        if (record.end === 'given-up' && record.detail === '')
          problem('was given up without a reason');
      }
    }
  }
}

const wasKilledWithin = ({ lives }: SoakRun, atMs: number, withinMs: number) =>
  lives.some(({ toMs }) => toMs !== undefined && toMs >= atMs - 1000 && toMs <= atMs + withinMs);

function livesProblems({ lives, fromMs }: SoakRun, unexplained: string[]): void {
  for (const { end, toMs } of lives) {
    if (end?.startsWith('ended by itself')) {
      unexplained.push(`the runtime ${end} at ${seconds((toMs ?? fromMs) - fromMs)} s`);
    }
  }
}

function transactionsOf(db: Database.Database): TransactionRow[] {
  return db
    .prepare(
      `SELECT id, trigger_id AS triggerId, ending, reason, outcome, ended_at_ms AS endedAtMs,
         EXISTS (SELECT 1 FROM results WHERE results.id = transactions.id) AS hasResult
       FROM transactions`,
    )
    .all() as TransactionRow[];
}

/** From the end of each fault of a camera to its next frame. */
function recoveries(run: SoakRun): Record<string, number[]> {
  const times: Record<string, number[]> = {};
  for (const { name, affects, toMs } of run.injected) {
    const camera = affects.find((part) => part === 'gate' || part === 'belt');
    if (!camera) continue;
    const atEnd = run.samples.findLast(({ atMs }) => atMs <= toMs);
    const back = run.samples.find(
      ({ atMs, cameras, life }) =>
        atMs > toMs &&
        (cameras[camera]?.delivered ?? 0) >
          (atEnd?.life === life ? (atEnd.cameras[camera]?.delivered ?? 0) : 0),
    );
    if (back) (times[name] ??= []).push(back.atMs - toMs);
  }
  return times;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
export const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
