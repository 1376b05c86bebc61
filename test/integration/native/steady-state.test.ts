import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Calls with a young generation so large that nothing is collected: what the heap grows by was allocated. */
const PROGRAM = `
  import v8 from 'node:v8';
  const { encodeJpeg, jpegToTensor, KeptTensor, rawToTensor } = await import(process.argv[1]);
  const spec = {
    width: 16, height: 16, layout: 'nchw', dtype: 'float32', colourOrder: 'rgb',
    resize: 'letterbox', interpolation: 'bilinear', scale: 1 / 255,
    mean: [0, 0, 0], std: [1, 1, 1], padValue: 114,
  };
  const image = { format: 'nv12', width: 32, height: 16, data: new Uint8Array(32 * 24).fill(99) };
  const view = { rotation: 0, flip: 'none' };
  const jpeg = encodeJpeg(image, 90);
  const kept = new KeptTensor(new Float32Array(16 * 16 * 3));
  const plain = new Float32Array(16 * 16 * 3);
  const calls = {
    raw: () => rawToTensor(image, view, spec, kept),
    rawPlain: () => rawToTensor(image, view, spec, plain),
    jpeg: () => jpegToTensor(jpeg, view, spec, kept, 1000),
  };
  const figures = {};
  for (const [name, call] of Object.entries(calls)) {
    const first = call();
    let isSame = true;
    const run = (count) => {
      for (let i = 0; i < count; i++) isSame &&= call() === first;
    };
    run(20_000);
    const residentBefore = process.memoryUsage.rss();
    const before = v8.getHeapStatistics();
    run(100_000);
    const after = v8.getHeapStatistics();
    figures[name] = {
      isSame,
      heapBytes: after.used_heap_size - before.used_heap_size,
      externalBytes: after.external_memory - before.external_memory,
      residentBytes: process.memoryUsage.rss() - residentBefore,
    };
  }
  console.log(JSON.stringify(figures));
`;

interface Figures {
  readonly isSame: boolean;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly residentBytes: number;
}

test('100,000 calls of the same geometry allocate nothing in JavaScript and grow nothing beside it', async () => {
  const module = new URL('../../../native/index.ts', import.meta.url).href;
  const heap = ['--max-semi-space-size=256', '--min-semi-space-size=256'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...heap,
    '--input-type=module',
    '--eval',
    PROGRAM,
    module,
  ]);
  const figures = JSON.parse(stdout) as Record<string, Figures>;
  expect(Object.keys(figures)).toEqual(['raw', 'rawPlain', 'jpeg']);
  for (const [name, { isSame, heapBytes, externalBytes, residentBytes }] of Object.entries(
    figures,
  )) {
    expect(isSame, name).toBe(true);
    // One object of the smallest kind in every call would be 1.6 MB.
    expect(Math.abs(heapBytes), name).toBeLessThan(800_000);
    expect(externalBytes, name).toBe(0);
    expect(residentBytes, name).toBeLessThan(8_000_000);
  }
});
