import { statfs } from 'node:fs/promises';
import type { StatsFs } from 'node:fs';
import path from 'node:path';
import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('disk');
const WARNING_BYTES = 1024 ** 3;
const LEAST_INODES = 1000;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Whether the disk of the data folder has room for pictures, results and files as such. */
export const checkDiskSpace: Check = async ({ config }) => {
  const { dataFolder, retention } = config;
  const found = await nearest(dataFolder);
  const freeBytes = found.bavail * found.bsize;
  // File systems that make inodes as they need them tell of none.
  const freeInodes = found.files === 0 ? undefined : found.ffree;
  const facts = {
    freeBytes,
    totalBytes: found.blocks * found.bsize,
    ...(freeInodes === undefined ? {} : { freeInodes, totalInodes: found.files }),
  };
  const free = `${megabytes(freeBytes)} are free for ${dataFolder}`;
  const remedy =
    'Free space, or lower retention.capturesMaxBytes and retention.resultsMaxAgeHours.';
  if (freeInodes !== undefined && freeInodes < LEAST_INODES) {
    const says = `The disk of ${dataFolder} can hold only ${freeInodes} more files (inodes)`;
    return [results.fault(says, 'Remove small files, such as old captures and logs.', facts)];
  }
  if (freeBytes < retention.minFreeBytes) {
    const least = `retention.minFreeBytes is ${megabytes(retention.minFreeBytes)}`;
    return [results.fault(`Only ${free}; ${least}: no picture is kept`, remedy, facts)];
  }
  if (freeBytes < retention.minFreeBytes + WARNING_BYTES) {
    return [results.warning(`Only ${free}`, remedy, facts)];
  }
  return [results.ok(free, facts)];
};

/** Of the folder, or of the one in which it will be made. */
async function nearest(folder: string): Promise<StatsFs> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    try {
      return await statfs(at);
    } catch (error) {
      if (at === path.dirname(at)) throw error;
    }
  }
}
