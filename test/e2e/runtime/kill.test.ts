import { copyFile, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { EventReader } from '../../support/event-reader.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import {
  allResults,
  cameraUntil,
  eventually,
  notices,
  postPicture,
} from '../../support/runtime-requests.ts';
import { brickPictures } from '../../support/sample-pictures.ts';

const KILLS = process.env['VEDETTE_DEEP'] === '1' ? 50 : 2;
const bricks = brickPictures();

let folder: RuntimeFolder;
let station: string;
let parts = 0;
let config: object;

/** What was promised: results answered over HTTP, and results that the event stream showed. */
const promised = new Map<string, InferenceResult>();

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  station = folder.join('station');
  await mkdir(station);
  config = {
    models: {
      'coco-detector': { package: samples('models', 'coco-detector') },
      'brick-anomaly': { package: samples('models', 'brick-anomaly') },
    },
    cameras: {
      walkway: {
        model: 'coco-detector',
        pace: 'fast',
        source: { kind: 'mjpeg-file', path: samples('clips', 'walkway.mjpeg') },
      },
      station: {
        model: 'brick-anomaly',
        source: { kind: 'folder', mode: 'watch', path: station, settleMs: 0 },
      },
    },
    captures: { some: { camera: 'station', everyNth: 3 } },
  };
});

afterAll(() => folder.close());

/** Drops parts into the folder until told to stop. */
async function dropParts(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { file } = bricks[parts % bricks.length]!;
    const name = `part-${String((parts += 1)).padStart(5, '0')}.png`;
    await copyFile(file, join(station, `.${name}`));
    await rename(join(station, `.${name}`), join(station, name));
    await pause(40);
  }
}

/** Sends pictures until the process is gone, and keeps what it acknowledged. */
async function sendPictures(runtime: RuntimeProcess, signal: AbortSignal): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const { bytes } = bricks[count % bricks.length]!;
    const answer = await postPicture(runtime, 'brick-anomaly', bytes).catch(() => undefined);
    if (answer?.status === 200) promised.set(answer.body.id, answer.body);
    else if (answer === undefined) return;
  }
}

async function runUntilKilled(promises: number): Promise<void> {
  const runtime = await folder.start(config);
  await runtime.ready();
  const stop = new AbortController();
  const events = await EventReader.open(runtime.address);
  const load = Promise.all([
    dropParts(stop.signal),
    sendPictures(runtime, stop.signal),
    sendPictures(runtime, stop.signal),
  ]);
  await eventually(`${promises} results`, () =>
    events.results.length >= promises ? true : undefined,
  );
  await cameraUntil(runtime, 'station', ({ framesJudged }) => framesJudged > 0);
  // At any point of a commit or a move: a random fraction of a few milliseconds later.
  await pause(Math.random() * 8);
  expect(await runtime.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  stop.abort();
  await load;
  await events.ended();
  for (const result of events.results) promised.set(result.id, result);
  await eventually('the end of its children', () =>
    runtime.children().length === 0 ? true : undefined,
  );
}

/** Looks into the database as the killed process left it. */
function expectDatabaseSound(): void {
  const db = new SqliteDatabase(folder.join('data', 'registry.db'), { readonly: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    const stored = new Map(
      db
        .prepare<[], { id: string; sequence: number | null }>(
          'SELECT id, camera_sequence AS sequence FROM results',
        )
        .all()
        .map(({ id, sequence }) => [id, sequence ?? undefined]),
    );
    const missing = [...promised.values()].filter(
      ({ id, cameraSequence }) => !stored.has(id) || stored.get(id) !== cameraSequence,
    );
    expect(missing).toEqual([]);
    const gaps = db
      .prepare(
        `SELECT camera, count(*) AS results, min(camera_sequence) AS first, max(camera_sequence) AS last
         FROM results WHERE camera IS NOT NULL GROUP BY camera
         HAVING first <> 1 OR last <> results OR count(DISTINCT camera_sequence) <> results`,
      )
      .all();
    expect(gaps).toEqual([]);
  } finally {
    db.close();
  }
}

const pictures = async (path: string): Promise<string[]> =>
  (await readdir(path).catch(() => [])).filter((name) => /^part-\d+\.png$/.test(name));

/** No part is lost: each lies in exactly one place. */
async function expectPartsWhole(): Promise<void> {
  const places = [station, join(station, 'done'), join(station, 'failed')];
  const found = (await Promise.all(places.map(pictures))).flat();
  expect(new Set(found).size).toBe(parts);
}

const timeout = 30_000 * KILLS;
it(
  `kill -9 under load loses nothing that was answered or shown as stored (${KILLS} kills)`,
  { timeout },
  async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      await runUntilKilled(3 + Math.floor(Math.random() * 40));
      expectDatabaseSound();
      await expectPartsWhole();
    }
    expect(promised.size).toBeGreaterThan(KILLS * 3);
  },
);

it(
  'the next start finds it all, says nothing of damage and judges the parts that are left',
  { timeout },
  async () => {
    const runtime = await folder.start(config);
    await runtime.ready();
    const left = 'only done and failed left';
    const isDone = async () => ((await pictures(station)).length === 0 ? true : undefined);
    await eventually(left, isDone, timeout / 2);
    expect(await notices(runtime)).toEqual([]);
    for (const result of [...promised.values()].slice(-50)) {
      expect(await runtime.get(`/api/v1/results/${result.id}`)).toEqual(result);
    }
    const done = await pictures(join(station, 'done'));
    expect(done).toHaveLength(parts);
    const judged = new Set(
      (await allResults(runtime, { camera: 'station' })).map(({ frame }) => frame.fileName),
    );
    expect(done.filter((name) => !judged.has(name))).toEqual([]);
    expect(await runtime.stop()).toEqual({ code: 0, signal: null });
    expectDatabaseSound();
  },
);
