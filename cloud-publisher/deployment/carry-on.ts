import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import { advanceRollout } from './advance-rollout.ts';
import { BackOff } from './back-off.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { isLeaseOwnerGone, leaseHolderName, newLeaseOwner } from './lease-owner.ts';
import { ENDED } from './rollout.ts';
import type { Rollout } from './rollout.ts';

export interface CarryOnOptions {
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** What happens, a line each: what is recorded, and how far it is. */
  readonly onProgress: (text: string) => void;
}

const LEASE_MS = 60_000;
const MAX_BACK_OFF_MS = 60_000;

/**
 * Carries a roll-out on until it ends or is held: hours, over any restart. One process at a time does;
 * others look on and take over when it is gone.
 * @throws VedetteError SHUTTING_DOWN when it is interrupted, and what AWS refuses for good
 */
export async function carryOn(
  id: string,
  doors: FleetDoors,
  records: RolloutRecords,
  { pollMs, signal, onProgress }: CarryOnOptions,
): Promise<Rollout> {
  const owner = await newLeaseOwner();
  const show = changesOnly(onProgress);
  const showEvents = eventsOf(id, records, onProgress);
  const backOff = new BackOff(pollMs, MAX_BACK_OFF_MS);
  const keeper = setInterval(() => {
    // A lease that cannot be kept ends by itself; the step's own checks hold off a second process.
    records.lease(id, owner, LEASE_MS).catch(() => undefined);
  }, LEASE_MS / 3);
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        const turn = await oneTurn();
        backOff.succeeded();
        if (turn.kind === 'over') return turn.rollout;
        if (turn.kind === 'moved') continue;
        await wait(pollMs, signal);
      } catch (error) {
        if (!(error instanceof VedetteError) || !isPassing(error)) throw error;
        show(`${error.code}: ${error.message}; tried again`);
        await wait(backOff.failed(), signal);
      }
    }
  } finally {
    clearInterval(keeper);
    // What ended the loop is what is told: a lease that stays ends by itself.
    await records.release(id, owner).catch((error: unknown) => {
      onProgress(`the right to carry it on ends in a minute: ${(error as Error).message}`);
    });
  }

  async function oneTurn(): Promise<Turn> {
    const holder = await takeLease(id, owner, records);
    const rollout = await records.rollout(id);
    await showEvents();
    if (ENDED.has(rollout.state) || rollout.state === 'held' || rollout.state === 'planned')
      return { kind: 'over', rollout };
    if (holder !== undefined) {
      show(`carried on by ${leaseHolderName(holder)}`);
      return { kind: 'waits' };
    }
    return { kind: (await advanceRollout(rollout, doors, records, show)) ? 'moved' : 'waits' };
  }
}

type Turn =
  { readonly kind: 'over'; readonly rollout: Rollout } | { readonly kind: 'moved' | 'waits' };

const isPassing = ({ code, retryable }: VedetteError): boolean =>
  retryable && code !== 'SHUTTING_DOWN' ? true : code === 'ROLLOUT_STATE_CHANGED';

/** @returns who has it, when it is not ours */
async function takeLease(
  id: string,
  owner: string,
  records: RolloutRecords,
): Promise<string | undefined> {
  const holder = await records.lease(id, owner, LEASE_MS);
  if (holder === undefined || !(await isLeaseOwnerGone(holder))) return holder;
  return records.lease(id, owner, LEASE_MS, holder);
}

/** Shows what was recorded since, by whichever process. */
function eventsOf(
  id: string,
  records: RolloutRecords,
  onProgress: (text: string) => void,
): () => Promise<void> {
  let after: number | undefined;
  return async () => {
    // At first what was there before is no news.
    if (after === undefined) {
      after = await records.lastEvent(id);
      return;
    }
    for (const { position, text } of await records.events(id, after)) {
      onProgress(text);
      after = position;
    }
  };
}

function changesOnly(onProgress: (text: string) => void): (text: string) => void {
  let last = '';
  return (text) => {
    if (text !== last) onProgress(text);
    last = text;
  };
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
