import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { createTensorData, type TensorSpec } from '../../../component/contract/tensor.ts';
import {
  bufferPoolStatistics,
  encodeJpeg,
  jpegToTensor,
  rawToTensor,
  TensorThreads,
  type PooledTensor,
  type RawImage,
} from '../../../native/index.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const coded = (code: string) => expect.objectContaining({ name: 'VedetteError', code });

const SPEC: TensorSpec = {
  width: 60,
  height: 40,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.2, 0.3],
  padValue: 114,
};

function picture(width = 120, height = 90, seed = 7): RawImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * seed) & 255);
  return { data, width, height, format: 'rgb24' };
}

function expected(image: RawImage, spec = SPEC) {
  const out = createTensorData(spec);
  const transform = rawToTensor(image, WHOLE_FRAME, spec, out);
  return { data: out, transform };
}

const open: TensorThreads[] = [];
function openThreads(threads = 2, maxQueued = 2000): TensorThreads {
  const opened = TensorThreads.open({ threads, maxQueued });
  open.push(opened);
  return opened;
}

/** What the tensor holds, and its memory given back. */
function taken({ data, transform, memory }: PooledTensor) {
  const copy = { data: data.slice(), transform };
  memory.release();
  return copy;
}

afterEach(() => {
  for (const threads of open.splice(0)) threads.close();
  expect(bufferPoolStatistics()).toMatchObject({ held: 0, heldBytes: 0 });
});

test('the tensors are those of the calls that wait', async () => {
  const threads = openThreads();
  const jpeg = encodeJpeg(picture(), 90);
  for (const spec of [
    SPEC,
    { ...SPEC, layout: 'nhwc', dtype: 'uint8', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  ] as const satisfies TensorSpec[]) {
    expect(taken(await threads.rawToTensor(picture(), WHOLE_FRAME, spec))).toEqual(
      expected(picture(), spec),
    );
    const out = createTensorData(spec);
    const transform = jpegToTensor(jpeg, WHOLE_FRAME, spec, out, 100_000);
    expect(taken(await threads.jpegToTensor(jpeg, WHOLE_FRAME, spec, 100_000))).toEqual({
      data: out,
      transform,
    });
  }
});

test('1,000 calls at once are all answered, each with its own tensor', async () => {
  const threads = openThreads(3);
  const calls = Array.from({ length: 1000 }, async (_, index) => {
    const image = picture(30, 20 + (index % 7), 1 + index);
    const tensor = taken(await threads.rawToTensor(image, WHOLE_FRAME, SPEC));
    return { image, tensor };
  });
  for (const { image, tensor } of await Promise.all(calls)) {
    expect(tensor).toEqual(expected(image));
  }
});

test('memory that is changed, moved or shrunk after a call does not matter to it', async () => {
  const threads = openThreads(1);
  const image = picture(800, 600);
  const want = expected(image);
  const source = () => new Uint8Array(image.data);

  const changed = source();
  const moved = source();
  const shrunk = new Uint8Array(
    new ArrayBuffer(image.data.length, { maxByteLength: 2 * image.data.length }),
  );
  shrunk.set(image.data);
  const calls = [changed, moved, shrunk].map((data) =>
    threads.rawToTensor({ ...image, data }, WHOLE_FRAME, SPEC),
  );
  changed.fill(0);
  structuredClone(moved.buffer, { transfer: [moved.buffer] });
  shrunk.buffer.resize(10);
  expect(moved.length).toBe(0);
  for (const call of calls) expect(taken(await call)).toEqual(want);
});

test('memory that is gone or too short when a call begins is refused', async () => {
  const threads = openThreads(1);
  const gone = picture().data;
  structuredClone(gone.buffer, { transfer: [gone.buffer as ArrayBuffer] });
  const shrunk = new Uint8Array(new ArrayBuffer(120 * 90 * 3, { maxByteLength: 40_000 }));
  shrunk.buffer.resize(100);
  for (const data of [gone, shrunk, new Uint8Array(100), 'text']) {
    const image = { ...picture(), data: data as Uint8Array };
    await expect(threads.rawToTensor(image, WHOLE_FRAME, SPEC)).rejects.toThrow(
      coded('FRAME_INVALID'),
    );
  }
  await expect(threads.jpegToTensor(gone, WHOLE_FRAME, SPEC, 1e6)).rejects.toThrow(
    coded('IMAGE_CORRUPT'),
  );
});

test('faults come with the codes of the calls that wait', async () => {
  const threads = openThreads(1);
  const jpeg = encodeJpeg(picture(), 90);
  const cut = jpeg.subarray(0, jpeg.length >> 1);
  await expect(threads.jpegToTensor(cut, WHOLE_FRAME, SPEC, 1e6)).rejects.toThrow(
    coded('IMAGE_CORRUPT'),
  );
  await expect(threads.jpegToTensor(jpeg, WHOLE_FRAME, SPEC, 100)).rejects.toThrow(
    coded('IMAGE_TOO_LARGE'),
  );
  await expect(threads.jpegToTensor(picture().data, WHOLE_FRAME, SPEC, 1e6)).rejects.toThrow(
    coded('IMAGE_FORMAT_UNSUPPORTED'),
  );
  const region = { x: 0, y: 0, width: 121, height: 1 };
  await expect(threads.rawToTensor(picture(), { ...WHOLE_FRAME, region }, SPEC)).rejects.toThrow(
    coded('FRAME_INVALID'),
  );
  const huge = { ...SPEC, width: 65_535, height: 65_535 };
  await expect(threads.rawToTensor(picture(), WHOLE_FRAME, huge)).rejects.toThrow(
    coded('TENSOR_INVALID'),
  );
  for (const wrong of [0, -1, 0.5, NaN, 65, '2', null]) {
    expect(() => openThreads(wrong as number)).toThrow(coded('FRAME_INVALID'));
  }
  for (const wrong of [0, -1, 0.5, NaN, 65_537, '2', null]) {
    expect(() => openThreads(1, wrong as number)).toThrow(coded('FRAME_INVALID'));
  }
});

test('more than the queue holds is refused; closing refuses what waits and lets what runs end', async () => {
  const threads = openThreads(1, 3);
  // Each takes far longer to make than all take to ask for.
  const large = picture(500, 500);
  const spec: TensorSpec = {
    ...SPEC,
    width: 3000,
    height: 3000,
    interpolation: 'bicubic-antialias',
  };
  const calls = Array.from({ length: 20 }, () => threads.rawToTensor(large, WHOLE_FRAME, spec));
  const settled = Promise.allSettled(calls);
  threads.close();
  const codes = (await settled).map((result) => {
    if (result.status === 'rejected') return (result.reason as { code: string }).code;
    result.value.memory.release();
    return 'done';
  });
  // Nothing ends between the calls of one turn but what the thread took from the queue.
  expect(codes.filter((code) => code === 'OVERLOADED').length).toBeGreaterThanOrEqual(10);
  expect(codes.filter((code) => code === 'SHUTTING_DOWN').length).toBeLessThanOrEqual(3);
  expect(codes.every((code) => ['done', 'OVERLOADED', 'SHUTTING_DOWN'].includes(code))).toBe(true);
  await expect(threads.rawToTensor(large, WHOLE_FRAME, spec)).rejects.toThrow(
    coded('SHUTTING_DOWN'),
  );
  threads.close();
});

const CALLER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { TensorThreads } = await import(workerData.module);
  const { image, spec, way } = workerData;
  const threads = TensorThreads.open({ threads: 2, maxQueued: 200 });
  const view = { rotation: 0, flip: 'none' };
  for (let i = 0; i < 60; i++) threads.rawToTensor(image, view, spec).catch(() => undefined);
  await threads.rawToTensor(image, view, spec);
  parentPort.postMessage('under way');
  if (way === 'exit') process.exit(0);
  if (way === 'throw') throw new Error('as told');
  for (;;) threads.rawToTensor(image, view, spec).catch(() => undefined);
`;

const WAITER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { encodeJpeg, rawToTensor } = await import(workerData.module);
  const { image, spec, way } = workerData;
  const view = { rotation: 0, flip: 'none' };
  parentPort.postMessage('under way');
  for (;;) {
    if (way === 'answer') encodeJpeg(image, 90);
    try {
      rawToTensor(image, { ...view, region: { x: 0, y: 0, width: 9999, height: 1 } }, spec, new Float32Array(7200));
    } catch {}
  }
`;

test('a thread that is terminated inside a call takes nothing along', async () => {
  for (let round = 0; round < (isDeep ? 100 : 10); round++) {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(WAITER)}`), {
      workerData: {
        module: new URL('../../../native/index.ts', import.meta.url).href,
        image: picture(1000, 800),
        spec: SPEC,
        way: round % 2 === 0 ? 'answer' : 'fault',
      },
    });
    await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => setTimeout(resolve, round));
    expect(await worker.terminate()).toBe(1);
  }
});

test('a thread that ends in the middle of its calls takes them along, and nothing else', async () => {
  for (let round = 0; round < (isDeep ? 60 : 6); round++) {
    const way = ['terminate', 'exit', 'throw'][round % 3];
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(CALLER)}`), {
      workerData: {
        module: new URL('../../../native/index.ts', import.meta.url).href,
        image: picture(400, 300),
        spec: { ...SPEC, interpolation: 'area' },
        way,
      },
      stderr: true,
    });
    worker.on('error', () => undefined);
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    await new Promise((resolve) => worker.once('message', resolve));
    if (way === 'terminate') await worker.terminate();
    await ended;
    await vi.waitFor(() => expect(bufferPoolStatistics().held, way).toBe(0), 10_000);
  }
});
