import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDriver } from '../../../component/camera/create-driver.ts';
import { genicamCameras } from '../../../component/camera/discovery/genicam-cameras.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { GstreamerCamera } from '../../../component/camera/gstreamer-camera.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { FrameRing } from '../../../native/index.ts';
import { describeCameraDriver } from '../../contract/camera/camera-driver.contract.ts';
import { GenicamCamera, hasGenicamCamera, hasGstreamer } from '../../support/genicam-camera.ts';

const driverOf = (source: Record<string, unknown>) =>
  createDriver({
    name: 'gate',
    camera: cameraSchema.parse({ source, model: 'coco-detector' }),
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });

/** The second frame of a source, with a copy of its bytes. */
async function secondFrame(source: Record<string, unknown>) {
  const slots = new FrameSlots({ slots: 4, slotBytes: 2_000_000, policy: 'newest' });
  const stop = new AbortController();
  const run = driverOf(source).run(slots, stop.signal);
  try {
    const next = () => Promise.race([slots.next(AbortSignal.timeout(15_000)), run]);
    slots.release((await next())!);
    const lease = (await next())!;
    const all = FrameRing.attach(slots.ringId).bytes(lease.slot);
    const bytes = Uint8Array.from(all.subarray(0, lease.byteLength));
    slots.release(lease);
    return { ...lease, bytes };
  } finally {
    stop.abort();
    await run.catch(() => {});
    slots.close();
  }
}

describe.skipIf(!hasGstreamer())('a GStreamer pipeline', () => {
  it.each([
    { width: 320, height: 240, format: 'i420' },
    { width: 322, height: 241, format: 'rgba' },
  ])('gives packed pictures of $width × $height as $format', async ({ format, ...size }) => {
    const caps = `video/x-raw,width=${size.width},height=${size.height}`;
    const pipeline = `videotestsrc is-live=true pattern=red ! ${caps}`;
    const frame = await secondFrame({ kind: 'gstreamer', pipeline });
    expect(frame).toMatchObject({ ...size, format });
    const pixels = size.width * size.height;
    if (format === 'rgba') {
      expect(frame.byteLength).toBe(pixels * 4);
      for (let at = 0; at < pixels; at += 1) {
        expect([...frame.bytes.subarray(at * 4, at * 4 + 3)]).toEqual([255, 0, 0]);
      }
    } else {
      // Red in limited-range BT.601.
      expect(new Set(frame.bytes.subarray(0, pixels))).toEqual(new Set([81]));
      expect(frame.bytes[pixels]).toBe(90);
      expect(frame.bytes[pixels * 1.25]).toBe(240);
    }
  });

  it('says what GStreamer said, not that it takes the pipeline down', async () => {
    await expect(
      secondFrame({ kind: 'gstreamer', pipeline: 'videotestsrc num-buffers=1 ! jpegdec' }),
    ).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringMatching(/pipeline of camera gate: (?:ERROR|WARNING)/) as string,
    });
  });

  it.each([
    ['too large', '640x480', /640×480 take 307200 bytes, at most 100000 fit/],
    ['of a width that cannot be sent as it is', '322x240', /multiple of 4, got 322/],
  ])('is open again when its pictures were %s and are so no more', async (_, size, reason) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-gstreamer-'));
    const picture = path.join(folder, 'picture.jpg');
    const show = (shown: string) =>
      execFileSync('ffmpeg', [
        ...['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', `color=red:size=${shown}`],
        ...['-frames:v', '1', picture],
      ]);
    const camera = new GstreamerCamera({
      what: 'test',
      elements: ['filesrc', `location=${picture}`, '!', 'jpegdec', '!', 'videoconvert'],
      format: { caps: 'video/x-raw,format=GRAY8', format: 'gray8' },
      stallTimeoutMs: 10_000,
    });
    const slots = new FrameSlots({ slots: 3, slotBytes: 100_000, policy: 'newest' });
    const never = new AbortController().signal;
    try {
      show(size);
      await expect(camera.run(slots, never)).rejects.toMatchObject({
        code: 'CAMERA_SOURCE_FAILED',
        message: expect.stringMatching(reason) as string,
      });
      show('320x240');
      await camera.run(slots, never);
      expect(await slots.next(never)).toMatchObject({ width: 320, height: 240 });
    } finally {
      slots.close();
      await rm(folder, { recursive: true });
    }
  });

  describeCameraDriver('a GStreamer pipeline', async () => ({
    driver: driverOf({
      kind: 'gstreamer',
      pipeline: 'videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=60/1',
    }),
    missing: driverOf({ kind: 'gstreamer', pipeline: 'filesrc location=/nowhere ! decodebin' }),
    smallestFrameBytes: 100_000,
    largestFrameBytes: 115_200,
    canWait: false,
    close: () => Promise.resolve(),
  }));
});

describe.skipIf(!hasGenicamCamera())('a GenICam camera', () => {
  let camera: GenicamCamera;
  beforeAll(async () => {
    camera = await GenicamCamera.start('V1');
  });
  afterAll(() => camera.close());
  const size = { width: 512, height: 512 };
  const source = { kind: 'genicam', camera: '127.0.0.1', size };

  it('is found, by what opens it', async () => {
    const found = await genicamCameras();
    expect(found).toEqual([{ name: 'Aravis-Fake-V1', camera: '127.0.0.1' }]);
    expect(await secondFrame({ ...source, camera: found![0]!.camera })).toMatchObject(size);
  });

  it('sends its grey ramp with the size and rate that are asked for', async () => {
    const part = { width: 260, height: 128 };
    const frame = await secondFrame({ ...source, size: part, framesPerSecond: 50 });
    expect(frame).toMatchObject({ ...part, format: 'gray8', byteLength: 260 * 128 });
    // Its picture is a ramp along the diagonal: rows that are cut elsewhere would break it.
    for (let y = 0; y < 127; y += 1) {
      for (let x = 0; x < 259; x += 1) {
        expect(frame.bytes[(y + 1) * 260 + x]).toBe(frame.bytes[y * 260 + x + 1]);
      }
    }
  });

  it.each([
    ['bayerrg8', 'bayerrg8', 1],
    ['mono16', 'mono16', 2],
    ['rgb8', 'rgb24', 3],
  ])('sends %s pixels as %s, as they are', async (pixelFormat, format, bytes) => {
    const frame = await secondFrame({ ...source, pixelFormat });
    expect(frame).toMatchObject({ format, width: 512, height: 512, byteLength: 262_144 * bytes });
  });

  it('is set to the exposure time that is asked for', async () => {
    const mean = async (exposureUs: number) => {
      const { bytes } = await secondFrame({ ...source, exposureUs });
      return bytes.reduce((sum, value) => sum + value, 0) / bytes.length;
    };
    expect(await mean(20_000)).not.toBeCloseTo(await mean(2000), 0);
  });

  describeCameraDriver('a GenICam camera', async () => ({
    driver: driverOf(source),
    missing: driverOf({ kind: 'genicam', camera: 'Nobody' }),
    smallestFrameBytes: 200_000,
    largestFrameBytes: 512 * 512,
    canWait: false,
    close: () => Promise.resolve(),
  }));
});
