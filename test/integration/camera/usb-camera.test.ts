import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  CameraSupervisor,
  type CameraHealth,
  type RetryTimes,
} from '../../../component/camera/camera-supervisor.ts';
import { FfmpegCamera } from '../../../component/camera/ffmpeg-camera.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { probeSource } from '../../../component/camera/probe-source.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { FrameRing } from '../../../native/index.ts';
import { hasUsbCameras, UsbCamera } from '../../support/usb-camera.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const usb = hasUsbCameras() ? await UsbCamera.start() : undefined;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await usb?.fault(undefined);
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => usb?.close());

const RAW = { size: { width: 320, height: 240 }, framesPerSecond: 120 };
const MJPEG = { inputFormat: 'mjpeg', size: { width: 768, height: 576 }, framesPerSecond: 60 };

const cameraOf = (values: Record<string, unknown>) =>
  new FfmpegCamera({
    name: 'dock',
    source: cameraSourceSchema.parse({
      ...{ kind: 'ffmpeg', url: usb!.link },
      ...values,
    }) as FfmpegSource,
    pace: 'source',
    ffmpegPath: usb!.ffmpegPath,
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });

/** A camera that is kept alive, with everything that it said. */
function keep(values: Record<string, unknown>, retry: Partial<RetryTimes> = {}) {
  const said: CameraHealth[] = [];
  const troubles: (VedetteError | undefined)[] = [];
  const slots = new FrameSlots({
    ...{ slots: 4, slotBytes: 1_000_000, policy: 'newest' },
    onTrouble: (trouble) => troubles.push(trouble),
  });
  const supervisor = new CameraSupervisor({
    ...{ name: 'dock', driver: cameraOf(values), slots },
    ...{ onChange: (health) => said.push(health), retry },
  });
  closing.push(async () => {
    await supervisor.close();
    slots.close();
  });
  supervisor.start();
  const untilState = (state: string) =>
    expect.poll(() => supervisor.status.state, { interval: 10 }).toBe(state);
  return { supervisor, slots, said, troubles, untilState };
}

/** The next frame, as it lies in its slot. */
async function next(slots: FrameSlots): Promise<Buffer> {
  const lease = await slots.next(AbortSignal.timeout(15_000));
  if (lease === undefined) throw new Error('no frame came');
  const ring = FrameRing.attach(slots.ringId);
  const pixels = Buffer.from(ring.bytes(lease.slot).subarray(0, lease.byteLength));
  slots.release(lease);
  return pixels;
}

/** Of a frame of the stand-in, below 220: its first luma is 16 + 3n mod 220. */
const numberOf = (pixels: Buffer): number =>
  [0, 1, 2].map((turn) => (pixels[0]! - 16 + 220 * turn) / 3).find(Number.isInteger)!;

/** As the stand-in draws frame n, in I420. */
function drawn(n: number): Buffer {
  const { width, height } = RAW.size;
  const luma = Uint8Array.from(
    { length: width * height },
    (_, i) => 16 + (((i % width) + 2 * Math.floor(i / width) + 3 * n) % 220),
  );
  const chroma = [100, 150].map((value) => Buffer.alloc((width * height) / 4, value));
  return Buffer.concat([luma, ...chroma]);
}

/** The picture of the stand-in as ffmpeg decodes it. */
const picture = () =>
  execFileSync(
    'ffmpeg',
    [
      ...['-loglevel', 'error', '-nostdin', '-i', 'samples/images/street/walkway-00.jpg'],
      ...['-pix_fmt', 'yuvj420p', '-f', 'rawvideo', '-'],
    ],
    { maxBuffer: 1 << 24 },
  );

describe.skipIf(usb === undefined)('a USB camera', () => {
  it('gives its pictures pixel for pixel, one after the other', async () => {
    const { slots } = keep(RAW);
    let last = -1;
    for (let count = 0; count < 6; count += 1) {
      const pixels = await next(slots);
      const n = numberOf(pixels);
      expect(n).toBeGreaterThan(last);
      last = n;
      expect(pixels.equals(drawn(n))).toBe(true);
    }
  });

  it.each([
    ['a size', { size: { width: 800, height: 600 } }, /no size of 800×600 .* would give 640×480/],
    ['a format', { inputFormat: 'h264' }, /does not send the format that is asked of it/],
  ])('says plainly that it has not %s that is asked of it', async (_, values, message) => {
    const { supervisor, slots, untilState } = keep(values);
    await untilState('failed');
    expect(supervisor.status.reason).toMatchObject({
      code: 'CAMERA_SETTING_REFUSED',
      message: expect.stringMatching(message) as string,
    });
    expect(slots.framesDelivered).toBe(0);
  });

  it('is told by a probe as it is', async () => {
    const probe = { durationMs: 100, openingMs: 15_000, maxFrameBytes: 1_000_000 };
    expect(await probeSource(cameraOf(RAW), probe)).toMatchObject({
      ...{ format: 'i420', ...RAW.size },
      framesPerSecond: expect.any(Number) as number,
      still: { format: 'jpeg' },
    });
  });

  it('runs at the nearest rate that it has, and says so', async () => {
    const { troubles, untilState } = keep({ ...RAW, framesPerSecond: 100 });
    await untilState('running');
    expect(troubles.at(-1)).toMatchObject({
      code: 'CAMERA_SETTING_REFUSED',
      message: expect.stringContaining('has no rate of 100 frames/s at this size; it gives 120'),
    });
  });

  it('that is pulled out and plugged into another port runs again, by its link', async () => {
    const { supervisor, said, untilState, slots } = keep(RAW, { firstMs: 20 });
    await untilState('running');
    await usb!.unplug();
    await expect.poll(() => supervisor.status.reason?.code).toBe('CAMERA_SOURCE_MISSING');
    expect(supervisor.status.state).toBe('reconnecting');
    expect(supervisor.status.reason!.message).toBe(`device ${usb!.link} does not exist`);
    expect(said.map(({ state, reason }) => [state, reason?.message])).toContainEqual([
      'reconnecting',
      expect.stringContaining('the device is gone: it was unplugged, or reset itself'),
    ]);
    const before = slots.framesDelivered;
    await usb!.plug('video2');
    await untilState('running');
    expect(supervisor.status.reason).toBeUndefined();
    await expect.poll(() => slots.framesDelivered).toBeGreaterThan(before);
  });

  it('that another program has open says so, and is had soon after that has ended', async () => {
    const args = ['-loglevel', 'error', '-f', 'v4l2', '-i', usb!.link, '-f', 'framecrc', '-'];
    const other = spawn(usb!.ffmpegPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    closing.push(async () => void other.kill('SIGKILL'));
    await once(other.stdout, 'data');
    other.stdout.resume();
    // Each pause but that of a source whose return nobody tells would outlast the test.
    const retry = { firstMs: 600_000, maximumMs: 600_000, untoldMaximumMs: 50 };
    const { supervisor, untilState } = keep(RAW, retry);
    await untilState('reconnecting');
    expect(supervisor.status.reason).toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringContaining('another program has the device open') as string,
    });
    other.kill('SIGTERM');
    await untilState('running');
  });

  it.each([
    ['YUYV', RAW],
    ['MJPEG', MJPEG],
  ])(
    'counts frames of %s that are damaged or cut off, and gives none of them',
    async (_, values) => {
      const { slots, supervisor } = keep(values);
      const whole = picture();
      const isWhole = (pixels: Buffer) =>
        pixels.equals(values === RAW ? drawn(numberOf(pixels)) : whole);
      const seen: boolean[] = [];
      const see = async (count: number) => {
        for (let more = count; more > 0; more -= 1) seen.push(isWhole(await next(slots)));
      };
      const counted = () => slots.framesDropped.unreadable ?? 0;
      await see(1);
      for (const fault of ['damaged', 'short'] as const) {
        const before = counted();
        await usb!.fault(fault);
        await expect.poll(counted).toBeGreaterThan(before + 3);
        await usb!.fault(undefined);
        await see(6);
      }
      expect(seen).not.toContain(false);
      expect(supervisor.status).toMatchObject({ state: 'running', restarts: 0 });
    },
  );

  it.runIf(isDeep)('that falls silent is opened again until it sends', async () => {
    const { untilState } = keep({ ...RAW, stallTimeoutMs: 500 }, { firstMs: 20 });
    await untilState('running');
    await usb!.fault('silent');
    await untilState('stalled');
    await usb!.fault(undefined);
    await untilState('running');
  });
});
