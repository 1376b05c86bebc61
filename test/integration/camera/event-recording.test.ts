import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDriver } from '../../../component/camera/create-driver.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import type { NewResult } from '../../../component/contract/ports.ts';
import { ClipStore } from '../../../component/delivery/clip-store.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { EventRecorder } from '../../../component/pipeline/event-recorder.ts';
import { startRuntime } from '../../support/real-runtime.ts';
import { sampleResult } from '../registry/sample-result.ts';

const run = promisify(execFile);
const retention = { clipsMaxBytes: 10_000_000, minFreeBytes: 0 };
const verdict = (outcome: NewResult['verdict']['outcome']): NewResult => ({
  ...sampleResult(),
  verdict: { outcome, reason: 'because' },
});
let dataFolder: string;
beforeAll(async () => {
  dataFolder = await mkdtemp(path.join(tmpdir(), 'vedette-clips-'));
});
afterAll(() => rm(dataFolder, { recursive: true }));

describe('a recording around an event', () => {
  it(
    'is the stream as it came, from its key frame on, and plays',
    { timeout: 60_000 },
    async () => {
      const camera = cameraSchema.parse({
        source: { kind: 'ffmpeg', url: 'samples/clips/walkway.mp4', shouldLoop: false },
        model: 'coco-detector',
        pace: 'fast',
        recording: { beforeSeconds: 60, afterSeconds: 60 },
      });
      const clips = new ClipStore({ dataFolder, retention });
      const faults = new FaultLog(pino({ level: 'silent' }));
      const recording = camera.recording!;
      const recorder = new EventRecorder({ camera: 'gate', recording, clips, faults });
      const driver = createDriver({
        ...{ name: 'gate', camera, ffmpegPath: 'ffmpeg', encoded: recorder.ring },
        readSecret: () => Promise.reject(new Error('no secret is needed')),
      });
      const slots = new FrameSlots({ slots: 3, slotBytes: 2_000_000, policy: 'every' });
      const stop = new AbortController();
      expect(recorder.see(verdict('fail'), performance.now())).not.toHaveProperty('clipId');
      const streaming = driver.run(slots, stop.signal).then(() => slots.end());
      const ids = new Set<string | undefined>();
      let frames = 0;
      for (;;) {
        const lease = await slots.next(stop.signal);
        if (lease === undefined) break;
        slots.release(lease);
        frames += 1;
        if (frames === 5)
          expect(recorder.see(verdict('pass'), performance.now())).not.toHaveProperty('clipId');
        if (frames === 20 || frames === 21)
          ids.add(recorder.see(verdict('fail'), performance.now()).clipId);
      }
      await streaming;
      await recorder.close();
      slots.close();

      expect(ids.size).toBe(1);
      const file = await clips.fileOf([...ids][0]!);
      const probe = await run('ffprobe', [
        ...['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-of', 'json'],
        ...['-show_entries', 'stream=codec_name,width,height,nb_read_frames', file],
      ]);
      expect(probe.stderr).toBe('');
      expect((JSON.parse(probe.stdout) as { streams: object[] }).streams).toEqual([
        {
          codec_name: 'h264',
          width: 768,
          height: 576,
          nb_read_frames: expect.any(String) as string,
        },
      ]);
      const [stream] = (JSON.parse(probe.stdout) as { streams: { nb_read_frames: string }[] })
        .streams;
      // ffmpeg writes a fragment when the next frame comes.
      expect(Number(stream!.nb_read_frames)).toBeGreaterThanOrEqual(frames - 1);
      const decoded = await run('ffmpeg', ['-v', 'error', '-i', file, '-f', 'null', '-']);
      expect(decoded.stderr).toBe('');
    },
  );
});

describe('ClipStore', () => {
  const id = (index: number) => `01900000-0000-7000-8000-00000000000${index}`;

  it('lets the oldest recordings give way', async () => {
    const folder = path.join(dataFolder, 'small');
    const clips = new ClipStore({
      dataFolder: folder,
      retention: { ...retention, clipsMaxBytes: 1000 },
    });
    await Promise.all([1, 2, 3].map((index) => clips.save(id(index), [new Uint8Array(400)])));
    expect(await readdir(path.join(folder, 'clips'))).toEqual([`${id(2)}.mp4`, `${id(3)}.mp4`]);
    await expect(clips.fileOf(id(1))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(clips.save(id(4), [new Uint8Array(1001)])).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    expect(await readdir(path.join(folder, 'clips'))).toHaveLength(2);
  });

  it('lets the oldest give way to minFreeBytes, and tells of it', async (context) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-clips-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    } catch {
      context.skip('mounting a tmpfs is not permitted here');
    }
    onTestFinished(async () => void (await run('umount', ['-l', folder])));
    const outcomes: unknown[] = [];
    const clips = new ClipStore({
      dataFolder: folder,
      retention: { ...retention, minFreeBytes: 600_000 },
      onOutcome: (outcome, count, error) => outcomes.push([outcome, count, error?.code]),
    });
    for (const index of [1, 2, 3, 4]) await clips.save(id(index), [new Uint8Array(200_000)]);
    expect(await readdir(path.join(folder, 'clips'))).toEqual([`${id(3)}.mp4`, `${id(4)}.mp4`]);
    const stored = ['stored', 1, undefined];
    const told = ['evicted', 1, 'STORAGE_FULL'];
    const untold = ['evicted', 1, undefined];
    expect(outcomes).toEqual([stored, stored, told, stored, untold, stored]);
    // Nothing is given up for what does not fit anyway.
    await expect(clips.save(id(5), [new Uint8Array(900_000)])).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    expect(await readdir(path.join(folder, 'clips'))).toHaveLength(2);
    expect(outcomes.at(-1)).toEqual(['failed', 1, undefined]);
  });

  it('keeps what is whole of what a crash left, and tells of it and of what was lost once', async () => {
    const folder = path.join(dataFolder, 'crashed');
    const before = new ClipStore({ dataFolder: folder, retention });
    await before.begin(id(1));
    await before.begin(id(2));
    const box = (type: string, bytes: number) => {
      const made = Buffer.alloc(bytes);
      made.writeUInt32BE(bytes);
      made.write(type, 4, 'latin1');
      return made;
    };
    const whole = [box('ftyp', 24), box('moov', 300), box('moof', 80), box('mdat', 5000)];
    const half = [box('moof', 80), box('mdat', 5000).subarray(0, 4999)];
    const part = path.join(folder, 'clips', `${id(2)}.mp4.part`);
    await writeFile(part, Buffer.concat([...whole, ...half]));

    const outcomes: unknown[] = [];
    const open = () =>
      new ClipStore({
        dataFolder: folder,
        retention,
        onOutcome: (outcome, count, error) => outcomes.push([outcome, count, error?.message]),
      });
    const clips = open();
    const started = clips.start();
    // A recording that begins meanwhile is none of those.
    await Promise.all([started, clips.begin(id(3))]);
    const containing = (text: string): unknown => expect.stringContaining(text);
    expect(outcomes).toEqual([
      ['recovered', 1, containing(id(2))],
      ['lost', 1, containing(id(1))],
    ]);
    expect(await readFile(await clips.fileOf(id(2)))).toEqual(Buffer.concat(whole));
    await clips.save(id(3), whole);
    await open().start();
    expect(outcomes).toHaveLength(3);
    expect(await readdir(path.join(folder, 'clips'))).toEqual([`${id(2)}.mp4`, `${id(3)}.mp4`]);
  });

  it('has a runtime tell once what a crash ended, and count it', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-clips-'));
    const crashed = new ClipStore({ dataFolder: path.join(folder, 'data'), retention });
    await crashed.begin(id(7));
    const { runtime, close } = await startRuntime(folder, { thing: 'test-station' });
    onTestFinished(close);
    await expect
      .poll(() => runtime.notices().map(({ error }) => error))
      .toMatchObject([
        { code: 'CLIP_INTERRUPTED', message: expect.stringContaining(id(7)) as string },
      ]);
    expect((await runtime.metrics()).text).toContain('vedette_clips_total{outcome="lost"} 1');
    expect(await readdir(path.join(folder, 'data', 'clips'))).toEqual([]);
  });

  it.each(['..', '../registry', 'x', ''])('knows no clip %j', async (name) => {
    const clips = new ClipStore({ dataFolder, retention });
    await expect(clips.fileOf(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
