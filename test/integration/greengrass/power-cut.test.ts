import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandMemory } from '../../../component/control/command-memory.ts';
import { ShadowNames } from '../../../component/control/shadow-names.ts';
import { StationFile } from '../../../component/configuration/station-file.ts';
import { readLastGood } from '../../../component/greengrass/deployment-configuration.ts';
import { SpoolFolder } from '../../../component/greengrass/spool-folder.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import { installedFacts } from '../../support/installed-facts.ts';
import { buildRecorder } from '../../support/power-cut/build-recorder.ts';
import { RecordedWrites } from '../../support/power-cut/lost-writes.ts';

const IS_DEEP = process.env['VEDETTE_DEEP'] === '1';
const CUTS = IS_DEEP ? 1000 : 30;
const ROUNDS = IS_DEEP ? 8 : 3;
const PROGRAM = path.join(import.meta.dirname, '../../support/install-and-configure.ts');

interface Promised {
  readonly what: string;
  readonly value: string;
  /** Bytes of the record when it was made. */
  readonly at: number;
}

let root = '';
let source = '';
let recorded: RecordedWrites;
let promises: Promised[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'vedette-promises-'));
  source = path.join(root, 'package');
  await mkdir(path.join(source, 'golden'), { recursive: true });
  await writeFile(path.join(source, 'model.json'), '{}');
  await writeFile(path.join(source, 'golden', 'one.json'), '[]');
  await writeFile(path.join(source, 'model.onnx'), Buffer.alloc(20_000, 'weights '));
  const workFolder = path.join(root, 'work');
  await mkdir(workFolder);
  const log = path.join(root, 'writes.log');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, workFolder, source, String(ROUNDS), log],
    {
      env: {
        ...process.env,
        LD_PRELOAD: buildRecorder(),
        RECORD_FOLDER: workFolder,
        RECORD_LOG: log,
      },
    },
  );
  promises = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const words = line.split(' ');
      return { what: words.slice(0, -2).join(' '), value: words.at(-2)!, at: Number(words.at(-1)) };
    });
  recorded = new RecordedWrites(log, workFolder);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** The newest value of each thing that was promised before the cut. */
function promisedAt(cut: number): Map<string, string> {
  return new Map(promises.filter(({ at }) => at <= cut).map(({ what, value }) => [what, value]));
}

const between = (found: number, promised: string | undefined) => {
  expect(found).toBeGreaterThanOrEqual(Number(promised ?? 0));
  expect(found).toBeLessThanOrEqual(Number(promised ?? 0) + 1);
};

async function expectKept(work: string, promised: ReadonlyMap<string, string>): Promise<void> {
  const data = path.join(work, 'data');
  const store = new ModelStore(data);
  await store.cleanUp();
  const { models, damaged } = await store.list();
  expect(damaged).toEqual([]);
  for (const model of models) await store.verify(model);
  const records = await readFile(path.join(work, 'spool', 'components.json'), 'utf8').then(
    (text) => JSON.parse(text) as Record<string, { model: { version: string } }>,
    () => ({}) as Record<string, { model: { version: string } }>,
  );
  for (const name of ['parts-a', 'parts-b', 'parts-c']) {
    const version = promised.get(`installed ${name}`);
    if (version === undefined) continue;
    expect(models.map((one) => `${one.name} ${one.version}`)).toContain(`${name} ${version}`);
    between(Number(records[name]?.model.version.split('.')[2]), version.split('.')[2]);
  }
  // What a component asked before the cut may be half of a request: it is answered, or not there.
  const spool = new SpoolFolder(work);
  await spool.open();
  for (const waiting of await spool.waiting()) {
    if ('request' in waiting) expect(waiting.request.package).toBe(source);
  }
  // Asked again, it succeeds.
  const next = { name: 'parts-a', version: promised.get('installed parts-a') ?? '1.0.1' };
  const { model } = await store.commit(await store.stage(source), installedFacts(next));
  await store.verify(model);

  const station = new StationFile(data);
  const retention = (value: unknown) =>
    (value as { retention?: Record<string, number> } | undefined)?.retention ?? {};
  between(retention(await station.settings())['resultsMaxCount'] ?? 0, promised.get('station'));
  const lastStation = retention(await station.lastGood())['resultsMaxCount'];
  between(lastStation ?? 0, promised.get('lastStation'));
  const lastGood = retention(await readLastGood(work))['capturesMaxCount'];
  between(lastGood ?? 0, promised.get('deployment'));
  const command = promised.get('command');
  const memory = await CommandMemory.open(data);
  if (command) expect(memory.get(`command-${command}`)?.state).toBe('done');
  const { earlier } = await ShadowNames.open(data);
  const [camera = 'camera-0'] = Object.keys((earlier['cameras'] ?? {}) as object);
  between(Number(camera.split('-')[1]), promised.get('shadowName'));
}

test(
  `after a power cut what was promised is there, and the rest is the old or the new (${CUTS} cuts)`,
  { timeout: 60_000 + CUTS * 500 },
  async () => {
    expect(promises.length).toBe(ROUNDS * 8);
    for (let cut = 0; cut < CUTS; cut += 1) {
      // Half of the cuts come right after something was promised.
      const at =
        cut % 2 === 0
          ? Math.floor(recorded.byteLength * Math.random())
          : promises[Math.floor(promises.length * Math.random())]!.at;
      const work = path.join(root, `cut-${cut}`);
      await mkdir(work);
      const kept = cut % 4 < 2 ? 0 : Math.random();
      recorded.restore(work, at, { kept, random: Math.random });
      await expectKept(work, promisedAt(at)).catch((error: unknown) => {
        throw new Error(`cut at ${at} of ${recorded.byteLength}, kept ${kept}`, { cause: error });
      });
      await rm(work, { recursive: true });
    }
  },
);
