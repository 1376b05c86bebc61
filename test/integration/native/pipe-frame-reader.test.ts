import { execFileSync, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  FrameRing,
  PipeFrameReader,
  type PipeCounts,
  type PipeEnd,
  type PipeFrameReaderOptions,
} from '../../../native/index.ts';

const SIZE = { width: 64, height: 50 };
const FRAME_BYTES = 64 * 50;
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

function setUp(options: Partial<PipeFrameReaderOptions> & { slots?: number } = {}) {
  const ring = FrameRing.create({ slots: options.slots ?? 4, slotBytes: FRAME_BYTES });
  closing.push(() => ring.close());
  const total = { published: 0, overwritten: 0, discarded: 0 };
  const ended = Promise.withResolvers<PipeEnd>();
  const reader = PipeFrameReader.open({
    ...SIZE,
    ringId: ring.id,
    format: 'gray8',
    firstSequence: 0,
    mayOverwrite: false,
    onEnd: ended.resolve,
    ...options,
    onFrames: (counts: PipeCounts) => {
      total.published += counts.published;
      total.overwritten += counts.overwritten;
      total.discarded += counts.discarded;
      options.onFrames?.(counts);
    },
  });
  closing.push(() => reader.close());
  return { ring, reader, total, ended: ended.promise };
}

/** A real program that writes `frames` frames of level 0, 1, 2 …, then `extra` bytes. */
function writeFrames(reader: PipeFrameReader, frames: number, extra = 0, pauseMs = 0) {
  const script = `
    const { writeSync } = require('node:fs');
    for (let i = 0; i < ${frames}; i++) {
      const frame = Buffer.alloc(${FRAME_BYTES}, i & 255);
      for (let done = 0; done < frame.length;) done += writeSync(1, frame, done);
      if (${pauseMs}) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${pauseMs});
    }
    if (${extra}) writeSync(1, Buffer.alloc(${extra}, 9));`;
  const child = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', reader.writeFd, 'ignore'],
  });
  reader.closeWriteEnd();
  closing.push(() => child.kill('SIGKILL'));
  return { child, exit: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
}

const invalid = expect.objectContaining({ name: 'VedetteError', code: 'FRAME_INVALID' });

test('every frame arrives in order, and the writer waits while no slot is free', async () => {
  const seen: number[] = [];
  const { ring, reader, total, ended } = setUp({ slots: 2, firstSequence: 100 });
  const beganMs = performance.now();
  writeFrames(reader, 40);
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  while (!hasEnded || ring.statistics().unread > 0) {
    const lease = ring.takeOldest(1);
    if (lease === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    expect(lease).toMatchObject({ ...SIZE, format: 'gray8', byteLength: FRAME_BYTES });
    expect(Math.abs(Date.now() - lease.capturedAtMs)).toBeLessThan(60_000);
    expect(lease.capturedSteadyMs).toBeGreaterThan(beganMs);
    expect(lease.capturedSteadyMs).toBeLessThan(performance.now());
    const bytes = ring.bytes(lease.slot);
    expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    expect(bytes[0]).toBe(lease.sequence - 100);
    seen.push(lease.sequence);
    ring.release(lease);
  }
  expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => 100 + i));
  expect(total).toEqual({ published: 40, overwritten: 0, discarded: 0 });
  expect(await ended).toEqual({ partialBytes: 0 });
});

test('with overwriting the newest frames stay and every lost one is counted', async () => {
  const { ring, reader, total, ended } = setUp({ slots: 3, mayOverwrite: true });
  const { exit } = writeFrames(reader, 25);
  await ended;
  expect(await exit).toBe(0);
  expect(total).toEqual({ published: 25, overwritten: 22, discarded: 0 });
  const kept = [ring.takeOldest(1), ring.takeOldest(1), ring.takeOldest(1)];
  expect(kept.map((lease) => lease?.sequence)).toEqual([22, 23, 24]);
});

test('frames that find every slot held are read, thrown away and counted', async () => {
  const { ring, reader, total, ended } = setUp({ slots: 1, mayOverwrite: true });
  const { slot } = ring.beginWrite(true)!;
  writeFrames(reader, 5);
  await ended;
  expect(total).toEqual({ published: 0, overwritten: 0, discarded: 5 });
  ring.cancelWrite(slot);
});

test('an unfinished last frame is told in bytes and never published', async () => {
  const { ring, reader, total, ended } = setUp({ mayOverwrite: true });
  writeFrames(reader, 2, 1234);
  expect(await ended).toEqual({ partialBytes: 1234 });
  expect(total.published).toBe(2);
  expect(ring.statistics()).toMatchObject({ unread: 2, writing: 0 });
});

test.each(['yuv420p', 'yuvj420p'])(
  'the %s pictures of odd size that ffmpeg writes as YUV4MPEG2 are those it writes raw',
  async (pixelFormat) => {
    const size = { width: 33, height: 35 };
    const written = (muxer: string) => [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=64x64,crop=33:35:exact=1'],
      ...['-frames:v', '3', '-pix_fmt', pixelFormat, '-f', muxer, '-'],
    ];
    const raw = execFileSync('ffmpeg', written('rawvideo'));
    const { ring, reader, total, ended } = setUp({ ...size, format: 'i420', isY4m: true });
    spawn('ffmpeg', written('yuv4mpegpipe'), { stdio: ['ignore', reader.writeFd, 'inherit'] });
    reader.closeWriteEnd();
    expect(await ended).toEqual({ partialBytes: 0 });
    expect(total).toEqual({ published: 3, overwritten: 0, discarded: 0 });
    const pictures = [1, 2, 3].map(() => {
      const { slot, byteLength } = ring.takeOldest(1)!;
      return Buffer.from(ring.bytes(slot).subarray(0, byteLength));
    });
    expect(Buffer.concat(pictures).equals(raw)).toBe(true);
  },
);

test('what is no YUV4MPEG2 stream of the size is a coded error, and its writer gets EPIPE', async () => {
  const { ring, reader, total, ended } = setUp({ format: 'i420', isY4m: true, height: 24 });
  const { exit } = writeFrames(reader, 1000);
  expect(await ended).toEqual({
    partialBytes: 0,
    error: expect.objectContaining({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringMatching(/YUV4MPEG2 stream of 4:2:0 frames of 64x24 is expected/),
    }),
  });
  expect(await exit).not.toBe(0);
  expect(total.published).toBe(0);
  expect(ring.statistics()).toMatchObject({ free: 4 });
});

test('close is prompt while the pipe is silent, while it waits for a slot and in mid-frame', async () => {
  const silent = setUp();
  silent.reader.close();
  silent.reader.close();
  expect(silent.reader.writeFd).toBe(-1);

  const full = setUp({ slots: 1 });
  const { exit } = writeFrames(full.reader, 1000);
  while (full.ring.statistics().unread === 0) await new Promise((r) => setTimeout(r, 5));
  full.reader.close();
  expect(full.total.published).toBe(1);
  // Nobody reads any more: the program gets EPIPE and fails.
  expect(await exit).not.toBe(0);

  const unfinished = setUp({ slots: 1 });
  const writer = writeFrames(unfinished.reader, 0, 100, 0);
  await writer.exit;
  unfinished.reader.close();
  expect(unfinished.ring.statistics()).toMatchObject({ free: 1, writing: 0 });
});

test('a ring that is closed while frames come does no harm', async () => {
  const { ring, reader, ended } = setUp({ mayOverwrite: true });
  writeFrames(reader, 300);
  while (ring.statistics().published === 0) await new Promise((r) => setTimeout(r, 2));
  ring.close();
  expect(await ended).toEqual({ partialBytes: 0 });
});

test('a frame that fits no slot, an unknown ring and impossible sizes are refused', () => {
  const { ring } = setUp();
  const options: PipeFrameReaderOptions = {
    ...SIZE,
    ringId: ring.id,
    format: 'gray8',
    firstSequence: 0,
    mayOverwrite: true,
    onFrames: () => {},
    onEnd: () => {},
  };
  for (const change of [
    { ringId: 424_242 },
    { height: 51 },
    { format: 'rgb24' },
    { format: 'jpeg' },
    { isY4m: true },
    { width: -4 },
    { width: 1e9 },
    { width: NaN },
    { firstSequence: -1 },
  ]) {
    const wrong = { ...options, ...change } as PipeFrameReaderOptions;
    expect(() => PipeFrameReader.open(wrong), JSON.stringify(change)).toThrow(invalid);
  }
});

test('readers that come and go leave no file descriptor behind', async () => {
  const count = async () => (await readdir('/proc/self/fd')).length;
  setUp().reader.close();
  const before = await count();
  for (let i = 0; i < 50; i++) {
    const { reader } = setUp({ mayOverwrite: true });
    if (i % 2 === 0) reader.closeWriteEnd();
    reader.close();
  }
  expect(await count()).toBeLessThanOrEqual(before + 2);
});

/** Runs a script in a process of its own; resolves with its exit code and signal. */
function runScript(script: string): Promise<{ code: number | null; signal: string | null }> {
  const module = path.join(import.meta.dirname, '../../../native/index.ts');
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import * as native from ${JSON.stringify(module)};${script}`],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

const OPEN = `
  const ring = native.FrameRing.create({ slots: 2, slotBytes: 3200 });
  const reader = native.PipeFrameReader.open({ ringId: ring.id, format: 'gray8', width: 64,
    height: 50, firstSequence: 0, mayOverwrite: true, onFrames() {}, onEnd() {} });`;

test('the process can exit, and a worker can be ended, while a reader is open', async () => {
  expect(await runScript(`${OPEN} setTimeout(() => process.exit(7), 20);`)).toEqual({
    code: 7,
    signal: null,
  });
  const inWorker = `
    const { Worker } = await import('node:worker_threads');
    const { writeSync } = await import('node:fs');
    const code = ${JSON.stringify(`
      import { workerData, parentPort } from 'node:worker_threads';
      const native = await import(workerData);
      ${OPEN}
      globalThis.kept = reader;
      parentPort.postMessage(reader.writeFd);
    `)};
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(code, { eval: true, workerData: native.modulePath });
      const fd = await new Promise((resolve) => worker.once('message', resolve));
      writeSync(fd, Buffer.alloc(6400));
      await worker.terminate();
    }
    process.exit(5);`;
  const script = inWorker.replace(
    'native.modulePath',
    JSON.stringify(path.join(import.meta.dirname, '../../../native/index.ts')),
  );
  expect(await runScript(script)).toEqual({ code: 5, signal: null });
});
