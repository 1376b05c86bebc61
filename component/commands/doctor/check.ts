import type { Subject } from './subject.ts';

/**
 * `ok`: as it should be. `warning`: it works, and will not for long, or not everything does. `fault`:
 * something does not work. `skipped`: there is nothing to look at, or this user may not.
 */
export type CheckState = 'ok' | 'warning' | 'fault' | 'skipped';

/** What one look at the device found. */
export interface CheckResult {
  readonly check: string;
  readonly state: CheckState;
  /** What is so, in a sentence. */
  readonly says: string;
  /** What to do, for a warning or a fault. */
  readonly remedy?: string;
  /** The same for programs. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Looks at one thing of the device; throws only for a defect. */
export type Check = (subject: Subject) => Promise<readonly CheckResult[]>;

type Facts = Readonly<Record<string, unknown>>;

/** Makes the results of one check. */
export class CheckResults {
  readonly #check: string;

  constructor(check: string) {
    this.#check = check;
  }

  ok(says: string, facts?: Facts): CheckResult {
    return { check: this.#check, state: 'ok', says, ...(facts ? { facts } : {}) };
  }

  skipped(says: string): CheckResult {
    return { check: this.#check, state: 'skipped', says };
  }

  warning(says: string, remedy: string, facts?: Facts): CheckResult {
    return { check: this.#check, state: 'warning', says, remedy, ...(facts ? { facts } : {}) };
  }

  fault(says: string, remedy: string, facts?: Facts): CheckResult {
    return { check: this.#check, state: 'fault', says, remedy, ...(facts ? { facts } : {}) };
  }
}
