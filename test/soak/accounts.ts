import Database from 'better-sqlite3';
import { edgeProblems } from './edge-accounts.ts';
import type { Part } from './faults.ts';
import { outputProblems } from './output-accounts.ts';
import { DEADLINE_MS, STALL_MS } from './soak-scene.ts';
import { isExplained, seconds, sum, Tally, UNWRITTEN_MS, type SoakRun } from './soak-run.ts';
import {
  deadlineProblems,
  strangerProblems,
  transactionsOf,
  triggerProblems,
} from './trigger-accounts.ts';
import { gapsOf, hasNewFrame, type Gap } from './watch.ts';

/** Between two frames of a camera that gives five a second, seen twice a second, on busy cores. */
const LONGEST_SILENCE_MS = 2000;
/** Frames that are in slots, in a model or on their way to the disk. */
const MOST_UNDER_WAY = 12;

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
    edgeProblems(run, rows, unexplained, tally);
    strangerProblems(run, rows, unexplained);
    deadlineProblems(run, rows, unexplained);
    pictureProblems(run, db, unexplained, tally);
    outputProblems(run, db, rows, unexplained, tally);
    unexplained.push(...run.configuration.problems);
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
      const said = [...gap.states, ...gap.reasons].join('; ');
      unexplained.push(`${lasted} ${at}, longer than its faults explain (${said})`);
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
  for (const [index, { life, cameras }] of run.samples.entries()) {
    const next = run.samples[index + 1];
    for (const [name, { delivered, judged, dropped }] of Object.entries(cameras)) {
      // A camera that is opened anew counts from 0, as a process does.
      const isLast = next?.life !== life || (next.cameras[name]?.delivered ?? 0) < delivered;
      if (!isLast) continue;
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

function isRefusalExplained(run: SoakRun, code: string, sentMs: number): boolean {
  // It is not said to be stored when it could not be: it is to be sent again.
  const parts: Part[] = code === 'REGISTRY_UNAVAILABLE' ? ['disk', 'runtime'] : ['runtime'];
  return isExplained(run, parts, sentMs, sentMs + UNWRITTEN_MS);
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
    else if (isPicture && !isRefusalExplained(run, code, sentMs))
      problem(`was refused with ${code}, and no fault`);
  }
}

function livesProblems({ lives, fromMs }: SoakRun, unexplained: string[]): void {
  for (const { end, toMs } of lives) {
    if (end?.startsWith('ended by itself')) {
      unexplained.push(`the runtime ${end} at ${seconds((toMs ?? fromMs) - fromMs)} s`);
    }
  }
}

/** From the end of each fault of a camera to its next frame. */
function recoveries(run: SoakRun): Record<string, number[]> {
  const times: Record<string, number[]> = {};
  for (const { name, affects, toMs } of run.injected) {
    const camera = affects.find((part) => part === 'gate' || part === 'belt');
    if (!camera) continue;
    const [atEnd, ...later] = run.samples.slice(
      run.samples.findLastIndex(({ atMs }) => atMs <= toMs),
    );
    let last = atEnd;
    const back = later.find((sample) => {
      const isBack = hasNewFrame(camera, last!, sample);
      last = sample;
      return isBack;
    });
    if (back) (times[name] ??= []).push(back.atMs - toMs);
  }
  return times;
}
