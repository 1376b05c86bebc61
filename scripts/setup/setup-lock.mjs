// @ts-check
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
/** A holder writes its pid right after making the folder; one that never did has died. */
const PID_GRACE_MS = 2000;

/**
 * Runs `work` while no other process does the same for this folder. A lock whose process is gone is
 * taken over.
 * @template T
 * @param {string} folder made to take the lock, removed to give it back
 * @param {() => Promise<T>} work
 * @param {(holder: number) => void} onWait told once when another process has it
 * @returns {Promise<T>}
 */
export async function withSetupLock(folder, work, onWait) {
  await take(folder, onWait);
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {(holder: number) => void} onWait
 */
async function take(folder, onWait) {
  mkdirSync(dirname(folder), { recursive: true });
  let hasTold = false;
  let namelessSince = 0;
  for (;;) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(folder);
    if (holder === undefined) namelessSince ||= Date.now();
    else namelessSince = 0;
    const isAbandoned =
      holder === undefined ? Date.now() - namelessSince > PID_GRACE_MS : !isAlive(holder);
    if (isAbandoned) {
      takeAway(folder);
      namelessSince = 0;
      continue;
    }
    if (holder !== undefined && !hasTold) {
      hasTold = true;
      onWait(holder);
    }
    await sleep(POLL_MS);
  }
}

/** Renaming first lets exactly one of several waiting processes remove an abandoned lock.
 * @param {string} folder */
function takeAway(folder) {
  const aside = `${folder}.${process.pid}`;
  try {
    renameSync(folder, aside);
  } catch {
    return;
  }
  rmSync(aside, { recursive: true, force: true });
}

/**
 * @param {string} folder
 * @returns {number | undefined}
 */
function readHolder(folder) {
  const file = join(folder, 'pid');
  try {
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN;
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
