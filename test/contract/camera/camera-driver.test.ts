import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDriver } from '../../../component/camera/create-driver.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { SourceBoard } from '../../../component/camera/source-board.ts';
import { PushCamera } from '../../../component/camera/push-camera.ts';
import { cameraSchema, type CameraConfig } from '../../../component/contract/camera-config.ts';
import type { CameraDriver } from '../../../component/contract/ports.ts';
import { readFileSync } from 'node:fs';
import { describeCameraDriver, type DriverFixture } from './camera-driver.contract.ts';

const STREET = 'samples/images/street';
const camera = (source: Record<string, unknown>, rest: Partial<CameraConfig> = {}) =>
  cameraSchema.parse({ source, model: 'coco-detector', pace: 'fast', ...rest });
const driverOf = (source: Record<string, unknown>): CameraDriver =>
  createDriver({
    name: 'test',
    camera: camera(source),
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });

const done = () => Promise.resolve();

describeCameraDriver('a folder in a loop', async () => ({
  driver: driverOf({ kind: 'folder', path: STREET }),
  missing: driverOf({ kind: 'folder', path: `${STREET}/nowhere` }),
  smallestFrameBytes: 20_000,
  largestFrameBytes: 2_000_000,
  canWait: true,
  close: done,
}));

describeCameraDriver('a watched folder', async (): Promise<DriverFixture> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'vedette-watch-'));
  for (let index = 0; index < 60; index += 1) {
    await copyFile(`${STREET}/walkway-00.jpg`, path.join(folder, `part-${index}.jpg`));
  }
  const watch = { kind: 'folder', mode: 'watch', settleMs: 20 };
  return {
    driver: driverOf({ ...watch, path: folder }),
    missing: driverOf({ ...watch, path: path.join(folder, 'nowhere') }),
    smallestFrameBytes: 20_000,
    largestFrameBytes: 2_000_000,
    canWait: true,
    close: () => rm(folder, { recursive: true }),
  };
});

describeCameraDriver('an MJPEG file', async () => ({
  driver: driverOf({ kind: 'mjpeg-file', path: 'samples/clips/walkway.mjpeg' }),
  missing: driverOf({ kind: 'mjpeg-file', path: 'samples/clips/nowhere.mjpeg' }),
  smallestFrameBytes: 10_000,
  largestFrameBytes: 2_000_000,
  canWait: true,
  close: done,
}));

describeCameraDriver('a video file through ffmpeg', async () => ({
  driver: driverOf({ kind: 'ffmpeg', url: 'samples/clips/walkway.mp4' }),
  missing: driverOf({ kind: 'ffmpeg', url: 'samples/clips/nowhere.mp4' }),
  smallestFrameBytes: 600_000,
  largestFrameBytes: (768 * 576 * 3) / 2,
  canWait: true,
  close: done,
}));

describeCameraDriver('the test pattern', async () => ({
  driver: driverOf({ kind: 'test-pattern', width: 320, height: 240 }),
  smallestFrameBytes: 100_000,
  largestFrameBytes: 320 * 240 * 3,
  canWait: true,
  close: done,
}));

describeCameraDriver('the frames of another camera', async () => {
  const slots = new FrameSlots({ slots: 4, slotBytes: 320 * 240 * 3, policy: 'newest' });
  const board = new SourceBoard();
  board.offer('gate', () => ({ status: { state: 'running' }, frames: slots.shared }));
  const stop = new AbortController();
  const pattern = { kind: 'test-pattern', width: 320, height: 240, framesPerSecond: 100 };
  const run = createDriver({
    name: 'gate',
    camera: camera(pattern, { pace: 'source' }),
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  }).run(slots, stop.signal);
  return {
    driver: createDriver({
      name: 'test',
      camera: camera({ kind: 'camera', camera: 'gate' }, { pace: 'source' }),
      ffmpegPath: 'ffmpeg',
      readSecret: () => Promise.reject(new Error('no secret is needed')),
      board,
    }),
    smallestFrameBytes: 100_000,
    largestFrameBytes: 320 * 240 * 3,
    canWait: false,
    close: async () => {
      stop.abort();
      await run;
      slots.close();
    },
  };
});

describeCameraDriver('pushed pictures', async () => {
  const picture = readFileSync(`${STREET}/walkway-00.jpg`);
  const driver = new PushCamera('test');
  const options = { signal: new AbortController().signal, onSequence: () => {} };
  let isClosed = false;
  const pushing = (async () => {
    while (!isClosed) {
      await driver.push(picture, options).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  return {
    driver,
    smallestFrameBytes: 20_000,
    largestFrameBytes: 2_000_000,
    canWait: true,
    close: () => {
      isClosed = true;
      return pushing;
    },
  };
});
