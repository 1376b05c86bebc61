/** `npm run soak`: cameras, triggers and outputs under faults at random, and whether everything is accounted for. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import type { CameraStatus } from '../component/contract/ports.ts';
import { accountsOf } from '../test/soak/accounts.ts';
import type { Injected } from '../test/soak/faults.ts';
import { inject } from '../test/soak/inject.ts';
import { Load } from '../test/soak/load.ts';
import { soakPage } from '../test/soak/soak-page.ts';
import { seconds, type SoakRun } from '../test/soak/soak-run.ts';
import { SoakScene } from '../test/soak/soak-scene.ts';
import { timeline } from '../test/soak/timeline.ts';
import { watch, type Sample } from '../test/soak/watch.ts';

const USAGE = `npm run soak [-- [--minutes <number>] [--seed <number>] [--page]]

Injects faults for so many minutes (5 unless given) and accounts for every frame, trigger, picture and
verdict. Ends with 1 when something is unexplained. --page writes docs/SOAK.md and docs/soak/.`;

/** Before the first fault, and after the last one, in milliseconds. */
const CALM_MS = 10_000;
/** What waits to be told to outputs is told within this time, or given up. */
const LAST_VERDICTS_MS = 65_000;
const PROGRESS_MS = 15_000;

const root = path.join(import.meta.dirname, '..');

function choices() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes >= 1 && minutes <= 10_000))
    throw new Error(`--minutes ${values.minutes}: expected 1 to 10,000`);
  if (!Number.isSafeInteger(seed))
    throw new Error(`--seed ${values.seed}: expected a whole number`);
  return { minutes, seed, isPage: values.page, isHelp: values.help === true };
}

async function soak(minutes: number, seed: number): Promise<SoakRun> {
  const scene = await SoakScene.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void scene.close().finally(() => process.exit(130)));
  }
  const [faultsEnd, loadEnd, watchEnd] = [
    new AbortController(),
    new AbortController(),
    new AbortController(),
  ];
  const samples: Sample[] = [];
  const injected: Injected[] = [];
  const load = new Load(scene, loadEnd.signal);
  const fromMs = Date.now();
  const progress = setInterval(() => {
    const last = samples.at(-1);
    const states = Object.entries(last?.cameras ?? {}).map(
      ([name, { state }]) => `${name} ${state}`,
    );
    console.error(
      `[${seconds(Date.now() - fromMs)} s] ${injected.length} faults, ${load.triggers.length} triggers, life ${scene.lives.length}: ${states.join(', ')}`,
    );
  }, PROGRESS_MS);
  const watching = watch(scene, samples, watchEnd.signal);
  const loading = load.run();
  await pause(CALM_MS);
  const injecting = inject(scene, seed, injected, faultsEnd.signal);
  await pause(Math.max(0, minutes * 60_000 - 2 * CALM_MS));
  faultsEnd.abort();
  await injecting;
  await pause(CALM_MS);
  const toMs = Date.now();
  loadEnd.abort();
  await loading;
  watchEnd.abort();
  await watching;
  clearInterval(progress);
  await triggersEnded(scene);
  await outputsEmpty(scene);
  const { receiver, verdicts, plc, station, lives } = scene;
  await scene.close();
  return {
    ...{ fromMs, toMs, samples, lives, injected: [...injected, ...load.floods] },
    ...{ triggers: load.triggers, edges: load.edges, pictures: load.pictures },
    configuration: { deadlines: station.deadlines, problems: station.problems },
    told: { hook: receiver.received, verdicts, sorter: plc.written },
    database: scene.database,
  };
}

async function triggersEnded({ runtime }: SoakScene): Promise<void> {
  const isDone = ({ triggers }: CameraStatus) => triggers?.open === 0;
  await runtime?.until('/api/v1/cameras/dock', isDone);
}

async function outputsEmpty(scene: SoakScene): Promise<void> {
  const isEmpty = ({ items }: { items: { waiting: number }[] }) =>
    items.every(({ waiting }) => waiting === 0);
  await scene.runtime?.until('/api/v1/outputs', isEmpty, LAST_VERDICTS_MS);
}

const { minutes, seed, isPage, isHelp } = choices();
if (isHelp) console.log(USAGE);
else {
  const run = await soak(minutes, seed);
  const accounts = accountsOf(run);
  const machine = `on ${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, seed ${seed}.`;
  const text = soakPage(run, accounts, machine);
  const folder = isPage
    ? path.join(root, 'docs')
    : path.join(tmpdir(), `vedette-soak-${process.pid}`);
  const page = path.join(folder, 'SOAK.md');
  await mkdir(path.join(folder, 'soak'), { recursive: true });
  const options = await resolveConfig(path.join(root, 'docs/SOAK.md'));
  await writeFile(page, await format(text, { ...options, parser: 'markdown' }));
  await writeFile(path.join(folder, 'soak/timeline.svg'), timeline(run));
  console.log(text);
  console.log(`Written to ${page}; what the runtime stored is in ${path.dirname(run.database)}.`);
  process.exitCode = accounts.unexplained.length === 0 ? 0 : 1;
}
