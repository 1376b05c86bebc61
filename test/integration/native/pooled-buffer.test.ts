import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { bufferPoolStatistics, PooledBuffer } from '../../../native/index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const invalid = expect.objectContaining({ name: 'VedetteError', code: 'TENSOR_INVALID' });
const overloaded = expect.objectContaining({ name: 'VedetteError', code: 'OVERLOADED' });
const GIBIBYTE = 2 ** 30;

afterEach(() => {
  expect(bufferPoolStatistics()).toMatchObject({ held: 0, heldBytes: 0 });
});

test('memory has the size asked for, keeps what is written, and is given out again', () => {
  const first = PooledBuffer.acquire(5_000_000);
  expect(first.buffer.byteLength).toBe(5_000_000);
  const pixels = new Float32Array(first.buffer).fill(3.5);
  expect(bufferPoolStatistics()).toMatchObject({ held: 1, heldBytes: 5_001_216 });
  first.release();
  const { reused } = bufferPoolStatistics();
  const second = PooledBuffer.acquire(4_999_000);
  expect(second.buffer.byteLength).toBe(4_999_000);
  expect(new Float32Array(second.buffer)[100]).toBe(3.5);
  expect(bufferPoolStatistics().reused).toBe(reused + 1);
  // Who held it before has nothing to do with it any more.
  pixels[100] = 9;
  expect(pixels.length).toBe(0);
  expect(new Float32Array(second.buffer)[100]).toBe(3.5);
  second.release();
});

test('a second release is refused', () => {
  const memory = PooledBuffer.acquire(100);
  memory.release();
  expect(() => memory.release()).toThrow(invalid);
  const next = PooledBuffer.acquire(100);
  expect(() => memory.release()).toThrow(invalid);
  expect(next.buffer.byteLength).toBe(100);
  next.release();
});

test('sizes that are none, or beyond the limit, are refused', () => {
  for (const size of [0, -1, 1.5, NaN, Infinity, GIBIBYTE + 1, 2 ** 53, 1e300]) {
    expect(() => PooledBuffer.acquire(size), String(size)).toThrow(invalid);
  }
  for (const size of [undefined, null, '4', true, {}, [], 4n, Symbol('4'), () => 4]) {
    expect(() => PooledBuffer.acquire(size as number)).toThrow(invalid);
  }
});

test('no more bytes and buffers are held than the limits say, and idle memory makes room', () => {
  const half = PooledBuffer.acquire(20_000_000);
  half.release();
  expect(bufferPoolStatistics().idleBytes).toBeGreaterThanOrEqual(20_000_000);
  const { refused } = bufferPoolStatistics();
  const many: PooledBuffer[] = [];
  for (let count = 0; count < 4096; count++) many.push(PooledBuffer.acquire(1));
  expect(() => PooledBuffer.acquire(1)).toThrow(overloaded);
  many.pop()!.release();
  expect(() => PooledBuffer.acquire(GIBIBYTE - 4095 * 4096 + 1)).toThrow(overloaded);
  expect(bufferPoolStatistics()).toMatchObject({ held: 4095, refused: refused + 2 });
  many.push(PooledBuffer.acquire(1));
  for (const memory of many) memory.release();
  expect(bufferPoolStatistics()).toMatchObject({ held: 0, heldBytes: 0 });
  expect(bufferPoolStatistics().idleBytes).toBeLessThanOrEqual(64 * 2 ** 20);
});

test('memory that nobody can reach any more comes back by itself', async () => {
  (() => PooledBuffer.acquire(1000))();
  expect(bufferPoolStatistics().held).toBe(1);
  await vi.waitFor(() => {
    collect();
    expect(bufferPoolStatistics().held).toBe(0);
  }, 10_000);
});

test('memory that was moved to another ArrayBuffer is not given out while that one lives', async () => {
  const memory = PooledBuffer.acquire(1000);
  new Uint8Array(memory.buffer).fill(7);
  let moved: ArrayBuffer | undefined = memory.buffer.transfer();
  expect(() => memory.release()).toThrow(invalid);
  const other = PooledBuffer.acquire(1000);
  new Uint8Array(other.buffer).fill(1);
  expect(new Uint8Array(moved).every((value) => value === 7)).toBe(true);
  other.release();
  moved = undefined;
  await vi.waitFor(() => {
    collect();
    expect(bufferPoolStatistics().held).toBe(0);
  }, 10_000);
});

test('10,000 cycles of three sizes leave no memory behind', async () => {
  const cycles = async (count: number) => {
    for (let cycle = 0; cycle < count; cycle++) {
      const all = [5_000_000, 600_000, 150_528].map((size) => PooledBuffer.acquire(size));
      for (const memory of all) memory.release();
      // What was detached is taken care of between two turns of the loop.
      if (cycle % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await cycles(10_000);
  const before = process.memoryUsage.rss();
  const { acquired, reused } = bufferPoolStatistics();
  await cycles(10_000);
  expect(process.memoryUsage.rss() - before).toBeLessThan(8_000_000);
  const after = bufferPoolStatistics();
  expect(after.acquired - acquired).toBe(30_000);
  expect(after.reused - reused).toBe(30_000);
});

const HOLDER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { PooledBuffer } = await import(workerData.module);
  const held = [PooledBuffer.acquire(3_000_000), PooledBuffer.acquire(700)];
  for (const { buffer } of held) new Uint8Array(buffer).fill(5);
  const moved = PooledBuffer.acquire(50).buffer.transfer();
  parentPort.once('message', (order) => {
    if (order === 'throw') throw new Error('as told');
    if (order === 'exit') process.exit(3);
    if (order === 'return') return parentPort.close();
    for (;;) new Uint8Array(held[0].buffer).fill(5);
  });
  parentPort.postMessage(moved.byteLength);
`;

test('a thread that ends, by whatever way, gives back what it held', async () => {
  for (const way of ['return', 'throw', 'exit', 'terminate'] as const) {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(HOLDER)}`), {
      workerData: { module: new URL('../../../native/index.ts', import.meta.url).href },
      stderr: true,
    });
    worker.on('error', () => undefined);
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    await new Promise((resolve) => worker.once('message', resolve));
    expect(bufferPoolStatistics().held).toBe(3);
    worker.postMessage(way);
    if (way === 'terminate') await worker.terminate();
    await ended;
    expect(bufferPoolStatistics().held, way).toBe(0);
    // What one thread wrote another finds: it is the same memory.
    const memory = PooledBuffer.acquire(3_000_000);
    expect(new Uint8Array(memory.buffer)[99]).toBe(5);
    new Uint8Array(memory.buffer).fill(0);
    memory.release();
  }
});
