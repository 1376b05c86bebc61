import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { CameraSupervisor } from '../../../component/camera/camera-supervisor.ts';
import { FfmpegCamera } from '../../../component/camera/ffmpeg-camera.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import type { EncodedStream } from '../../../component/camera/fragment-reader.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import { WHOLE_FRAME, type FrameLease, type Size } from '../../../component/contract/frame.ts';
import { FrameRing, rawImageOf } from '../../../native/index.ts';
import { rawToRgb } from '../../../native/picture-to-rgb.ts';

const CLIP = 'samples/clips/walkway.mp4';
const never = new AbortController().signal;
let folder: string;
const ffmpeg = (...args: string[]) =>
  execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...args], {
    maxBuffer: 1 << 28,
  });

const cameraOf = (
  values: Record<string, unknown>,
  ffmpegPath = 'ffmpeg',
  scaledSize?: (source: Size) => Size,
  encoded?: EncodedStream,
) =>
  new FfmpegCamera({
    scaledSize,
    ...(encoded === undefined ? {} : { encoded }),
    name: 'test',
    source: cameraSourceSchema.parse({ kind: 'ffmpeg', ...values }) as FfmpegSource,
    pace: 'fast',
    ffmpegPath,
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });

/** All frames of a source that ends, as they lie in the slots. */
async function allFrames(camera: FfmpegCamera, slotBytes = 4_000_000) {
  const slots = new FrameSlots({ slots: 3, slotBytes, policy: 'every' });
  const ring = FrameRing.attach(slots.ringId);
  const frames: (Size & {
    readonly frame: FrameLease;
    readonly sequence: number;
    readonly pixels: Buffer;
    readonly scaledFrom: Size | undefined;
  })[] = [];
  const run = camera.run(slots, never).finally(() => slots.end());
  for (let lease = await slots.next(never); lease !== undefined; lease = await slots.next(never)) {
    const { width, height, sequence, byteLength, scaledFrom } = lease;
    const pixels = Buffer.from(ring.bytes(lease.slot).subarray(0, byteLength));
    frames.push({ frame: lease, width, height, sequence, pixels, scaledFrom });
    slots.release(lease);
  }
  try {
    await run;
  } finally {
    slots.close();
  }
  expect(slots.framesDelivered).toBe(frames.length);
  return frames;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-ffmpeg-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('FfmpegCamera', () => {
  it('delivers each frame of a clip, bit for bit what ffmpeg decodes', async () => {
    const frames = await allFrames(cameraOf({ url: CLIP, shouldLoop: false }));
    expect(frames.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
    expect(frames[0]).toMatchObject({ width: 768, height: 576 });
    const reference = ffmpeg('-i', CLIP, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-');
    expect(Buffer.concat(frames.map(({ pixels }) => pixels)).equals(reference)).toBe(true);
  });

  it('decodes on the processor, and says so, when the hardware that was asked for is not there', async () => {
    const hardware = { hardware: 'vaapi', hardwareDevice: '/dev/dri/renderD999' };
    const camera = cameraOf({ url: CLIP, shouldLoop: false, ...hardware });
    const troubles: (string | undefined)[] = [];
    const slots = new FrameSlots({
      ...{ slots: 3, slotBytes: 4_000_000, policy: 'newest' as const },
      onTrouble: (trouble) => troubles.push(trouble?.code),
    });
    expect(camera.decoder).toBeUndefined();
    await camera.run(slots, never);
    expect(slots.framesDelivered).toBeGreaterThan(10);
    expect(camera.decoder).toBe('software');
    expect(troubles).toEqual(['HARDWARE_DECODER_UNUSED']);
    slots.close();
  });

  it('says what decodes now: a run may fall back to the processor though its first frame did not', async () => {
    // Stands for ffmpeg with hardware, which is rarely at hand: it says the device failed once it streams.
    const program = path.join(folder, 'forgetful-ffmpeg');
    await writeFile(
      program,
      `#!/bin/sh
case "$*" in *vaapi*showinfo*) ;; *vaapi*) echo "[h264] Device setup failed for decoder on input stream #0:0" >&2 ;; esac
args=""
skip=0
for one in "$@"; do
  if [ "$skip" = 1 ]; then skip=0; continue; fi
  case "$one" in -hwaccel|-hwaccel_device) skip=1; continue ;; esac
  args="$args '$one'"
done
eval exec ffmpeg $args
`,
    );
    await chmod(program, 0o755);
    const camera = cameraOf({ url: CLIP, shouldLoop: false, hardware: 'vaapi' }, program);
    const slots = new FrameSlots({ slots: 3, slotBytes: 4_000_000, policy: 'newest' });
    await camera.run(slots, never);
    expect(slots.framesDelivered).toBeGreaterThan(10);
    expect(camera.decoder).toBe('software');
    slots.close();
  });

  it('tries hardware again that was not there, when it opens the stream much later', async () => {
    const calls = path.join(folder, 'calls');
    const program = path.join(folder, 'counting-ffmpeg');
    await writeFile(program, `#!/bin/sh\necho "$*" >> ${calls}\nexec ffmpeg "$@"\n`);
    await chmod(program, 0o755);
    const hardware = { hardware: 'vaapi', hardwareDevice: '/dev/dri/renderD999' };
    const camera = cameraOf({ url: CLIP, shouldLoop: false, ...hardware }, program);
    const tries = () =>
      readFileSync(calls, 'utf8')
        .split('\n')
        .filter((line) => /vaapi.*showinfo/.test(line)).length;
    const tooSmall = async () => {
      // What does not fit is learnt anew each time.
      const slots = new FrameSlots({ slots: 3, slotBytes: 65_536, policy: 'newest' });
      await camera.run(slots, never).catch(() => {});
      slots.close();
    };
    await tooSmall();
    await tooSmall();
    expect(tries()).toBe(1);
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 601_000);
    await tooSmall();
    now.mockRestore();
    expect(tries()).toBe(2);
  });

  it('tries hardware again when the try was aborted; what hangs twice is not used, and said so', async () => {
    const hangs = path.join(folder, 'hangs');
    const program = path.join(folder, 'hanging-ffmpeg');
    // Stands for ffmpeg with hardware: it hangs as often as the file has lines.
    await writeFile(
      program,
      `#!/bin/sh
case "$*" in *vaapi*showinfo*)
  if [ -s ${hangs} ]; then sed -i 1d ${hangs}; touch ${hangs}.now; exec sleep 60; fi ;;
esac
if [ "$4" = -hwaccel ]; then
  exec ffmpeg "$1" "$2" "$3" $(shift 5; printf '%s\\n' "$@")
fi
exec ffmpeg "$@"
`,
    );
    await chmod(program, 0o755);
    const slots = new FrameSlots({
      ...{ slots: 3, slotBytes: 4_000_000, policy: 'newest' as const },
      onTrouble: (trouble) => troubles.push(trouble?.code),
    });
    const troubles: (string | undefined)[] = [];
    const runWith = async (camera: FfmpegCamera, isHanging: boolean) => {
      const stop = new AbortController();
      const run = camera.run(slots, stop.signal);
      if (isHanging) {
        await vi.waitFor(() => expect(existsSync(`${hangs}.now`)).toBe(true), { timeout: 15_000 });
        await rm(`${hangs}.now`);
        stop.abort();
      }
      await run;
    };
    const clip = path.join(folder, 'short.mp4');
    ffmpeg('-f', 'lavfi', '-i', 'color=red:size=320x240', '-frames:v', '4', clip);
    const open = () => cameraOf({ url: clip, shouldLoop: false, hardware: 'vaapi' }, program);

    await writeFile(hangs, 'once\n');
    const camera = open();
    await runWith(camera, true);
    expect(slots.framesDelivered).toBe(0);
    await runWith(camera, false);
    expect(camera.decoder).toBe('vaapi');
    expect(troubles).toEqual([undefined]);

    await writeFile(hangs, 'once\ntwice\n');
    const other = open();
    await runWith(other, true);
    await runWith(other, true);
    await runWith(other, false);
    expect(other.decoder).toBe('software');
    expect(troubles).toEqual([undefined, 'HARDWARE_DECODER_UNUSED']);
    slots.close();
  });

  it('says that it is not recorded until a stream comes that can be', async () => {
    const clip = path.join(folder, 'recorded.mkv');
    const make = (...codec: string[]) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'color=red:size=320x240:rate=10', '-frames:v', '4'],
        ...['-pix_fmt', 'yuv420p', '-c:v', ...codec, clip],
      );
    let recorded = 0;
    const camera = cameraOf({ url: clip, shouldLoop: false }, 'ffmpeg', undefined, {
      header: () => {},
      frame: () => (recorded += 1),
      end: () => {},
    });
    const troubles: (string | undefined)[] = [];
    const slots = new FrameSlots({
      ...{ slots: 3, slotBytes: 200_000, policy: 'newest' as const },
      onTrouble: (trouble) => troubles.push(trouble?.message),
    });
    make('ffv1');
    await camera.run(slots, never);
    expect(troubles).toEqual([expect.stringContaining('its stream (ffv1) cannot be recorded')]);
    make('libx264');
    await camera.run(slots, never);
    expect(troubles.slice(1)).toEqual([undefined]);
    expect(recorded).toBe(4);
    slots.close();
  });

  it('records again what could not be for a moment, and what failed for another reason at once', async () => {
    const clip = path.join(folder, 'refused.mkv');
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'color=red:size=320x240:rate=10', '-frames:v', '2'],
      ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', clip],
    );
    const [program, said] = [path.join(folder, 'says-ffmpeg'), path.join(folder, 'said')];
    await writeFile(
      program,
      `#!/bin/sh
case "$*" in *showinfo*) exec ffmpeg "$@";; esac
if [ -s ${said} ]; then cat ${said} >&2; exit 1; fi
exec ffmpeg "$@"
`,
    );
    await chmod(program, 0o755);
    let recorded = 0;
    const camera = cameraOf({ url: clip, shouldLoop: false }, program, undefined, {
      header: () => {},
      frame: () => (recorded += 1),
      end: () => {},
    });
    const slots = new FrameSlots({ slots: 3, slotBytes: 200_000, policy: 'newest' });
    const fails = async (...lines: string[]) => {
      await writeFile(said, lines.map((line) => `${line}\n`).join(''));
      await expect(camera.run(slots, never)).rejects.toThrow();
      await writeFile(said, '');
    };
    const recordedNow = async () => {
      const before = recorded;
      await camera.run(slots, never);
      return recorded - before;
    };
    const mp4 = '[mp4 @ 0x5566] Could not find tag for codec h264 in stream #0';
    const resized =
      "[Parsed_crop_0 @ 0x5577] Invalid too big or non positive size for width '1280' or height '180'";
    for (let time = 0; time < 3; time += 1) await fails(mp4, resized);
    expect(await recordedNow()).toBe(2);
    for (let time = 0; time < 2; time += 1) await fails(mp4);
    expect(await recordedNow()).toBe(0);
    expect(await recordedNow()).toBe(2);
    slots.close();
  });

  it('delivers odd sizes whole', async () => {
    const clip = path.join(folder, 'odd.avi');
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=321x241:rate=10',
      '-frames:v',
      '5',
      '-c:v',
      'ffv1',
      clip,
    );
    const frames = await allFrames(cameraOf({ url: clip, shouldLoop: false }));
    expect(frames).toHaveLength(5);
    expect(frames[4]).toMatchObject({ width: 321, height: 241 });
    const reference = ffmpeg('-i', clip, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-');
    expect(Buffer.concat(frames.map(({ pixels }) => pixels)).equals(reference)).toBe(true);
  });

  it('turns a clip upright that says it was filmed sideways, and describes that size', async () => {
    const clip = path.join(folder, 'sideways.mp4');
    ffmpeg('-i', CLIP, '-frames:v', '3', '-c', 'copy', '-metadata:s:v', 'rotate=90', clip);
    const frames = await allFrames(cameraOf({ url: clip, shouldLoop: false }));
    expect(frames[0]).toMatchObject({ width: 576, height: 768 });
  });

  it.each([
    ['limited BT.601', 'smpte170m', 'tv'],
    ['limited BT.709', 'bt709', 'tv'],
    ['full-range BT.601', 'smpte170m', 'pc'],
    ['full-range BT.709', 'bt709', 'pc'],
  ])('gives the same colours for a %s stream', async (_title, matrix, range) => {
    const clip = path.join(folder, `colour-${matrix}-${range}.mp4`);
    // A strong red, whose YUV differs most between the matrices, encoded without loss.
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'color=c=0xC83214:size=64x48:rate=5', '-frames:v', '3', '-vf'],
      `scale=out_color_matrix=${matrix}:out_range=${range},format=yuv420p`,
      ...['-colorspace', matrix, '-color_range', range, '-c:v', 'libx264', '-qp', '0', clip],
    );
    const frames = await allFrames(cameraOf({ url: clip, shouldLoop: false }));
    const { frame, pixels } = frames[1]!;
    const shown = rawToRgb(rawImageOf(frame, 'i420', pixels), WHOLE_FRAME);
    const middle = 3 * (24 * 64 + 32);
    const rgb = shown.data.subarray(middle, middle + 3);
    for (const [channel, value] of [0xc8, 0x32, 0x14].entries()) {
      // A step of Y, U and V moves a channel by up to 2.1 grey levels.
      expect(Math.abs(rgb[channel]! - value)).toBeLessThanOrEqual(3);
    }
    // The pixels themselves are the decoder's: nothing converted them on the way.
    const format = range === 'pc' ? 'yuvj420p' : 'yuv420p';
    const decoded = ffmpeg('-i', clip, '-pix_fmt', format, '-f', 'rawvideo', '-');
    expect(pixels.equals(decoded.subarray(pixels.length, 2 * pixels.length))).toBe(true);
  });

  it('keeps the full range of pictures whose pixels have to be converted', async () => {
    const clip = path.join(folder, 'full-range-422.avi');
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'color=c=white:size=64x48:rate=5', '-frames:v', '3'],
      ...['-pix_fmt', 'yuvj422p', '-c:v', 'mjpeg', '-q:v', '1', clip],
    );
    const frames = await allFrames(cameraOf({ url: clip, shouldLoop: false }));
    const { frame, pixels } = frames[1]!;
    expect(frame.colour).toEqual({ matrix: 'bt601', range: 'full' });
    expect(pixels[24 * 64 + 32]).toBeGreaterThanOrEqual(253);
  });

  it('ends with a reason, not with scaled frames, when the picture changes its size', async () => {
    const change = path.join(folder, 'change.ts');
    for (const [index, size] of ['160x120', '320x240'].entries()) {
      ffmpeg(
        ...['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=10`, '-frames:v', '20'],
        ...['-c:v', 'libx264', '-bf', '0', '-output_ts_offset', String(index * 2)],
        path.join(folder, `part-${index}.ts`),
      );
    }
    const parts = [0, 1].map((index) => readFileSync(path.join(folder, `part-${index}.ts`)));
    await writeFile(change, Buffer.concat(parts));
    const camera = cameraOf({ url: change });
    const slots = new FrameSlots({ slots: 64, slotBytes: 200_000, policy: 'every' });
    await expect(camera.run(slots, never)).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringContaining('changed from 160×120 to 320×240') as string,
    });
    expect(slots.framesDelivered).toBeGreaterThan(10);
    expect(slots.framesDelivered).toBeLessThanOrEqual(20);
    for (let left = slots.framesWaiting; left > 0; left -= 1) {
      expect(await slots.next(never)).toMatchObject({ width: 160, height: 120 });
    }
    slots.close();
  });

  it('goes on with right frames when the picture changes its pixel format', async () => {
    const parts = ['yuv420p', 'yuv444p', 'yuv422p'].map((format) => {
      const part = path.join(folder, `${format}.h264`);
      const encode = ['-c:v', 'libx264', '-qp', '0', '-frames:v', '5', '-pix_fmt', format];
      ffmpeg('-f', 'lavfi', '-i', 'smptebars=size=160x120:rate=10', ...encode, part);
      return readFileSync(part);
    });
    const url = path.join(folder, 'formats.h264');
    await writeFile(url, Buffer.concat(parts));
    const frames = await allFrames(cameraOf({ url, shouldLoop: false }));
    expect(frames).toHaveLength(15);
    const first = frames[0]!.pixels;
    for (const { width, height, pixels } of frames) {
      expect([width, height, pixels.length]).toEqual([160, 120, first.length]);
      const farthest = pixels.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - first[at]!)),
        0,
      );
      // Chroma at the edge of a bar is averaged by one way or another.
      expect(pixels.filter((value, at) => Math.abs(value - first[at]!) > 2).length).toBeLessThan(
        0.1 * pixels.length,
      );
      expect(farthest).toBeLessThan(128);
    }
  });

  it('learns the new size when the source comes back with another one', async () => {
    const clip = path.join(folder, 'swap.mp4');
    const make = (size: string) =>
      ffmpeg('-f', 'lavfi', '-i', `testsrc=size=${size}:rate=10`, '-frames:v', '4', clip);
    make('160x120');
    const camera = cameraOf({ url: clip, shouldLoop: false });
    expect((await allFrames(camera))[0]).toMatchObject({ width: 160, sequence: 0 });
    make('64x48');
    await expect(allFrames(camera)).rejects.toMatchObject({ code: 'CAMERA_SOURCE_FAILED' });
    expect((await allFrames(camera))[0]).toMatchObject({ width: 64, sequence: 4 });
  });

  it('scales where it is told to, at each opening anew, and each frame says of what it is a copy', async () => {
    const clip = path.join(folder, 'scaled.mp4');
    // Full range and BT.709: both stay as they are.
    const make = (size: string, box: string) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', `color=black:size=${size}:rate=10`, '-frames:v', '4', '-vf'],
        `drawbox=${box}:color=white:t=fill,scale=out_color_matrix=bt709:out_range=pc,format=yuv420p`,
        ...['-colorspace', 'bt709', '-color_range', 'pc', '-c:v', 'libx264', '-qp', '0', clip],
      );
    make('640x480', 'x=200:y=120:w=160:h=80');
    const half = ({ width, height }: Size) => ({ width: width / 2, height: height / 2 });
    const camera = cameraOf({ url: clip, shouldLoop: false }, 'ffmpeg', half);
    // Frames in full would not fit.
    const frames = await allFrames(camera, 320 * 240 * 1.5);
    expect(frames).toHaveLength(4);
    const scaledFrom = { width: 640, height: 480 };
    expect(frames[0]).toMatchObject({ width: 320, height: 240, scaledFrom });
    expect(frames[0]!.frame.colour).toEqual({ matrix: 'bt709', range: 'full' });
    const luma = (x: number, y: number) => frames[2]!.pixels[y * 320 + x];
    // The box lies from (100, 60) to (180, 100): pixels on both sides of its edges.
    for (const [x, y] of [
      [100, 60],
      [179, 60],
      [100, 99],
      [179, 99],
    ])
      expect(luma(x!, y!)).toBe(255);
    for (const [x, y] of [
      [99, 60],
      [180, 60],
      [100, 59],
      [179, 100],
    ])
      expect(luma(x!, y!)).toBe(0);

    make('320x240', 'x=0:y=0:w=8:h=8');
    await expect(allFrames(camera)).rejects.toMatchObject({
      message: expect.stringContaining('changed from 640×480 to 320×240') as string,
    });
    expect((await allFrames(camera))[0]).toMatchObject({
      ...{ width: 160, height: 120, sequence: 4 },
      scaledFrom: { width: 320, height: 240 },
    });
  });

  it('counts frames that do not fit a slot and names the limit', async () => {
    const slots = new FrameSlots({ slots: 3, slotBytes: 65_536, policy: 'newest' });
    await expect(cameraOf({ url: CLIP }).run(slots, never)).rejects.toMatchObject({
      message: expect.stringMatching(/768×576 take 663552 bytes, at most 65536/) as string,
    });
    expect(slots.framesDropped).toEqual({ 'too-large': 1 });
    slots.close();
  });

  it('says what ffmpeg said about a file that is no video', async () => {
    const slots = new FrameSlots({ slots: 3, slotBytes: 65_536, policy: 'newest' });
    await expect(cameraOf({ url: 'package.json' }).run(slots, never)).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringContaining('Invalid data found') as string,
    });
    slots.close();
  });

  it('says FFMPEG_MISSING when there is no such program, or it may not be run', async () => {
    const slots = new FrameSlots({ slots: 3, slotBytes: 65_536, policy: 'newest' });
    for (const program of ['/nowhere/ffmpeg', path.resolve('package.json')]) {
      await expect(cameraOf({ url: CLIP }, program).run(slots, never)).rejects.toMatchObject({
        code: 'FFMPEG_MISSING',
        message: expect.stringContaining(program) as string,
      });
    }
    slots.close();
  });
});

describe('a supervised ffmpeg', () => {
  const open: { supervisor: CameraSupervisor; slots: FrameSlots }[] = [];
  afterEach(async () => {
    for (const { supervisor, slots } of open.splice(0)) {
      await supervisor.close();
      slots.close();
    }
  });

  function supervise(driver: FfmpegCamera) {
    const slots = new FrameSlots({ slots: 3, slotBytes: 1_000_000, policy: 'newest' });
    const supervisor = new CameraSupervisor({
      name: 'test',
      driver,
      slots,
      retry: { firstMs: 20, maximumMs: 50 },
    });
    open.push({ supervisor, slots });
    supervisor.start();
    return { supervisor, slots };
  }

  /** Children of this process whose command line has `word`. */
  const children = (word: string) =>
    readdirSync('/proc/self/task')
      .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '))
      .filter((pid) => pid !== '')
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word))
      .map(Number);

  it('comes back when it is killed, and leaves neither child nor descriptor', async () => {
    const { supervisor, slots } = supervise(cameraOf({ url: CLIP }));
    const rounds = process.env['VEDETTE_DEEP'] === '1' ? 1000 : 12;
    let descriptors = 0;
    for (let round = 0; round < rounds; round += 1) {
      const delivered = slots.framesDelivered;
      await vi.waitFor(() => expect(slots.framesDelivered).toBeGreaterThan(delivered + 5), 10_000);
      const pids = children('pipe:3');
      expect(pids).toHaveLength(1);
      if (round === 2) descriptors = readdirSync('/proc/self/fd').length;
      process.kill(pids[0]!, 'SIGKILL');
      await vi.waitFor(() => expect(supervisor.status.restarts).toBe(round + 1), 10_000);
      expect(supervisor.status.reason?.message ?? 'SIGKILL').toContain('SIGKILL');
    }
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
    await vi.waitFor(() => expect(children('pipe:3')).toHaveLength(1));
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(descriptors);
    await supervisor.close();
    expect(children('')).toEqual([]);
  });

  it('fails with what came when the program writes pictures of another size or none at all', async () => {
    const program = path.join(folder, 'other-ffmpeg');
    for (const [written, told] of [
      ['ffmpeg -v error -f lavfi -i testsrc2=s=32x32 -f yuv4mpegpipe pipe:3', /"YUV4MPEG2 W32 H32/],
      ['cat /dev/zero >&3', /got ""/],
    ] as const) {
      await writeFile(
        program,
        `#!/bin/sh\ncase "$*" in *showinfo*) exec ffmpeg "$@";; esac\nexec ${written}\n`,
      );
      await chmod(program, 0o755);
      const slots = new FrameSlots({ slots: 3, slotBytes: 4_000_000, policy: 'newest' });
      await expect(cameraOf({ url: CLIP }, program).run(slots, never)).rejects.toMatchObject({
        code: 'CAMERA_SOURCE_FAILED',
        message: expect.stringMatching(told),
      });
      expect(slots.framesDelivered).toBe(0);
      slots.close();
    }
  });

  it('kills a child that ignores SIGTERM', async () => {
    const stubborn = path.join(folder, 'stubborn-ffmpeg');
    await writeFile(
      stubborn,
      `#!/usr/bin/env bash\ncase "$*" in *showinfo*) exec ffmpeg "$@";; esac\ntrap '' TERM\n` +
        `ffmpeg "$@"\nwhile true; do read -t 0.1 < <(:); done\n`,
    );
    await chmod(stubborn, 0o755);
    const { supervisor, slots } = supervise(cameraOf({ url: CLIP }, stubborn));
    await vi.waitFor(() => expect(slots.framesDelivered).toBeGreaterThan(3), 10_000);
    expect(children('stubborn')).toHaveLength(1);
    await supervisor.close();
    expect(children('')).toEqual([]);
  });

  it('has failed while ffmpeg is missing and runs once it is there', async () => {
    const program = path.join(folder, 'late-ffmpeg');
    const { supervisor } = supervise(cameraOf({ url: CLIP }, program));
    await vi.waitFor(() => expect(supervisor.status.state).toBe('failed'));
    expect(supervisor.status.reason?.code).toBe('FFMPEG_MISSING');
    await writeFile(program, '#!/bin/sh\nexec ffmpeg "$@"\n');
    await chmod(program, 0o755);
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
  });
});
