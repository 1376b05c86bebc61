import { execFileSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { WHOLE_FRAME, type Size } from '../../../component/contract/frame.ts';
import { Pictures } from '../../../component/pipeline/pictures.ts';
import { detectionProblems, PEER_TOLERANCE } from '../../bench/same-detections.ts';
import { brightnessModel, ModelPackages } from '../../support/model-packages.ts';
import { samplesFolder, startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';

const CLIP = join(samplesFolder, 'clips', 'walkway.mp4');
const WAIT = { timeout: 60_000, interval: 50 };
const CLIP_SIZE = { width: 768, height: 576 };
const SEEN_FRAMES = 4;
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ffmpeg = (...args: string[]) =>
  execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args]);
let running: RunningRuntime;
let packages: ModelPackages;
let second = '';

beforeAll(async () => {
  packages = await ModelPackages.create();
  const first = await versionPackage(packages, '1.0.0', constantModel(0.2));
  const inputs = [{ name: 'image', dtype: 'float32' as const, shape: ['batch', 3, 64, 96] }];
  second = await versionPackage(
    packages,
    '2.0.0',
    brightnessModel(undefined, undefined, { inputs }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'vedette-scaled-'));
  // More than twice as large as the input, at moments that differ.
  const large = join(folder, 'large.mp4');
  ffmpeg(
    ...['-i', CLIP],
    ...['-vf', 'select=not(mod(n\\,40)),scale=1536:1152:flags=bicubic', '-fps_mode', 'passthrough'],
    ...['-frames:v', String(SEEN_FRAMES), '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12'],
    large,
  );
  // One that lasts for longer than the tests.
  const slow = join(folder, 'slow.mp4');
  ffmpeg('-itsscale', '5', '-i', CLIP, '-c', 'copy', slow);
  const source = (url: string, more: object = {}) => ({ kind: 'ffmpeg' as const, url, ...more });
  const once = { shouldLoop: false };
  const every = { model: 'detector', pace: 'fast', policy: 'every' } as const;
  running = await startRuntime(folder, {
    models: {
      detector: { package: join(samplesFolder, 'models', 'coco-detector') },
      parts: { package: first },
    },
    cameras: {
      full: { ...every, source: source(large, once) },
      scaled: {
        ...every,
        captureMode: 'all',
        source: source(large, { ...once, scaling: 'model' }),
      },
      looped: { model: 'parts', source: source(CLIP, { scaling: 'model' }) },
      recorded: { model: 'parts', source: source(slow, { ...once, scaling: 'model' }) },
    },
  });
});
afterAll(async () => {
  await running.close();
  await packages.close();
});

const resultsOf = async (camera: string, limit = 1000) =>
  (await running.runtime.results({ camera, limit })).items;

describe('a camera whose pictures ffmpeg scales', () => {
  it('finds the same in pixels of the camera, and its captures are the smaller pictures', async () => {
    const all = async (camera: string) => {
      await vi.waitFor(async () => expect(await resultsOf(camera)).toHaveLength(SEEN_FRAMES), WAIT);
      return (await resultsOf(camera)).toSorted((a, b) => a.frame.sequence - b.frame.sequence);
    };
    const [full, scaled] = [await all('full'), await all('scaled')];
    // The input is 512×512, stretched: the lower side decides.
    const scaledTo = { width: 684, height: 512 };
    let objects = 0;
    for (const [index, { frame, detections }] of scaled.entries()) {
      expect(frame).toMatchObject({ width: 1536, height: 1152, scaledTo });
      expect(full[index]!.frame).not.toHaveProperty('scaledTo');
      // ffmpeg takes the mean of what a pixel covers where the model's own bilinear way takes four
      // pixels of all: as two programs that scale each in their own right way.
      expect(detectionProblems(detections!, full[index]!.detections!, PEER_TOLERANCE)).toEqual([]);
      objects += full[index]!.detections!.filter(({ score }) => score >= 0.4).length;
    }
    expect(objects).toBeGreaterThan(SEEN_FRAMES);
    // A capture is stored after the result that it belongs to.
    const items = await vi.waitFor(async () => {
      const captures = await running.runtime.captures({ camera: 'scaled', limit: 10 });
      expect(captures.items).toHaveLength(SEEN_FRAMES);
      return captures.items;
    }, WAIT);
    const { imageFile } = await running.runtime.capture(items[0]!.id);
    expect(await sharp(imageFile).metadata()).toMatchObject(scaledTo);
  });

  it('is opened again for a model that needs more; what it had is never scaled up', async () => {
    const { runtime } = running;
    await vi.waitFor(async () => {
      for (const camera of ['looped', 'recorded']) {
        const [last] = await resultsOf(camera, 1);
        expect(last).toMatchObject({ frame: { ...CLIP_SIZE, scaledTo: { width: 12, height: 8 } } });
      }
    }, WAIT);
    await runtime.changeModel('parts', {
      kind: 'propose',
      package: second,
      mode: 'swap',
      cameras: [],
    });
    const last = async (camera: string) => (await resultsOf(camera, 1))[0]!;
    await vi.waitFor(
      async () => expect(await last('looped')).toMatchObject({ model: { version: '2.0.0' } }),
      WAIT,
    );
    const larger = { width: 96, height: 72 };
    const looped = await resultsOf('looped');
    for (const { model, frame, error } of looped) {
      expect(error).toBeUndefined();
      if (model.version === '2.0.0')
        expect(frame).toMatchObject({ ...CLIP_SIZE, scaledTo: larger });
    }
    expect(runtime.camera('looped').restarts).toBe(1);
    // A recording would begin anew: its frames have no answer, and say why.
    await vi.waitFor(
      async () =>
        expect(await last('recorded')).toMatchObject({
          verdict: { outcome: 'error' },
          error: {
            code: 'FRAME_INVALID',
            message: expect.stringMatching(/scaled to 12×8, .* needs 96×72 of 768×576/) as string,
          },
        }),
      WAIT,
    );
  });
});

describe('a scaled frame', () => {
  it('is drawn with everything at its place, also when it is held a second time', async () => {
    const pictures = new Pictures(1_000_000);
    const verdict = { outcome: 'fail', reason: '' } as const;
    const box = { x: 320, y: 120, width: 200, height: 240 };
    const detections = [{ label: 'a', labelIndex: 0, score: 0.5, box }];
    const overlay = { result: { detections, verdict }, zones: [], lines: {}, trails: [] };
    const drawn = async (stored: Size, scaledFrom?: Size) => {
      const { width, height } = stored;
      const byteLength = width * height;
      const slots = new FrameSlots({ slots: 3, slotBytes: byteLength, policy: 'every' });
      const { signal } = new AbortController();
      slots.scaleFrames(scaledFrom, 0);
      const writer = (await slots.openSlot(byteLength, signal))!;
      writer.bytes.fill(90);
      const frame = { format: 'gray8', width, height, byteLength, sequence: 0 } as const;
      writer.publish({ ...frame, capturedAtMs: Date.now() });
      const lease = slots.retain((await slots.next(signal))!);
      const options = { overlay, maxWidth: 320, quality: 90 };
      const jpeg = await pictures.draw(lease, WHOLE_FRAME, options);
      slots.close();
      return sharp(jpeg).raw().toBuffer();
    };
    const full = await drawn({ width: 640, height: 480 });
    const scaled = await drawn({ width: 320, height: 240 }, { width: 640, height: 480 });
    expect(scaled.equals(full)).toBe(true);
    expect(new Set(full).size).toBeGreaterThan(10);
    await pictures.close();
  });
});
