import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CheckResults, type Check } from './check.ts';
import { runProgram } from '../../camera/run-program.ts';

const results = new CheckResults('clock');
/** Nothing of Vedette is older: a clock before it was never set. */
const EARLIEST = Date.UTC(2026, 0, 1);
const TOLERANCE_MS = 60_000;
const REMEDY = 'timedatectl set-ntp true, or give chrony or ntpd a server that it reaches.';

/** Whether times in results can be believed; certificates and signed requests need them too. */
export const checkClock: Check = async ({ config }) => {
  const now = Date.now();
  const shown = new Date(now).toISOString();
  if (now < EARLIEST) return [results.fault(`The clock says ${shown}: it was never set`, REMEDY)];
  const database = path.join(config.dataFolder, 'registry.db');
  const written = (await stat(database).catch(() => undefined))?.mtimeMs ?? 0;
  if (written > now + TOLERANCE_MS) {
    const last = new Date(written).toISOString();
    const says = `The clock says ${shown}, but the database was written at ${last}: it was set back`;
    return [results.fault(says, REMEDY)];
  }
  // The kernel's own view, so that it holds for every program that sets the clock.
  const args = ['show', '--property=NTPSynchronized', '--value'];
  const end = await runProgram('timedatectl', args);
  if ('failure' in end) {
    return [results.skipped(`The clock says ${shown}; whether it is synchronised cannot be told`)];
  }
  if (end.stdout.trim() === 'yes') return [results.ok(`The clock says ${shown}, synchronised`)];
  return [results.warning(`The clock says ${shown} and is not synchronised`, REMEDY)];
};
