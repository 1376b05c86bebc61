import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainPng } from '../../support/bad-pictures.ts';
import { loopsWhenBright, ModelPackages } from '../../support/model-packages.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import { camera, modelUntil, notices, postPicture } from '../../support/runtime-requests.ts';
import { brickPictures, streetPictures } from '../../support/sample-pictures.ts';
import { hasSilentFolders, SilentFolder } from '../../support/silent-folder.ts';

const STOPS = process.env['VEDETTE_DEEP'] === '1' ? 40 : 1;
/** Greengrass kills a component so long after it asked, in milliseconds. */
const LONGEST_STOP_MS = 5000;

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

const flatOut = {
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
    surfaces: {
      model: 'brick-anomaly',
      pace: 'fast',
      source: { kind: 'folder', path: samples('images', 'brick') },
    },
    clip: {
      model: 'coco-detector',
      source: { kind: 'ffmpeg', url: samples('clips', 'walkway.mp4') },
    },
  },
  captures: { every: { everyNth: 5 } },
  retention: { minFreeBytes: 0 },
};

/** Sends pictures as fast as they are answered, until nobody answers. */
async function keepSending(runtime: RuntimeProcess): Promise<number[]> {
  const [street, brick] = [streetPictures()[0]!, brickPictures()[0]!];
  const statuses: number[] = [];
  const send = async ({ model, bytes }: typeof street) => {
    for (;;) {
      const answer = await postPicture(runtime, model, bytes).catch(() => undefined);
      if (answer === undefined) return;
      statuses.push(answer.status);
    }
  };
  await Promise.all([send(street), send(brick)]);
  return statuses;
}

async function stopInTime(runtime: RuntimeProcess, signal: 'SIGINT' | 'SIGTERM') {
  const beganMs = performance.now();
  const end = await runtime.stop(signal);
  expect(performance.now() - beganMs).toBeLessThan(LONGEST_STOP_MS);
  return end;
}

/** Whether a thread of the process is inside a call of a file system that a process serves. */
function waitsForFileSystem({ pid }: RuntimeProcess): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  const isInside = (thread: string) =>
    /fuse|request_wait/.test(readFileSync(`/proc/${pid}/task/${thread}/wchan`, 'utf8'));
  return threads.some(isInside);
}

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  const timeout = 10_000 + 20_000 * STOPS;
  it(`ends a flat-out run cleanly at any moment (${STOPS} times)`, { timeout }, async () => {
    for (let stop = 0; stop < STOPS; stop += 1) {
      const runtime = await folder.start(flatOut, { dataFolder: signal });
      // The database of the run before was closed in order.
      expect(await notices(runtime)).toEqual([]);
      const sending = keepSending(runtime);
      await runtime.ready();
      await pause(Math.random() * 600);
      const end = await stopInTime(runtime, signal);
      expect(end, runtime.lines.slice(-12).join('\n')).toEqual({ code: 0, signal: null });
      expect(runtime.stderr).toBe('');
      const log = runtime.log;
      expect(log.map(({ msg }) => msg)).toContain(`stopping: asked by ${signal}`);
      expect(log.at(-1)?.msg).toBe('stopped');
      expect(log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
      // A request under way is answered or refused, never with another fault of the server.
      const statuses = new Set(await sending);
      expect([...statuses].filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
      expect(runtime.children()).toEqual([]);
    }
    const files = await readdir(folder.join(signal));
    expect(files.filter((name) => /-wal$|^core/.test(name))).toEqual([]);
  });

  it('while models are still tried out or warm up ends in order too', async () => {
    for (const waitMs of signal === 'SIGTERM' ? [0, 150, 400] : [150]) {
      const runtime = await folder.start(flatOut, { dataFolder: `${signal}-${waitMs}` });
      await pause(waitMs);
      const end = await stopInTime(runtime, signal);
      // What loads or runs for the first time is waited for, since it cannot be ended.
      expect(end, runtime.lines.slice(-12).join('\n')).toEqual({ code: 0, signal: null });
      expect(runtime.stderr).toBe('');
      expect(runtime.log.at(-1)?.msg).toBe('stopped');
      expect(runtime.children()).toEqual([]);
    }
  });
});

it('a second Ctrl-C ends at once, even inside a model', async () => {
  const model = { package: await packages.add(loopsWhenBright(1e15)), timeoutMs: 60_000 };
  const runtime = await folder.start({ models: { endless: model } }, { dataFolder: 'twice' });
  await runtime.ready();
  void postPicture(runtime, 'endless', await plainPng(255)).catch(() => undefined);
  await modelUntil(runtime, 'endless', ({ inFlight }) => inFlight === 1);
  runtime.signal('SIGINT');
  const messages = () => runtime.log.map(({ msg }) => msg);
  await expect.poll(messages, { timeout: 5000 }).toContain('stopping: asked by SIGINT');
  // Signals within half a second of the first are the same request, passed on by a parent.
  runtime.signal('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 600));
  const beganMs = performance.now();
  expect(await runtime.stop('SIGINT')).toEqual({ code: null, signal: 'SIGKILL' });
  // The first one alone would wait four seconds for the model.
  expect(performance.now() - beganMs).toBeLessThan(2500);
  expect(messages()).not.toContain('stopped');
  const next = await folder.start({ models: {} }, { dataFolder: 'twice' });
  expect(await notices(next)).toEqual([]);
  expect(await next.stop()).toEqual({ code: 0, signal: null });
});

it('a camera inside a model that does not return keeps nothing from being closed', async () => {
  const pictures = folder.join('bright');
  await mkdir(pictures);
  await writeFile(join(pictures, 'white.png'), await plainPng(255));
  const model = { package: await packages.add(loopsWhenBright(1e15)), timeoutMs: 60_000 };
  const gate = { model: 'endless', source: { kind: 'folder', path: pictures, mode: 'loop' } };
  const config = { models: { endless: model }, cameras: { gate } };
  const runtime = await folder.start(config, { dataFolder: 'inside' });
  await runtime.ready();
  await modelUntil(runtime, 'endless', ({ inFlight }) => inFlight === 1);
  expect(await stopInTime(runtime, 'SIGTERM')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(runtime.log.at(-1)?.msg).toBe('stopped');
  expect((await readdir(folder.join('inside'))).filter((name) => name.endsWith('-wal'))).toEqual(
    [],
  );
});

it.skipIf(!hasSilentFolders())('a share that does not answer keeps no process alive', async () => {
  const share = await SilentFolder.mount();
  try {
    const source = { kind: 'folder', mode: 'watch', path: share.path };
    const runtime = await folder.start({
      models: { surface: { package: samples('models', 'brick-anomaly') } },
      cameras: { parts: { model: 'surface', source } },
    });
    await runtime.ready();
    share.fallSilent();
    await expect.poll(() => waitsForFileSystem(runtime)).toBe(true);
    await stopInTime(runtime, 'SIGTERM');
  } finally {
    await share.close();
  }
});

it('frames that waited when the process stopped are accounted for', async () => {
  const runtime = await folder.start(flatOut, { dataFolder: 'counted' });
  await runtime.ready();
  const { framesDelivered, framesJudged, framesDropped } = await camera(runtime, 'surfaces');
  const dropped = Object.values(framesDropped).reduce((sum, count) => sum + count, 0);
  // Four slots, and as many results on their way to the disk.
  expect(framesDelivered - framesJudged - dropped).toBeGreaterThanOrEqual(0);
  expect(framesDelivered - framesJudged - dropped).toBeLessThanOrEqual(8);
  expect(await runtime.stop()).toEqual({ code: 0, signal: null });
});
