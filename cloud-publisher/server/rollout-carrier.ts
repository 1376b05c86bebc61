import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import { carryOn } from '../deployment/carry-on.ts';
import type { FleetDoors } from '../deployment/fleet-doors.ts';
import type { Rollout } from '../deployment/rollout.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';

export interface RolloutCarrierOptions {
  readonly records: RolloutRecords;
  /** Opens the ways to the fleet for as long as the action lasts. */
  readonly withDoors: (action: (doors: FleetDoors) => Promise<void>) => Promise<void>;
  /** How often AWS and the records are asked, in milliseconds. */
  readonly pollMs: number;
  /** A line of what happens. */
  readonly say: (text: string) => void;
}

/** What AWS refused for good is tried again after so long, twice as long each time. */
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 600_000;

type Open = Omit<Rollout, 'steps'>;

/**
 * Carries every roll-out on that somebody began, each until it ends or is held. Which process does is
 * decided by the records' leases: several servers and `deploy watch` take turns.
 */
export class RolloutCarrier {
  readonly #options: RolloutCarrierOptions;
  readonly #carried = new Map<string, Promise<void>>();
  readonly #retries = new Map<string, { readonly atMs: number; readonly pauseMs: number }>();

  constructor(options: RolloutCarrierOptions) {
    this.#options = options;
  }

  /** Ids of those that this process looks after now. */
  get carried(): readonly string[] {
    return [...this.#carried.keys()];
  }

  /** Resolves when `signal` was aborted and everything has come to rest. */
  async run(signal: AbortSignal): Promise<void> {
    const { pollMs, say, withDoors } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        // AWS is asked for nothing as long as there is nothing to do.
        if ((await this.#open()).length > 0) {
          await withDoors((doors) => this.#carry(doors, signal));
        }
        failures = 0;
      } catch (thrown) {
        const { code, message } = VedetteError.from(thrown);
        say(`roll-outs wait: ${code}: ${message}`);
        failures += 1;
      }
      await wait(Math.min(LONGEST_RETRY_MS, pollMs * 2 ** Math.min(failures, 20)), signal);
    }
  }

  async #open(): Promise<Open[]> {
    const all = await this.#options.records.rollouts();
    return all.filter(({ state }) => state === 'running' || state === 'rolling-back');
  }

  /** Until there is nothing to carry any more. */
  async #carry(doors: FleetDoors, signal: AbortSignal): Promise<void> {
    const { pollMs, say } = this.#options;
    const told = new Set<string>();
    try {
      while (!signal.aborted) {
        const open = await this.#open();
        for (const rollout of open) {
          const isHere = rollout.account === doors.accountId && rollout.region === doors.region;
          if (isHere) this.#begin(rollout, doors, signal);
          else if (!told.has(rollout.id)) {
            told.add(rollout.id);
            say(
              `${rollout.id} ${rollout.name} is of account ${rollout.account} in ${rollout.region}, these credentials are of ${doors.accountId} in ${doors.region}: not carried on here`,
            );
          }
        }
        if (open.length === 0 && this.#carried.size === 0) return;
        await wait(pollMs, signal);
      }
    } finally {
      await Promise.all(this.#carried.values());
    }
  }

  #begin(rollout: Open, doors: FleetDoors, signal: AbortSignal): void {
    const { id } = rollout;
    if (this.#carried.has(id) || (this.#retries.get(id)?.atMs ?? 0) > Date.now()) return;
    const carried = this.#carryOne(rollout, doors, signal).finally(() => this.#carried.delete(id));
    this.#carried.set(id, carried);
  }

  async #carryOne({ id, name }: Open, doors: FleetDoors, signal: AbortSignal): Promise<void> {
    const { records, pollMs, say } = this.#options;
    const onProgress = (text: string) => say(`${id} ${name}: ${text}`);
    try {
      await carryOn(id, doors, records, { pollMs, signal, onProgress });
      this.#retries.delete(id);
    } catch (thrown) {
      if (signal.aborted) return;
      const { code, message } = VedetteError.from(thrown);
      const { pauseMs = FIRST_RETRY_MS } = this.#retries.get(id) ?? {};
      const next = Math.min(LONGEST_RETRY_MS, pauseMs * 2);
      this.#retries.set(id, { atMs: Date.now() + pauseMs, pauseMs: next });
      onProgress(`${code}: ${message}; tried again in ${pauseMs / 1000} s`);
    }
  }
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {});
}
