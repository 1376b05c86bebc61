import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { GstreamerCamera } from '../../../component/camera/gstreamer-camera.ts';
import { describeCameraDriver } from '../../contract/camera/camera-driver.contract.ts';
import { driverOf, secondFrame } from '../../support/driver-frames.ts';
import { hasGstreamer } from '../../support/genicam-camera.ts';

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

  it('is open again when its pictures were too large and are so no more', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-gstreamer-'));
    const picture = path.join(folder, 'picture.jpg');
    const show = (shown: string) =>
      execFileSync('ffmpeg', [
        ...['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', `color=red:size=${shown}`],
        ...['-frames:v', '1', picture],
      ]);
    const camera = new GstreamerCamera({
      what: 'test',
      elements: ['filesrc', `location=${picture}`, '!', 'jpegdec'],
      stallTimeoutMs: 10_000,
    });
    const slots = new FrameSlots({ slots: 3, slotBytes: 200_000, policy: 'newest' });
    const never = new AbortController().signal;
    try {
      show('640x480');
      await expect(camera.run(slots, never)).rejects.toMatchObject({
        code: 'CAMERA_SOURCE_FAILED',
        message: expect.stringMatching(/640×480 take 460800 bytes, at most 200000 fit/) as string,
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
