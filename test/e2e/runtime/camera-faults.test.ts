import { cpSync, mkdirSync, renameSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CameraStatus } from '../../../component/contract/ports.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import { camera, cameraUntil, eventually, metrics } from '../../support/runtime-requests.ts';

let folder: RuntimeFolder;
let runtime: RuntimeProcess;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  cpSync(samples('images', 'brick'), folder.join('belt'), { recursive: true });
  mkdirSync(folder.join('station'));
  runtime = await folder.start({
    models: {
      'brick-anomaly': { package: samples('models', 'brick-anomaly') },
    },
    cameras: {
      belt: {
        model: 'brick-anomaly',
        source: { kind: 'folder', path: folder.join('belt'), framesPerSecond: 10 },
      },
      station: {
        model: 'brick-anomaly',
        source: { kind: 'folder', mode: 'watch', path: folder.join('station'), settleMs: 20 },
      },
      clip: {
        model: 'brick-anomaly',
        source: { kind: 'ffmpeg', url: samples('clips', 'walkway.mp4') },
      },
      'no-file': {
        model: 'brick-anomaly',
        source: { kind: 'mjpeg-file', path: folder.join('nothing.mjpeg') },
      },
      off: { isEnabled: false, model: 'brick-anomaly', source: { kind: 'push' } },
    },
  });
  await runtime.ready();
});

afterAll(() => folder.close());

const judgesOn = async (name: string): Promise<CameraStatus> => {
  const { framesJudged } = await camera(runtime, name);
  return cameraUntil(
    runtime,
    name,
    (one) => one.state === 'running' && one.framesJudged > framesJudged + 2,
  );
};

async function accountedFor(device: RuntimeProcess): Promise<void> {
  const { items } = await device.get<{ items: CameraStatus[] }>('/api/v1/cameras');
  for (const { name, framesDelivered, framesJudged, framesDropped } of items) {
    const dropped = Object.values(framesDropped).reduce((sum, count) => sum + count, 0);
    const underWay = framesDelivered - framesJudged - dropped;
    // Four slots, and what is on its way to the disk.
    expect({ name, isPlausible: underWay >= 0 && underWay <= 8 }).toEqual({
      name,
      isPlausible: true,
    });
  }
}

describe.each([
  ['a folder that is played', 'belt'],
  ['a folder that is watched', 'station'],
])('%s', (_, name) => {
  it('that goes away is missed with a reason, and found again when it comes back', async () => {
    await cameraUntil(runtime, name, ({ state }) => state === 'running');
    renameSync(folder.join(name), folder.join(`${name}-away`));
    const missing = await cameraUntil(runtime, name, ({ state }) => state === 'reconnecting');
    expect(missing.reason).toMatchObject({ code: 'CAMERA_SOURCE_MISSING' });
    expect(missing.reason?.message).toContain(folder.join(name));
    await judgesOn('clip');

    renameSync(folder.join(`${name}-away`), folder.join(name));
    const back = await cameraUntil(runtime, name, ({ state }) => state === 'running');
    expect(back.reason).toBeUndefined();
    expect(back.restarts).toBeGreaterThan(0);
    if (name === 'station')
      cpSync(samples('images', 'brick'), folder.join(name), { recursive: true });
    await judgesOn(name);
    const logged = runtime.log.filter((line) => line['camera'] === name && line.level === 'warn');
    // Told once, not at every attempt.
    expect(logged).toHaveLength(1);
  });
});

it('ffmpeg killed from outside is started again, and the camera goes on', async () => {
  await judgesOn('clip');
  const ffmpegOf = () =>
    runtime
      .children()
      .filter(({ commandLine }) => commandLine[0]?.endsWith('ffmpeg'))
      .map(({ pid }) => pid);
  const before = ffmpegOf();
  expect(before.length).toBeGreaterThanOrEqual(1);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await cameraUntil(runtime, 'clip', ({ restarts }) => restarts > 0);
  await judgesOn('clip');
  expect(ffmpegOf().filter((pid) => before.includes(pid))).toEqual([]);
  const told = runtime.log.filter((line) => line['camera'] === 'clip' && line.level === 'warn');
  expect(told).toMatchObject([{ state: 'reconnecting', reason: { code: 'CAMERA_SOURCE_FAILED' } }]);
});

it('a file that is not there is named, a camera that is switched off says so', async () => {
  const missing = await camera(runtime, 'no-file');
  expect(missing).toMatchObject({
    state: 'reconnecting',
    framesDelivered: 0,
    reason: { code: 'CAMERA_SOURCE_MISSING' },
  });
  expect(missing.reason?.message).toContain('nothing.mjpeg');
  expect(await camera(runtime, 'off')).toMatchObject({ state: 'disabled', framesDelivered: 0 });
});

it('every frame of cameras that run flat out is accounted for: delivered = judged + dropped + under way', async () => {
  const flatOut = { model: 'brick-anomaly', pace: 'fast', policy: 'newest' };
  const fast = await folder.start(
    {
      models: { 'brick-anomaly': { package: samples('models', 'brick-anomaly') } },
      cameras: {
        clip: { ...flatOut, source: { kind: 'ffmpeg', url: samples('clips', 'walkway.mp4') } },
        file: {
          ...flatOut,
          source: { kind: 'mjpeg-file', path: samples('clips', 'walkway.mjpeg') },
        },
      },
    },
    { dataFolder: 'fast' },
  );
  await fast.ready();
  const clip = fast.children().find(({ commandLine }) => commandLine[0]?.endsWith('ffmpeg'));
  process.kill(clip!.pid, 'SIGKILL');
  await cameraUntil(fast, 'clip', ({ restarts }) => restarts > 0);
  await cameraUntil(fast, 'file', ({ framesDropped }) => (framesDropped.overwritten ?? 0) > 20);
  await accountedFor(fast);
  const values = await metrics(fast);
  expect(
    values.get('vedette_frames_dropped_total{camera="file",reason="overwritten"}'),
  ).toBeGreaterThan(20);
  expect(await fast.stop()).toEqual({ code: 0, signal: null });
});

it('every frame of the others is accounted for too', async () => {
  await accountedFor(runtime);
  const values = await metrics(runtime);
  expect(values.get('vedette_camera_running{camera="belt"}')).toBe(1);
  expect(values.get('vedette_camera_running{camera="no-file"}')).toBe(0);
});

it('without the ffmpeg program the camera says so, and the others run', async () => {
  const ffmpegPath = folder.join('no-ffmpeg');
  const bare = await folder.start(
    {
      ffmpeg: { path: ffmpegPath },
      models: { 'brick-anomaly': { package: samples('models', 'brick-anomaly') } },
      cameras: {
        clip: {
          model: 'brick-anomaly',
          source: { kind: 'ffmpeg', url: samples('clips', 'walkway.mp4') },
        },
        belt: {
          model: 'brick-anomaly',
          source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 20 },
        },
      },
    },
    { dataFolder: 'bare' },
  );
  const failed = await cameraUntil(bare, 'clip', ({ state }) => state === 'failed');
  expect(failed.reason).toMatchObject({ code: 'FFMPEG_MISSING' });
  expect(failed.reason?.message).toContain(ffmpegPath);
  await cameraUntil(bare, 'belt', ({ framesJudged }) => framesJudged > 3);
  const told = await eventually('a log line', () =>
    bare.log.find((line) => line['camera'] === 'clip' && line.level === 'warn'),
  );
  expect(JSON.stringify(told)).toContain('FFMPEG_MISSING');
  expect(await bare.stop()).toEqual({ code: 0, signal: null });
});

it('stopping ends every child', async () => {
  expect(runtime.children().length).toBeGreaterThan(0);
  const children = runtime.children().map(({ pid }) => pid);
  expect(await runtime.stop()).toEqual({ code: 0, signal: null });
  expect(runtime.children()).toEqual([]);
  expect(children.length).toBeGreaterThan(0);
});
