import { readFile } from 'node:fs/promises';
import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('memory');
const FAULT_BYTES = 64 * 2 ** 20;
const WARNING_BYTES = 256 * 2 ** 20;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** What is left for models and frames: of the machine, and of what a limit on the process leaves. */
export const checkMemory: Check = async ({ running }) => {
  const text = await readFile('/proc/meminfo', 'utf8');
  const bytesOf = (key: string) =>
    Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? NaN) * 1024;
  const machine = bytesOf('MemAvailable');
  const limit = await groupLimit(running?.processId ?? process.pid);
  const left = Math.min(machine, limit?.leftBytes ?? Infinity);
  const facts = {
    totalBytes: bytesOf('MemTotal'),
    availableBytes: machine,
    swapFreeBytes: bytesOf('SwapFree'),
    ...(limit ? { limitBytes: limit.limitBytes, leftOfLimitBytes: limit.leftBytes } : {}),
  };
  const of =
    limit && limit.leftBytes < machine ? `its limit of ${megabytes(limit.limitBytes)}` : '';
  const says = `${megabytes(left)} of ${of || megabytes(facts.totalBytes)} are available`;
  const remedy = 'Use smaller models or fewer workers, raise the limit, or end other programs.';
  if (left < FAULT_BYTES) return [results.fault(`Only ${says}`, remedy, facts)];
  if (left < WARNING_BYTES) return [results.warning(`Only ${says}`, remedy, facts)];
  return [results.ok(says, facts)];
};

/** The limit of systemd, a container or a deployment (cgroup v2). */
async function groupLimit(
  processId: number,
): Promise<{ readonly limitBytes: number; readonly leftBytes: number } | undefined> {
  const groups = await readFile(`/proc/${processId}/cgroup`, 'utf8').catch(() => '');
  const group = /^0::(.*)$/m.exec(groups)?.[1];
  if (group === undefined) return undefined;
  const read = async (name: string) =>
    Number(await readFile(`/sys/fs/cgroup${group}/${name}`, 'utf8').catch(() => ''));
  const [limitBytes, usedBytes] = await Promise.all([read('memory.max'), read('memory.current')]);
  // «max», or no such file, is no limit.
  if (!Number.isFinite(limitBytes) || limitBytes === 0) return undefined;
  return { limitBytes, leftBytes: Math.max(0, limitBytes - usedBytes) };
}
