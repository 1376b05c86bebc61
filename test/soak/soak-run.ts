import type { Injected, Part } from './faults.ts';
import type { RaisedEdge, SentPicture, SentTrigger } from './load.ts';
import type { WrittenValue } from './plc.ts';
import type { Life } from './soak-scene.ts';
import type { AskedDeadline } from './station.ts';
import type { Sample } from './watch.ts';

/** What waits to be written or sent when a process is killed. */
export const UNWRITTEN_MS = 3000;

/** From a verdict to the disk, while that works. */
const WRITTEN_MS = 1000;

export interface SoakRun {
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: readonly Sample[];
  readonly lives: readonly Life[];
  readonly injected: readonly Injected[];
  readonly triggers: readonly SentTrigger[];
  readonly edges: readonly RaisedEdge[];
  readonly pictures: readonly SentPicture[];
  readonly told: {
    /** Ids of verdicts that receivers got. */
    readonly hook: ReadonlySet<string>;
    readonly verdicts: ReadonlySet<string>;
    /** What was set in the PLC, in order. */
    readonly sorter: readonly WrittenValue[];
  };
  readonly configuration: {
    readonly deadlines: readonly AskedDeadline[];
    readonly problems: readonly string[];
  };
  /** The registry's file, closed in order. */
  readonly database: string;
}

export class Tally {
  readonly counts: Record<string, Record<string, number>> = {};

  add(what: string, became: string, count = 1): void {
    const group = (this.counts[what] ??= {});
    group[became] = (group[became] ?? 0) + count;
  }
}

/** Whether a fault of these parts, or a start or end of the runtime, explains something at this time. */
export function isExplained(
  run: Pick<SoakRun, 'injected' | 'lives'>,
  parts: readonly Part[],
  fromMs: number,
  toMs: number,
): boolean {
  return (
    isStartOrEnd(run, fromMs, toMs) ||
    run.injected.some(
      (fault) =>
        fault.affects.some((part) => parts.includes(part)) &&
        fault.fromMs <= toMs &&
        fault.allowedUntilMs >= fromMs,
    )
  );
}

/** Whether a fault of this part begins at this time: what was under way then is lost. */
export const isCut = (
  { injected }: Pick<SoakRun, 'injected'>,
  part: Part,
  fromMs: number,
  toMs: number,
) =>
  injected.some(
    (fault) => fault.affects.includes(part) && fault.fromMs >= fromMs && fault.fromMs <= toMs,
  );

/** Whether the runtime ended while what happened at this time could not be written. */
export const isHeldAtEnd = ({ injected, lives }: SoakRun, atMs: number): boolean =>
  injected.some(
    ({ affects, fromMs, allowedUntilMs }) =>
      affects.includes('disk') &&
      fromMs <= atMs + WRITTEN_MS &&
      allowedUntilMs >= atMs &&
      lives.some(({ toMs = Infinity }) => toMs >= fromMs && toMs <= allowedUntilMs),
  );

/** Whether the runtime began or ended to live at this time. */
export const isStartOrEnd = ({ lives }: Pick<SoakRun, 'lives'>, fromMs: number, toMs: number) =>
  lives.some(
    ({ fromMs: begin, toMs: end }) =>
      (begin >= fromMs && begin <= toMs) || (end !== undefined && end >= fromMs && end <= toMs),
  );

export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
export const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
