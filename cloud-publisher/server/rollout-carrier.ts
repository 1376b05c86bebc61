import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import { carryOn } from '../deployment/carry-on.ts';
import type { FleetDoors } from '../deployment/fleet-doors.ts';
import { BackOff } from '../deployment/back-off.ts';
import type { Rollout } from '../deployment/rollout.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import type { RolloutLine } from '../registry/rollout-rows.ts';

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
/** Records are near: they are tried again sooner than AWS. */
const LONGEST_RECORDS_RETRY_MS = 60_000;

interface Retry {
  readonly atMs: number;
  readonly backOff: BackOff;
  /** Of the roll-out then. */
  readonly updatedAtMs: number;
}

/**
 * Carries every roll-out on that somebody began, each until it ends or is held. Which process does is
 * decided by the records' leases: several servers and `deploy watch` take turns.
 */
export class RolloutCarrier {
  readonly #options: RolloutCarrierOptions;
  #place: { readonly account: string; readonly region: string } | undefined;
  readonly #carried = new Map<string, Promise<void>>();
  readonly #retries = new Map<string, Retry>();

  constructor(options: RolloutCarrierOptions) {
    this.#options = options;
  }

  /** Ids of those that this process looks after now. */
  get carried(): readonly string[] {
    return [...this.#carried.keys()];
  }

  /**
   * Whether this process can carry it on, as far as is known: before anything was carried, nothing is.
   * @throws VedetteError REQUEST_INVALID
   */
  requireHere({ id, account, region }: Pick<Rollout, 'id' | 'account' | 'region'>): void {
    const place = this.#place;
    if (!place || (place.account === account && place.region === region)) return;
    throw new VedetteError(
      'REQUEST_INVALID',
      `roll-out ${id} is of account ${account} in ${region}, this server carries on those of ${place.account} in ${place.region}`,
    );
  }

  /** Resolves when `signal` was aborted and everything has come to rest. */
  async run(signal: AbortSignal): Promise<void> {
    const { pollMs, say, withDoors } = this.#options;
    const backOff = new BackOff(pollMs, LONGEST_RETRY_MS);
    while (!signal.aborted) {
      // AWS is asked for nothing as long as there is nothing to do.
      if ((await this.#open(signal)).length > 0) {
        try {
          await withDoors((doors) => this.#carry(doors, signal));
          backOff.succeeded();
        } catch (thrown) {
          const { code, message } = VedetteError.from(thrown);
          say(`roll-outs wait: ${code}: ${message}`);
          await wait(backOff.failed(), signal);
          continue;
        }
      }
      await wait(pollMs, signal);
    }
  }

  /** Those to carry on; waits for records that are out of order, and meanwhile what is carried goes on. */
  async #open(signal: AbortSignal): Promise<readonly RolloutLine[]> {
    const { records, pollMs, say } = this.#options;
    const backOff = new BackOff(pollMs, LONGEST_RECORDS_RETRY_MS);
    for (let isTold = false; !signal.aborted; isTold = true) {
      try {
        return await records.open();
      } catch (thrown) {
        const { code, message } = VedetteError.from(thrown);
        if (!isTold) say(`new roll-outs wait: ${code}: ${message}`);
        await wait(backOff.failed(), signal);
      }
    }
    return [];
  }

  /** Until there is nothing to carry any more. */
  async #carry(doors: FleetDoors, signal: AbortSignal): Promise<void> {
    const { pollMs, say } = this.#options;
    const told = new Set<string>();
    this.#place = { account: doors.accountId, region: doors.region };
    try {
      while (!signal.aborted) {
        const open = await this.#open(signal);
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

  #begin(rollout: RolloutLine, doors: FleetDoors, signal: AbortSignal): void {
    const { id } = rollout;
    if (this.#carried.has(id)) return;
    const retry = this.#retries.get(id);
    // Somebody who did something to it since wants it to go on.
    if (retry && retry.updatedAtMs === rollout.updatedAtMs && retry.atMs > Date.now()) return;
    const carried = this.#carryOne(rollout, doors, signal).finally(() => this.#carried.delete(id));
    this.#carried.set(id, carried);
  }

  async #carryOne(
    { id, name, updatedAtMs }: RolloutLine,
    doors: FleetDoors,
    signal: AbortSignal,
  ): Promise<void> {
    const beganMs = Date.now();
    const { records, pollMs, say } = this.#options;
    const onProgress = (text: string) => say(`${id} ${name}: ${text}`);
    try {
      await carryOn(id, doors, records, { pollMs, signal, onProgress });
      this.#retries.delete(id);
    } catch (thrown) {
      if (signal.aborted) return;
      const { code, message } = VedetteError.from(thrown);
      // What went well for a while before counts as a new trouble.
      const before = Date.now() - beganMs < LONGEST_RETRY_MS ? this.#retries.get(id) : undefined;
      const backOff = before?.backOff ?? new BackOff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
      const pauseMs = backOff.failed();
      this.#retries.set(id, { atMs: Date.now() + pauseMs, backOff, updatedAtMs });
      onProgress(`${code}: ${message}; tried again in ${pauseMs / 1000} s`);
    }
  }
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {});
}
