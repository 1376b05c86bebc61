import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ModelStatus, Page } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import { ModelStore } from '../../component/inference/model-store/model-store.ts';
import { thisMachine } from '../../component/inference/model-store/install-model.ts';
import { digits, ms } from './number-text.ts';
import type { BenchContext, MeasuredTarget, Section, SectionReport } from './section.ts';
import type { ServerProcess } from './server-process.ts';
import { median } from './statistics.ts';
import { sample, startVedette } from './vedette-process.ts';

const SWAPS = 10;
const CAMERAS = ['left', 'right'] as const;
const INSTALLED = 200;
const LIMIT_SECONDS = 1;

export const versionsSection: Section = {
  name: 'versions',
  title: 'Another version of a model while two cameras run, and many installed ones',
  run: measureVersions,
};

async function measureVersions(context: BenchContext): Promise<SectionReport> {
  const swaps = await measureSwaps(context);
  const starts = await measureStarts(context);
  const skipped = swaps.reduce((sum, one) => sum + one.skipped, 0);
  const targets: MeasuredTarget[] = [
    {
      what: `frames skipped by ${SWAPS} swaps with two cameras`,
      reach: '0',
      got: String(skipped),
      isReached: skipped === 0,
      missedBy: `${skipped} frames`,
    },
    {
      what: `start with ${INSTALLED} installed versions, beyond the load of the model`,
      reach: `≤ ${LIMIT_SECONDS} s`,
      got: `${digits(starts.many.untilStarted)} s`,
      isReached: starts.many.untilStarted <= LIMIT_SECONDS,
      missedBy: `${digits(starts.many.untilStarted - LIMIT_SECONDS)} s`,
    },
  ];
  return {
    method:
      `\`coco-detector\` and a copy with another version, swapped ${SWAPS} times by \`POST …/candidate\` while two cameras deliver 8 frames a second each (about half of what two workers can judge) with the policy \`every\`. Gaps are between the times of a camera's results, in multiples of the interval that its frames have. ` +
      `Starts: a process with one installed version, and with ${INSTALLED}; the model passed its first run before. Until the runtime has opened its registry and store, and from then until the model is ready.`,
    tables: [
      {
        columns: [
          'camera',
          'results',
          'frames skipped',
          'longest gap while swapping',
          'longest gap without',
        ],
        rows: swaps.map(({ camera, results, skipped: lost, swapping, without }) => [
          camera,
          String(results),
          String(lost),
          `${digits(swapping)} intervals`,
          `${digits(without)} intervals`,
        ]),
        says: `${SWAPS} swaps skipped ${skipped} frames; the longest wait for a result was ${digits(Math.max(...swaps.map(({ swapping }) => swapping)))} intervals, and ${digits(Math.max(...swaps.map(({ without }) => without)))} in as long a time without a swap.`,
      },
      {
        columns: ['installed versions', 'started, s', 'then ready, s'],
        rows: [
          ['1', digits(starts.one.untilStarted), digits(starts.one.untilReady)],
          [String(INSTALLED), digits(starts.many.untilStarted), digits(starts.many.untilReady)],
        ],
        says: `${INSTALLED} installed versions make a start ${ms((starts.many.untilStarted - starts.one.untilStarted) * 1000)} longer.`,
      },
    ],
    targets,
  };
}

interface CameraSwaps {
  readonly camera: string;
  readonly results: number;
  readonly skipped: number;
  readonly swapping: number;
  readonly without: number;
}

const FRAMES_PER_SECOND = 8;

async function measureSwaps(context: BenchContext): Promise<CameraSwaps[]> {
  const { root, folder, progress } = context;
  const pictures = sample(root, 'images/street');
  const source = {
    kind: 'folder',
    path: pictures,
    mode: 'loop',
    framesPerSecond: FRAMES_PER_SECOND,
  } as const;
  const camera = { model: 'street', policy: 'every', source } as const;
  const first = versionOf(root, path.join(folder, 'swap-1'), '1.0.1');
  const second = versionOf(root, path.join(folder, 'swap-2'), '1.0.2');
  const server = await startVedette(context, 'swaps under load', {
    models: { street: { package: first, workers: 2 } },
    cameras: { left: camera, right: camera },
  });
  try {
    for (const named of [second, first]) await swap(server, named);
    const quietFrom = Date.now();
    progress('no swap, for comparison');
    await pause(20_000);
    const from = Date.now();
    for (let count = 0; count < SWAPS; count++) {
      progress(`swap ${count + 1} of ${SWAPS}`);
      await swap(server, `coco-detector@1.0.${count % 2 === 0 ? 2 : 1}`);
    }
    await pause(1000);
    const to = Date.now();
    return await Promise.all(
      CAMERAS.map(async (name) => {
        const results = await resultsOf(server, name);
        const sequences = results.map(({ frame }) => frame.sequence);
        const skipped = sequences
          .slice(1)
          .reduce((sum, one, index) => sum + one - sequences[index]! - 1, 0);
        const longest = (begin: number, end: number) =>
          longestGap(results.map(storedAtMs).filter((at) => at >= begin && at <= end));
        return {
          camera: name,
          results: results.length,
          skipped,
          swapping: longest(from, to),
          without: longest(quietFrom, from),
        };
      }),
    );
  } finally {
    await server.close();
  }
}

/** In multiples of the interval of frames. */
function longestGap(times: readonly number[]): number {
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  return Math.max(...gaps) / (1000 / FRAMES_PER_SECOND);
}

/** A result's id is a UUID of version 7, which begins with the time at which it was made (RFC 9562). */
const storedAtMs = ({ id }: InferenceResult): number =>
  Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

async function swap(server: ServerProcess, named: string): Promise<void> {
  const address = '/api/v1/models/street';
  const response = await fetch(`${server.address}${address}/candidate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ package: named, mode: 'swap' }),
  });
  if (!response.ok) throw new Error(`${named}: ${response.status} ${await response.text()}`);
  await server.until(async () => {
    const { lifecycle } = await server.getJson<ModelStatus>(address);
    if (lifecycle?.lastChange?.error) throw new Error(lifecycle.lastChange.error.message);
    return lifecycle?.change === undefined;
  }, 50);
}

async function resultsOf(server: ServerProcess, camera: string): Promise<InferenceResult[]> {
  const results: InferenceResult[] = [];
  let cursor = '';
  do {
    const page: Page<InferenceResult> = await server.getJson(
      `/api/v1/results?camera=${camera}&limit=1000${cursor}`,
    );
    results.push(...page.items);
    cursor = page.nextCursor === undefined ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`;
  } while (cursor !== '');
  return results.reverse();
}

interface Start {
  /** In seconds. */
  readonly untilStarted: number;
  readonly untilReady: number;
}

async function measureStarts(context: BenchContext): Promise<{ one: Start; many: Start }> {
  const one = await medianStart(context, 'one', 1);
  const many = await medianStart(context, 'many', INSTALLED);
  return { one, many };
}

async function medianStart(context: BenchContext, name: string, versions: number): Promise<Start> {
  const dataFolder = path.join(context.folder, `starts-${name}`);
  await install(context, dataFolder, versions);
  const starts: Start[] = [];
  // The first one tries the model; the others are what is measured.
  for (let count = 0; count < 4; count++) {
    context.progress(`start ${count + 1} with ${versions} installed`);
    const begunAtMs = Date.now();
    const server = await startVedette(context, `start with ${versions} installed`, {
      dataFolder,
      models: { street: { package: `coco-detector@2.0.${versions}` } },
    });
    try {
      const { startedAt } = await server.getJson<{ startedAt: string }>('/api/v1/status');
      const { stateSinceMs } = await server.getJson<ModelStatus>('/api/v1/models/street');
      const startedAtMs = Date.parse(startedAt);
      starts.push({
        untilStarted: (startedAtMs - begunAtMs) / 1000,
        untilReady: (stateSinceMs - startedAtMs) / 1000,
      });
    } finally {
      await server.close();
    }
  }
  const [, ...measured] = starts;
  return {
    untilStarted: median(measured.map(({ untilStarted }) => untilStarted)),
    untilReady: median(measured.map(({ untilReady }) => untilReady)),
  };
}

/** Versions that differ in their number alone share their contents in the store. */
async function install(
  { root, folder, progress }: BenchContext,
  dataFolder: string,
  versions: number,
): Promise<void> {
  progress(`installing ${versions} versions`);
  const store = new ModelStore(dataFolder);
  for (let count = 1; count <= versions; count++) {
    const version = `2.0.${count}`;
    const staged = await store.stage(versionOf(root, path.join(folder, 'installing'), version));
    await store.commit(staged, {
      name: 'coco-detector',
      version,
      variant: 'fp32',
      variantReason: 'the first',
      measurements: [],
      measuredOn: await thisMachine(),
    });
  }
}

/** `coco-detector` as a package of another version. */
function versionOf(root: string, folder: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  cpSync(sample(root, 'models/coco-detector'), folder, { recursive: true });
  const file = path.join(folder, 'model.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...manifest, version }));
  return folder;
}
