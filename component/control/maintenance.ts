import {
  WEEKDAYS,
  type MaintenanceConfig,
  type MaintenanceWindow,
} from '../contract/control-config.ts';

const DAY_MINUTES = 1440;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A part is looked at for seconds; a window is looked for again at the latest after so long. */
const BUSY_RECHECK_MS = 15_000;
const MAX_RECHECK_MS = 15 * MINUTE_MS;
/** Who waits asks again in time; what nobody asked for so long was withdrawn, in milliseconds. */
const WITHDRAWN_MS = 2 * MAX_RECHECK_MS;

/** Whether a change may disturb the line now, and if not why and when to ask again. */
export type MaintenanceAnswer =
  | { readonly mayPass: true; readonly isForced: boolean }
  | {
      readonly mayPass: false;
      readonly reasons: readonly string[];
      readonly recheckAfterMs: number;
    };

/** `update`: the process is replaced; `change`: it goes on, cameras and models pause. */
export type MaintenanceKind = 'update' | 'change';

export interface MaintenanceSources {
  readonly config: () => MaintenanceConfig;
  /** Why the line must not be disturbed right now, whatever the hour: parts under inspection. */
  readonly busy: (kind: MaintenanceKind) => readonly string[];
  /** Told of a change that passes though the line must not be disturbed: it has waited long enough. */
  readonly onForced?: (change: ForcedChange) => void;
  /** The hour of the day, for windows. */
  readonly now?: () => Date;
  /** How long something has waited is counted by it, in milliseconds: no change of the clock makes it old. */
  readonly elapsedMs?: () => number;
}

export interface ForcedChange {
  readonly change: string;
  /** What it would have waited for. */
  readonly reasons: readonly string[];
  readonly maxDeferralHours: number;
}

/** Decides when updates and changes that make cameras pause may come. */
export class Maintenance {
  readonly #sources: MaintenanceSources;
  /** When each change was asked for first, and last. */
  readonly #asked = new Map<string, { readonly sinceMs: number; readonly lastMs: number }>();

  constructor(sources: MaintenanceSources) {
    this.#sources = sources;
  }

  /** `change` names what asks, the same each time; how long it has waited is counted by its name. */
  ask(change: string, kind: MaintenanceKind): MaintenanceAnswer {
    const nowMs = this.#sources.elapsedMs?.() ?? performance.now();
    for (const [name, { lastMs }] of this.#asked) {
      if (nowMs - lastMs > WITHDRAWN_MS) this.#asked.delete(name);
    }
    const sinceMs = this.#asked.get(change)?.sinceMs ?? nowMs;
    const answer = this.state(kind);
    if (answer.mayPass) {
      this.#asked.delete(change);
      return answer;
    }
    const { maxDeferralHours } = this.#sources.config();
    const leftMs = sinceMs + maxDeferralHours * HOUR_MS - nowMs;
    if (leftMs <= 0) {
      this.#asked.delete(change);
      this.#sources.onForced?.({ change, reasons: answer.reasons, maxDeferralHours });
      return { mayPass: true, isForced: true };
    }
    this.#asked.set(change, { sinceMs, lastMs: nowMs });
    return { ...answer, recheckAfterMs: Math.min(answer.recheckAfterMs, leftMs) };
  }

  /** As `ask`, of a change that has not waited yet. */
  state(kind: MaintenanceKind): MaintenanceAnswer {
    const { windows } = this.#sources.config();
    const now = this.#now();
    const busy = this.#sources.busy(kind);
    const untilMs = msUntilWindow(windows, now);
    if (untilMs === 0 && busy.length === 0) return { mayPass: true, isForced: false };
    const outside = untilMs === 0 ? [] : ['outside of every maintenance window'];
    const recheckAfterMs =
      untilMs === 0 ? BUSY_RECHECK_MS : Math.min(MAX_RECHECK_MS, Math.max(1000, untilMs));
    return { mayPass: false, reasons: [...outside, ...busy], recheckAfterMs };
  }

  /** Whether windows are configured and one is open, which is a better time than any other. */
  get isInsideWindow(): boolean {
    const { windows } = this.#sources.config();
    return Object.keys(windows).length > 0 && msUntilWindow(windows, this.#now()) === 0;
  }

  #now(): Date {
    return this.#sources.now?.() ?? new Date();
  }
}

/**
 * Milliseconds until a window opens, by local time; 0 inside one, or when there are none. Around a
 * change to or from summer time it may be off by the hour; it is asked again.
 */
export function msUntilWindow(
  windows: Readonly<Record<string, MaintenanceWindow>>,
  now: Date,
): number {
  const list = Object.values(windows);
  if (list.length === 0) return 0;
  const today = now.getDay();
  const minute = now.getHours() * 60 + now.getMinutes();
  const waits = list.flatMap((window) =>
    // Yesterday's may last until today; of the next seven days one has it.
    [-1, 0, 1, 2, 3, 4, 5, 6, 7].flatMap((ahead) => {
      if (!window.days[WEEKDAYS[(today + ahead + 7) % 7]!]) return [];
      const from = ahead * DAY_MINUTES + minutesOf(window.from);
      const length = (minutesOf(window.to) - minutesOf(window.from) + DAY_MINUTES) % DAY_MINUTES;
      const to = from + (length || DAY_MINUTES);
      if (minute >= to) return [];
      return [Math.max(0, from - minute)];
    }),
  );
  const minutes = Math.min(...waits);
  if (minutes === 0) return 0;
  return minutes * MINUTE_MS - now.getSeconds() * 1000 - now.getMilliseconds();
}

const minutesOf = (time: string): number => {
  const [hours, minutes] = time.split(':').map(Number);
  return hours! * 60 + minutes!;
};
