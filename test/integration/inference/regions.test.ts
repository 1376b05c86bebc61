import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as runtime from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Box, FrameView, Quad } from '../../../component/contract/frame.ts';
import type { RegionsRequest } from '../../../component/contract/ports.ts';
import { tileRegions } from '../../../component/contract/tiles.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { ModelSession } from '../../../component/inference/model-session.ts';
import { modelSetup } from '../../../component/inference/model-setup.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { FrameRing } from '../../../native/index.ts';
import {
  ModelPackages,
  batchModel,
  brightnessModel,
  failsWhereBright,
  mixingModel,
  modelConfig,
  nanWhereBright,
} from '../../support/model-packages.ts';

const samples = join(import.meta.dirname, '../../../samples');

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function open(folder: string, maxBatch: number): Promise<ModelSession> {
  const setup = modelSetup(await readPackage(folder), 1, 50_000_000, maxBatch);
  const session = await ModelSession.open(runtime, setup);
  onTestFinished(() => session.close());
  await session.warmUp();
  return session;
}

const sample = (name: string) => join(samples, 'models', name);

async function street(): Promise<Uint8Array<ArrayBuffer>> {
  const folder = join(samples, 'images/street');
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).sort();
  return new Uint8Array(await readFile(join(folder, name!)));
}

const request = (data: Uint8Array<ArrayBuffer>, views: readonly FrameView[]): RegionsRequest => ({
  image: { kind: 'encoded', data },
  views,
  thresholds: { score: 0.2, labels: {} },
  wantsAnomalyMap: true,
});

const at = (region: Box, more: Partial<FrameView> = {}): FrameView => ({
  ...WHOLE_FRAME,
  ...more,
  region,
});

const QUAD: Quad = [
  { x: 100, y: 90 },
  { x: 300, y: 120 },
  { x: 280, y: 260 },
  { x: 90, y: 240 },
];

/** A picture of 10×10 stripes, one below the other, in these grey levels. */
async function stripes(levels: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = Uint8Array.from(levels.flatMap((level) => Array<number>(100).fill(level)));
  const raw = { width: 10, height: 10 * levels.length, channels: 1 } as const;
  return new Uint8Array(await sharp(pixels, { raw }).png().toBuffer());
}

const stripeViews = (count: number): FrameView[] =>
  Array.from({ length: count }, (_, stripe) => at({ x: 0, y: stripe * 10, width: 10, height: 10 }));

/** One view after the other, each with a picture of its own: what `infer` gives. */
async function oneByOne(
  session: ModelSession,
  data: Uint8Array<ArrayBuffer>,
  views: readonly FrameView[],
) {
  const answers = [];
  for (const view of views) {
    const { findings, anomalyMap } = await session.judge({ ...request(data, []), view });
    answers.push({ findings, ...(anomalyMap ? { anomalyMap } : {}) });
  }
  return answers;
}

/** Equal, but for numbers that differ by 0.0001 (of themselves, beyond 1) and grey levels by one. */
function expectNear(found: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    const tolerance = 1e-4 * Math.max(1, Math.abs(expected));
    expect(Math.abs((found as number) - expected)).toBeLessThanOrEqual(tolerance);
  } else if (expected instanceof Uint8Array) {
    const levels = found as Uint8Array;
    expect(levels.length).toBe(expected.length);
    const farthest = expected.reduce(
      (most, level, i) => Math.max(most, Math.abs(level - levels[i]!)),
      0,
    );
    expect(farthest).toBeLessThanOrEqual(1);
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(found as object)).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected)) {
      expectNear((found as Record<string, unknown>)[key], value);
    }
  } else {
    expect(found).toEqual(expected);
  }
}

/** Tiles that overlap, small parts, the whole picture, and turns and mirrors. */
async function mixedViews(data: Uint8Array): Promise<FrameView[]> {
  const { width, height } = await sharp(data).metadata();
  const tiles = tileRegions({ width, height }, { width: 300, height: 260 }, 40);
  return [
    ...tiles.map((region) => at(region)),
    WHOLE_FRAME,
    at({ x: 5, y: 7, width: 33, height: 41 }),
    at({ x: 0, y: 0, width: height, height: 100 }, { rotation: 90 }),
    at({ x: 11, y: 3, width: 200, height: 200 }, { flip: 'horizontal' }),
    { rotation: 180, flip: 'vertical' },
    { ...WHOLE_FRAME, quad: QUAD },
    { rotation: 0, flip: 'vertical', quad: QUAD },
  ];
}

describe.each(['coco-detector', 'brick-anomaly', 'movenet-pose'])('%s', (name) => {
  test('regions one after another answer to the bit as pictures of their own', async () => {
    const data = await street();
    const views = await mixedViews(data);
    const session = await open(sample(name), 1);
    const { regions, picture } = await session.judgeRegions(request(data, views));
    expect(regions).toEqual(await oneByOne(session, data, views));
    const { width, height } = await sharp(data).metadata();
    expect(picture).toEqual({ width, height });
  });

  // ONNX Runtime may add up in another order for four pictures than for one.
  test('regions that share runs answer as alone, to a ten-thousandth', async () => {
    const data = await street();
    const views = await mixedViews(data);
    const single = await open(sample(name), 1);
    const session = await open(sample(name), 4);
    const { regions } = await session.judgeRegions(request(data, views));
    expectNear(regions, await oneByOne(single, data, views));
  });
});

test('regions of a PNG, of a raw frame and of a JPEG with an EXIF turn answer as one by one', async () => {
  const session = await open(sample('brick-anomaly'), 3);
  const original = await street();
  const turned = await sharp(original).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const png = await sharp(original).resize(320).png().toBuffer();
  for (const bytes of [turned, png]) {
    const data = new Uint8Array(bytes);
    const views = [
      at({ x: 0, y: 0, width: 100, height: 90 }),
      at({ x: 40, y: 60, width: 100, height: 90 }),
      at({ x: 10, y: 20, width: 64, height: 64 }, { rotation: 270 }),
      WHOLE_FRAME,
    ];
    const { regions } = await session.judgeRegions(request(data, views));
    expect(regions).toEqual(await oneByOne(session, data, views));
  }
});

test('regions of a frame in a slot are read where they lie', async () => {
  const session = await open(await packages.add(batchModel()), 2);
  const ring = FrameRing.create({ slots: 2, slotBytes: 300 });
  onTestFinished(() => ring.close());
  const { slot } = ring.beginWrite(true)!;
  // Three stripes of 10x10 pixels: 51, 102, 153.
  for (const stripe of [0, 1, 2]) ring.bytes(slot).fill(51 * (stripe + 1), stripe * 100);
  const numbers = { width: 10, height: 30, byteLength: 300, sequence: 0, capturedAtMs: 0 };
  ring.publish(slot, { format: 'gray8', ...numbers });
  const { lease } = ring.takeNewest(1)!;
  const frame = { ...lease, ringId: ring.id };
  const views = [2, 0, 1].map((stripe) => stripeViews(3)[stripe]!);
  const { regions } = await session.judgeRegions({
    ...request(new Uint8Array(), views),
    image: { kind: 'frame', frame },
  });
  expect(regions.map(({ findings }) => findings.anomaly?.score)).toEqual([0.6, 0.2, 0.4]);
});

test('a graph with a fixed batch is filled up, and each picture gets its own answer', async () => {
  const fixed = batchModel(undefined, undefined, 4);
  const session = await open(await packages.add(fixed), 1);
  const data = await stripes([51, 102, 153, 204, 255, 0]);
  const { regions } = await session.judgeRegions(request(data, stripeViews(6)));
  const scores = regions.map(({ findings }) => findings.anomaly?.score);
  expect(scores).toEqual([0.2, 0.4, 0.6, 0.8, 1, 0]);
  const alone = await session.judge({ ...request(data, []), view: stripeViews(6)[3]! });
  expect(alone.findings.anomaly?.score).toBe(0.8);
});

test('a bad picture among others that share a run fails alone', async () => {
  const session = await open(await packages.add(nanWhereBright()), 8);
  const good = await stripes([51]);
  const asked = [
    request(good, [WHOLE_FRAME]),
    request(new Uint8Array(64), [WHOLE_FRAME]),
    request(good, [at({ x: 0, y: 0, width: 999, height: 2 })]),
    request(await stripes([255]), [WHOLE_FRAME]),
    request(await stripes([102]), [WHOLE_FRAME]),
  ];
  const answers = await session.judgeAll(asked);
  const found = answers.map((answer) =>
    answer instanceof VedetteError ? answer.code : answer.regions[0]?.findings.anomaly?.score,
  );
  // The square roots of 0.9 less the mean.
  expect(found).toEqual([
    0.83666,
    'IMAGE_FORMAT_UNSUPPORTED',
    'FRAME_INVALID',
    'OUTPUT_INVALID',
    0.707107,
  ]);
});

test('a picture on which the model itself fails takes no other picture of its run along', async () => {
  const session = await open(await packages.add(failsWhereBright()), 4);
  const [dark, bright, dim] = [await stripes([51]), await stripes([255]), await stripes([102])];
  const asked = [dark, bright, dim].map((data) => request(data, [WHOLE_FRAME]));
  const answers = await session.judgeAll(asked);
  const found = answers.map((answer) =>
    answer instanceof VedetteError ? answer.code : answer.regions[0]?.findings.anomaly?.score,
  );
  expect(found).toEqual([0.2, 'INFERENCE_FAILED', 0.4]);
});

test('a graph with a fixed 1 inside is refused for batches', async () => {
  const folder = await packages.add(brightnessModel());
  await expect(open(folder, 4)).rejects.toThrow(
    expect.objectContaining({
      code: 'MODEL_MISMATCH',
      message: expect.stringContaining('set maxBatch to 1') as string,
    }),
  );
});

test('a model that mixes the pictures of a run is refused for batches, and runs alone', async () => {
  const folder = await packages.add(mixingModel());
  await open(folder, 1);
  await expect(open(folder, 4)).rejects.toThrow(
    expect.objectContaining({
      code: 'MODEL_MISMATCH',
      message: expect.stringMatching(/set maxBatch to 1.*'pred_score' differs/) as string,
    }),
  );
});

test('a host judges the regions of a picture; none and too many are refused', async () => {
  const host = new ModelHost({
    name: 'brightness',
    config: modelConfig(await packages.add(batchModel()), { maxBatch: 2 }),
    maxImagePixels: 50_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });
  onTestFinished(async () => void (await host.close(4000)));
  await host.start();
  const data = await stripes([51, 102, 153]);
  const { model, regions, timings } = await host.inferRegions(request(data, stripeViews(3)));
  expect(regions.map(({ findings }) => findings.anomaly?.score)).toEqual([0.2, 0.4, 0.6]);
  expect(model.name).toBe('brightness');
  expect(Object.keys(timings).sort()).toEqual(['decodeMs', 'preprocessMs', 'queueMs', 'runMs']);
  for (const count of [0, 4097]) {
    const views = Array<FrameView>(count).fill(WHOLE_FRAME);
    await expect(host.inferRegions(request(data, views))).rejects.toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    );
  }
});
