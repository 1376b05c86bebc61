import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../component/contract/errors.ts';
import { cutShort, lyingPng, plainPng } from '../../support/bad-pictures.ts';
import { loopsWhenBright, ModelPackages } from '../../support/model-packages.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import {
  allResults,
  camera,
  cameraUntil,
  eventually,
  pushPicture,
} from '../../support/runtime-requests.ts';
import { brickPictures } from '../../support/sample-pictures.ts';

const brick = brickPictures()[0]!;
const MAX_FRAME_BYTES = 300_000;
const models = { brick: { package: samples('models', 'brick-anomaly') } };

let folder: RuntimeFolder;
let packages: ModelPackages;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await folder.close();
  await packages.close();
});

const watched = (name: string) => ({ kind: 'folder', mode: 'watch', path: folder.join(name) });
const resultsOf = async (runtime: RuntimeProcess, name: string) =>
  (await allResults(runtime, { camera: name })).filter((result) => result.camera === name);

async function drop(station: string, name: string, bytes: Uint8Array): Promise<void> {
  await writeFile(folder.join(station, `.${name}`), bytes);
  await rename(folder.join(station, `.${name}`), folder.join(station, name));
}

describe('a part that cannot be read', () => {
  const parts: readonly (readonly [name: string, bytes: Uint8Array, code: ErrorCode])[] = [
    ['empty.jpg', Buffer.alloc(0), 'IMAGE_CORRUPT'],
    [
      'bitmap.bmp',
      Buffer.concat([Buffer.from('BM'), Buffer.alloc(500)]),
      'IMAGE_FORMAT_UNSUPPORTED',
    ],
    ['header.png', cutShort(brick.bytes, 0.0001), 'IMAGE_CORRUPT'],
    ['lying.png', lyingPng(2 ** 31 + 1, 16), 'IMAGE_CORRUPT'],
    ['large.png', Buffer.alloc(MAX_FRAME_BYTES + 1), 'BODY_TOO_LARGE'],
  ];

  it('has an error result before it lies in failed/, whatever kept it from a slot', async () => {
    await mkdir(folder.join('refusing'));
    const runtime = await folder.start(
      {
        models,
        cameras: {
          station: { model: 'brick', maxFrameBytes: MAX_FRAME_BYTES, source: watched('refusing') },
        },
      },
      { dataFolder: 'refusing-data' },
    );
    for (const [name, bytes] of parts) await drop('refusing', name, bytes);
    await eventually('every part in failed/', async () => {
      const failed = await readdir(folder.join('refusing', 'failed')).catch(() => []);
      return failed.length === 2 * parts.length ? true : undefined;
    });
    const results = await resultsOf(runtime, 'station');
    const told = results.map(({ frame, error, verdict }) => [
      frame.fileName,
      error?.code,
      verdict.outcome,
    ]);
    expect(told).toHaveLength(parts.length);
    expect(told).toEqual(
      expect.arrayContaining(parts.map(([name, , code]) => [name, code, 'error'])),
    );
    for (const [name, , code] of parts) {
      const reason = await readFile(folder.join('refusing', 'failed', `${name}.json`), 'utf8');
      expect(JSON.parse(reason)).toMatchObject({ code });
    }
    const status = await camera(runtime, 'station');
    expect(status).toMatchObject({
      framesDelivered: parts.length,
      framesJudged: 0,
      framesDropped: { unreadable: parts.length - 1, 'too-large': 1 },
      outcomes: { error: parts.length },
    });
    await drop('refusing', 'good.png', brick.bytes);
    await cameraUntil(runtime, 'station', ({ framesJudged }) => framesJudged === 1);
    await runtime.stop();
  });
});

it('a good part that the region does not fit stays, and is judged when the region is right', async () => {
  await mkdir(folder.join('cut'));
  const config = (rest: object) => ({
    models,
    cameras: { station: { model: 'brick', source: watched('cut'), ...rest } },
  });
  const options = { dataFolder: 'cut-data' };
  const wrong = await folder.start(
    config({ region: { x: 5000, y: 0, width: 10, height: 10 } }),
    options,
  );
  await drop('cut', 'part.png', brick.bytes);
  const status = await cameraUntil(wrong, 'station', ({ reason }) => reason !== undefined);
  expect(status).toMatchObject({ state: 'running', reason: { code: 'FRAME_INVALID' } });
  expect(status.framesDropped).toEqual({});
  expect(await readdir(folder.join('cut'))).toEqual(['part.png']);
  await wrong.stop();

  const right = await folder.start(config({}), options);
  await cameraUntil(right, 'station', ({ framesJudged }) => framesJudged === 1);
  const outcomes = (await resultsOf(right, 'station')).map(({ verdict }) => verdict.outcome);
  expect(outcomes).toHaveLength(2);
  expect(outcomes[0]).toBe('error');
  expect(outcomes[1]).not.toBe('error');
  await eventually('the part in done/', async () => {
    const done: string[] = await readdir(folder.join('cut', 'done')).catch(() => []);
    return done.includes('part.png') ? true : undefined;
  });
  await right.stop();
});

it('each pushed picture is answered, also when its model fails while it waits', async () => {
  const runtime = await folder.start(
    {
      models: {
        endless: { package: await packages.add(loopsWhenBright(1e15)), timeoutMs: 500 },
      },
      cameras: { gate: { model: 'endless', source: { kind: 'push' } } },
    },
    { dataFolder: 'pushed-data' },
  );
  await runtime.ready();
  const bright = await plainPng(255);
  const statuses: number[] = [];
  const pushes = Array.from({ length: 8 }, async () => {
    const { status } = await pushPicture(runtime, 'gate', bright);
    statuses.push(status);
  });
  await eventually('an answer for each', () => (statuses.length === 8 ? true : undefined));
  await Promise.all(pushes);
  expect(statuses.filter((status) => status === 504).length).toBeGreaterThan(0);
  expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(0);
  expect(statuses.every((status) => status === 503 || status === 504)).toBe(true);
}, 60_000);
