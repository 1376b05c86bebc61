import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { FrameLease, FrameView } from '../../../component/contract/frame.ts';
import type { ModelConfig } from '../../../component/contract/model-config.ts';
import type { InferenceRequest, PictureSource } from '../../../component/contract/ports.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { FrameRing } from '../../../native/index.ts';
import {
  ModelPackages,
  batchModel,
  loopsWhenBright,
  modelConfig,
  nanWhereBright,
} from '../../support/model-packages.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';

const deep = process.env['VEDETTE_DEEP'] === '1';

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function start(model: OnnxModel, more: Partial<ModelConfig>): Promise<ModelHost> {
  const host = new ModelHost({
    name: 'brightness',
    config: modelConfig(await packages.add(model), more),
    maxImagePixels: 60_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });
  onTestFinished(async () => void (await host.close(4000)));
  await host.start();
  await expect.poll(() => host.status().readyWorkers).toBe(host.status().workers);
  return host;
}

const request = (image: PictureSource, view: FrameView = WHOLE_FRAME): InferenceRequest => ({
  image,
  view,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
});

async function png(level: number, side = 8): Promise<Uint8Array<ArrayBuffer>> {
  const background = { r: level, g: level, b: level };
  const picture = sharp({ create: { width: side, height: side, channels: 3, background } });
  return new Uint8Array(await picture.png().toBuffer());
}

const encoded = async (level: number): Promise<PictureSource> => ({
  kind: 'encoded',
  data: await png(level),
});

/** A camera of its own: a ring of one slot that holds a plain picture. */
function frame(level: number): { image: PictureSource; ring: FrameRing; release: () => void } {
  const ring = FrameRing.create({ slots: 1, slotBytes: 64 });
  onTestFinished(() => ring.close());
  const { slot } = ring.beginWrite(true)!;
  ring.bytes(slot).fill(level, 0, 64);
  const numbers = { width: 8, height: 8, byteLength: 64, sequence: 0, capturedAtMs: 0 };
  ring.publish(slot, { format: 'gray8', ...numbers });
  const lease: FrameLease = { ...ring.takeNewest(1)!.lease, ringId: ring.id };
  return {
    image: { kind: 'frame', frame: lease },
    ring,
    release: () => void ring.release(lease),
  };
}

const scoreOf = async (host: ModelHost, image: PictureSource) => {
  const { findings, timings } = await host.infer(request(image));
  return { score: findings.anomaly!.score, runMs: timings.runMs };
};

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof VedetteError ? error.code : String(error)),
  );

const scoreFor = (level: number) => Math.round((level / 255) * 1e6) / 1e6;

test('frames of two cameras and encoded pictures share a run, and each gets its own answer', async () => {
  const host = await start(batchModel(), { maxBatch: 4, batchDelayMs: 1000 });
  const cameras = [frame(10), frame(20)];
  const images = [...cameras.map(({ image }) => image), await encoded(30), await encoded(40)];
  const answers = await Promise.all(images.map((image) => scoreOf(host, image)));
  const scores = answers.map(({ score }) => score);
  expect(scores).toEqual([10, 20, 30, 40].map(scoreFor));
  // One run, whose time is told to all of them.
  expect(new Set(answers.map(({ runMs }) => runMs)).size).toBe(1);
  for (const { release, ring } of cameras) {
    release();
    expect(ring.statistics().held).toBe(0);
  }
});

test('without a delay only what waits already shares a run', async () => {
  const host = await start(batchModel(), { maxBatch: 8 });
  const images = await Promise.all([10, 20, 30].map(encoded));
  const answers = await Promise.all(images.map((image) => scoreOf(host, image)));
  expect(answers.map(({ score }) => score)).toEqual([10, 20, 30].map(scoreFor));
  const [first, second, third] = answers.map(({ runMs }) => runMs);
  expect(second).toBe(third);
  expect(first).not.toBe(second);
});

test('a delay ends with the picture alone when no other comes', async () => {
  const host = await start(batchModel(), { maxBatch: 8, batchDelayMs: 20 });
  expect((await scoreOf(host, await encoded(50))).score).toBe(scoreFor(50));
});

test('whatever is asked by whom and however runs are shared, nobody gets the answer of another', async () => {
  const host = await start(nanWhereBright(), {
    maxBatch: 5,
    batchDelayMs: 3,
    workers: 2,
    queueLimit: 10_000,
  });
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const answerFor = (level: number) => Math.sqrt(0.9 - level / 255);
  const pngs = await Promise.all(Array.from({ length: 220 }, (_, level) => png(level)));
  const asked: Promise<void>[] = [];
  for (let count = 0; count < (deep ? 20_000 : 1500); count += 1) {
    const level = random(220);
    const data = pngs[level]!.slice();
    const kind = random(6);
    if (kind === 0) {
      const { image, release } = frame(level);
      asked.push(
        scoreOf(host, image).then(({ score }) => {
          release();
          expect(score).toBeCloseTo(answerFor(level), 5);
        }),
      );
    } else if (kind === 1) {
      const inputs = [
        {
          name: 'image',
          dtype: 'float32' as const,
          shape: [3, 3, 8, 8],
          data: Float32Array.from(
            { length: 576 },
            (_, i) => (level / 255) * (Math.floor(i / 192) / 2),
          ),
        },
      ];
      asked.push(
        host.inferTensors({ inputs }).then(({ outputs }) => {
          const expected = [0, 0.5, 1].map((part) => answerFor(level * part));
          expect(outputs[0]!.shape).toEqual([3, 1]);
          expected.forEach((value, i) => expect(outputs[0]!.data[i]).toBeCloseTo(value, 4));
        }),
      );
    } else if (kind === 2) {
      const views = Array<FrameView>(1 + random(9)).fill(WHOLE_FRAME);
      const image = { kind: 'encoded', data } as const;
      asked.push(
        host.inferRegions({ ...request(image), views }).then(({ regions }) => {
          expect(regions.length).toBe(views.length);
          for (const { findings } of regions) {
            expect(findings.anomaly!.score).toBeCloseTo(answerFor(level), 5);
          }
        }),
      );
    } else if (kind === 3) {
      const bad = codeOf(host.infer(request({ kind: 'encoded', data: new Uint8Array(40) })));
      asked.push(bad.then((code) => expect(code).toBe('IMAGE_FORMAT_UNSUPPORTED')));
    } else {
      const image = { kind: 'encoded', data } as const;
      asked.push(
        scoreOf(host, image).then(({ score }) => expect(score).toBeCloseTo(answerFor(level), 5)),
      );
    }
    if (random(20) === 0) await asked.at(-1);
  }
  await Promise.all(asked);
  expect(host.status()).toMatchObject({ queueDepth: 0, inFlight: 0, replacements: 0 });
});

test('a worker that dies inside of a shared run ends each of its jobs once, with WORKER_LOST', async () => {
  const workers: Worker[] = [];
  const remember = (worker: Worker) => void workers.push(worker);
  process.on('worker', remember);
  onTestFinished(() => void process.off('worker', remember));
  const host = await start(batchModel(), { maxBatch: 3, batchDelayMs: 1000 });
  // Decoding a large picture takes a while, outside of ONNX Runtime: there a worker may be ended.
  const large = await png(10, 7000);
  const camera = frame(20);
  const lost = [
    host.infer(request({ kind: 'encoded', data: large })),
    host.infer(request(camera.image)),
    host.inferRegions({ ...request(await encoded(30)), views: [WHOLE_FRAME] }),
  ].map(codeOf);
  await workers[0]!.terminate();
  expect(await Promise.all(lost)).toEqual(['WORKER_LOST', 'WORKER_LOST', 'WORKER_LOST']);
  camera.release();
  expect(camera.ring.statistics().held).toBe(0);
  await host.whenReady();
  await expect.poll(() => host.status().readyWorkers).toBe(1);
  expect(host.status()).toMatchObject({ replacements: 1, failures: 3, inFlight: 0 });
});

test('a slow camera waits for no more than one job of each other source, however fast those are', async () => {
  const host = await start(loopsWhenBright(20_000, 1), { queueLimit: 1000 });
  let isOver = false;
  let answers = 0;
  const fast = [frame(100), frame(101), frame(102)];
  const asking = fast.map(async ({ image, release }) => {
    for (; !isOver; answers += 1) await host.infer(request(image));
    release();
  });
  // Programs that ask eight at a time.
  const flood = Array.from({ length: 8 }, async () => {
    for (; !isOver; answers += 1) await host.infer(request(await encoded(50)));
  });
  const slow = frame(200);
  for (let count = 0; count < 20; count += 1) {
    const before = answers;
    await host.infer(request(slow.image));
    // Three cameras and the programs, and what ran when it asked.
    expect(answers - before).toBeLessThanOrEqual(5);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  isOver = true;
  await Promise.all([...asking, ...flood]);
  slow.release();
});

test('requests beyond the limits are refused with the time after which there is room', async () => {
  const host = await start(loopsWhenBright(300_000, 1), { queueLimit: 3 });
  await host.infer(request(await encoded(10)));
  const images = await Promise.all(Array.from({ length: 12 }, () => encoded(20)));
  const ends = await Promise.allSettled(images.map((image) => host.infer(request(image))));
  expect(ends.map(({ status }) => status)).toEqual([
    ...Array<string>(4).fill('fulfilled'),
    ...Array<string>(8).fill('rejected'),
  ]);
  for (const end of ends.slice(4)) {
    const { code, details } = (end as PromiseRejectedResult).reason as VedetteError;
    expect(code).toBe('OVERLOADED');
    expect(details).toMatchObject({ queueLimit: 3 });
    // Four are before it, and a run has been measured.
    expect(details['retryAfterMs']).toBeGreaterThan(0);
  }
});

test('memory of waiting requests is bounded', async () => {
  const host = await start(loopsWhenBright(300_000, 1), { queueLimit: 1000, queueMegabytes: 1 });
  const running = host.infer(request(await encoded(10)));
  const bytes = () => ({ kind: 'encoded', data: new Uint8Array(400_000) }) as const;
  const codes = Array.from({ length: 6 }, () => codeOf(host.infer(request(bytes()))));
  await running;
  expect(await Promise.all(codes)).toEqual([
    ...Array<string>(2).fill('IMAGE_FORMAT_UNSUPPORTED'),
    ...Array<string>(4).fill('OVERLOADED'),
  ]);
});

test('a request whose bytes were moved away is refused alone', async () => {
  const host = await start(batchModel(), { maxBatch: 3, batchDelayMs: 1000 });
  const data = await png(10);
  const other = scoreOf(host, await encoded(20));
  const moved = codeOf(host.infer(request({ kind: 'encoded', data })));
  structuredClone(data, { transfer: [data.buffer] });
  const third = scoreOf(host, await encoded(30));
  expect(await moved).toBe('REQUEST_INVALID');
  expect([(await other).score, (await third).score]).toEqual([20, 30].map(scoreFor));
});
