import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeArtifact } from '../support/artifact.ts';
import { ComponentFolder } from '../support/nucleus/component-folder.ts';
import { LITE } from '../support/nucleus/personality.ts';
import type { RuntimeProcess } from '../support/runtime-process.ts';
import { digits, percent, span } from './number-text.ts';
import { cpuSeconds } from './process-cpu.ts';
import type { BenchContext, MeasuredTarget, Section, SectionReport } from './section.ts';
import { median, range } from './statistics.ts';

const ROUNDS = 3;
const SETTLE_MS = 10_000;
const IDLE_MS = 30_000;
const MAX_START_SECONDS = 3;
const MAX_IDLE_CORE = 0.02;
const MAX_RESIDENT_MEGABYTES = 180;
const run = promisify(execFile);

export const componentSection: Section = {
  name: 'component',
  title: 'The packaged component: from zip to ready, and idle',
  run: measureComponent,
};

/** In seconds. */
interface Start {
  readonly unzip: number;
  readonly cold: number;
  readonly warm: number;
}
interface Idle {
  /** Of one core. */
  readonly cpu: number;
  readonly megabytes: number;
}

async function measureComponent({ folder, progress }: BenchContext): Promise<SectionReport> {
  const platform = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
  progress(`packaging ${platform}`);
  await mkdir(folder, { recursive: true });
  const zip = await makeArtifact(platform, folder);
  const starts: Start[] = [];
  const idles: Idle[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`round ${round} of ${ROUNDS}`);
    const unpacked = path.join(folder, `round-${round}`);
    const unzip = await seconds(() => run('unzip', ['-q', zip, '-d', unpacked]));
    await evict(unpacked);
    const cold = await startOnce(unpacked);
    const warm = await startOnce(unpacked, async (runtime) => {
      idles.push(await idleOf(runtime));
    });
    starts.push({ unzip, cold, warm });
    await rm(unpacked, { recursive: true });
  }
  return report(starts, idles, (await stat(zip)).size);
}

/** Seconds from the start of the process until it is RUNNING for the nucleus and `/health/ready` says so. */
async function startOnce(
  unpacked: string,
  use: (runtime: RuntimeProcess) => Promise<void> = async () => {},
): Promise<number> {
  const component = await ComponentFolder.create(LITE, { server: { port: 0 } });
  try {
    const beginMs = performance.now();
    const runtime = await component.start([path.join(unpacked, 'bin/vedette')]);
    while (component.nucleus.states.length === 0) await pause(5);
    await runtime.ready();
    const took = (performance.now() - beginMs) / 1000;
    await use(runtime);
    await runtime.stop();
    return took;
  } finally {
    await component.close();
  }
}

async function idleOf(runtime: RuntimeProcess): Promise<Idle> {
  await pause(SETTLE_MS);
  const [beginMs, before] = [performance.now(), cpuSeconds(runtime.pid)];
  await pause(IDLE_MS);
  const used = cpuSeconds(runtime.pid) - before;
  return {
    cpu: used / ((performance.now() - beginMs) / 1000),
    megabytes: runtime.residentBytes / 1e6,
  };
}

async function seconds(act: () => Promise<unknown>): Promise<number> {
  const beginMs = performance.now();
  await act();
  return (performance.now() - beginMs) / 1000;
}

/** Has the kernel forget what it keeps of the files, so that they are read from the disk. */
async function evict(folder: string): Promise<void> {
  await run('sync', ['-f', folder]);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

function report(starts: readonly Start[], idles: readonly Idle[], zipBytes: number): SectionReport {
  const row = (what: string, unit: string, values: readonly number[]) => {
    const { lowest, highest } = range(values);
    return [what, `${digits(median(values))} ${unit}`, span(lowest, highest)];
  };
  const of = (key: keyof Start) => starts.map((start) => start[key]);
  const whole = starts.map(({ unzip, cold }) => unzip + cold);
  const core = idles.map(({ cpu }) => cpu * 100);
  const resident = idles.map(({ megabytes }) => megabytes);
  const targets = [
    target('from zip to ready, unpacking and a cold start', 's', median(whole), MAX_START_SECONDS),
    target('CPU of the idle component, of one core', '%', median(core), MAX_IDLE_CORE * 100),
    target(
      'resident memory of the idle component without a model',
      'MB',
      median(resident),
      MAX_RESIDENT_MEGABYTES,
    ),
  ];
  const missed = targets.filter(({ isReached }) => !isReached);
  return {
    method: `The zip for this machine (${digits(zipBytes / 1e6)} MB) ${ROUNDS} times: unpacked with \`unzip\`, dropped from the page cache, started as a component of the emulated nucleus lite in an empty work folder until it reported RUNNING and \`/health/ready\` answered; started again with warm files, left alone for ${SETTLE_MS / 1000} s and then looked at for ${IDLE_MS / 1000} s. No model, no camera. CPU is that of the process and its children, memory is \`VmRSS\`. A nucleus also downloads and verifies what it unpacks.`,
    tables: [
      {
        columns: ['', 'median', 'least–most'],
        rows: [
          row('unpacking', 's', of('unzip')),
          row('cold start to ready', 's', of('cold')),
          row('warm start to ready', 's', of('warm')),
          row('idle CPU', '% of a core', core),
          row('idle memory', 'MB', resident),
        ],
        says:
          missed.length === 0
            ? `All within what was set out: ${percent(MAX_IDLE_CORE)} of a core, ${MAX_RESIDENT_MEGABYTES} MB, ${MAX_START_SECONDS} s.`
            : `Missed: ${missed.map(({ what, got, missedBy }) => `${what} is ${got}, ${missedBy} too much`).join('; ')}.`,
      },
    ],
    targets,
  };
}

function target(what: string, unit: string, got: number, reach: number): MeasuredTarget {
  return {
    what,
    reach: `≤ ${reach} ${unit}`,
    got: `${digits(got)} ${unit}`,
    isReached: got <= reach,
    missedBy: `${digits(got - reach)} ${unit}`,
  };
}
