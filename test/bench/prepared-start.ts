import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { InferenceResult } from '../../component/contract/result.ts';
import { endWithThisRun, LastWords } from './server-process.ts';
import { freePort } from '../support/free-port.ts';

const POLL_MS = 20;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * `npm start` as a person types it, on a clone that is prepared, until each camera has a stored
 * verdict; then stopped.
 * @returns seconds from the command to the moment when the verdict was read over HTTP, by camera
 */
export async function secondsToFirstVerdicts(
  root: string,
  dataFolder: string,
  cameras: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const port = await freePort();
  const begin = performance.now();
  const child = spawn('npm', ['start', '--', '--port', String(port), '--data-folder', dataFolder], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: whatever npm started can be ended together.
    detached: true,
    env: { ...process.env, PATH: userPath() },
  });
  endWithThisRun(child, () => killGroup(child));
  const output = new LastWords(child);
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  try {
    return await Promise.race([firstVerdicts(child, output, port, cameras, begin), failed]);
  } finally {
    await stop(child);
  }
}

async function firstVerdicts(
  child: ChildProcess,
  output: LastWords,
  port: number,
  cameras: readonly string[],
  begin: number,
): Promise<ReadonlyMap<string, number>> {
  const seconds = new Map<string, number>();
  while (seconds.size < cameras.length) {
    const elapsed = performance.now() - begin;
    if (child.exitCode !== null || elapsed > START_TIMEOUT_MS) {
      const waited = cameras.filter((camera) => !seconds.has(camera)).join(' and ');
      throw new Error(`\`npm start\` gave no verdict of ${waited}: ${output.text}`);
    }
    for (const camera of cameras.filter((name) => !seconds.has(name))) {
      if (await hasVerdict(port, camera)) seconds.set(camera, (performance.now() - begin) / 1000);
    }
    await pause(POLL_MS);
  }
  return seconds;
}

async function hasVerdict(port: number, camera: string): Promise<boolean> {
  try {
    const url = `http://127.0.0.1:${port}/api/v1/results?camera=${camera}&limit=1`;
    const { items } = (await (await fetch(url)).json()) as { items: InferenceResult[] };
    return items.some(({ verdict }) => verdict.outcome !== 'error');
  } catch {
    // Nobody listens yet.
    return false;
  }
}

/** As outside of `npm run`, which puts the pinned Node first. */
function userPath(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.filter((folder) => !folder.endsWith('node_modules/.bin')).join(path.delimiter);
}

/** npm hands the signal on; a second one to its children would mean «at once». */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}
