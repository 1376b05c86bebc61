import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chainSchema } from '../../../component/contract/chain-config.ts';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { FrameDescription } from '../../../component/contract/frame.ts';
import type { ModelManifestInput } from '../../../component/contract/model-manifest.ts';
import type { InferenceRequest } from '../../../component/contract/ports.ts';
import type { TextLine } from '../../../component/contract/result.ts';
import { ModelChain } from '../../../component/inference/chain/model-chain.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { FrameRing } from '../../../native/index.ts';
import { ModelPackages, batchModel, modelConfig } from '../../support/model-packages.ts';
import { textModel } from '../../support/text-models.ts';
import { headModel } from '../decode/head-model.ts';

const samples = join(import.meta.dirname, '../../../samples');
const picture = async (path: string) =>
  new Uint8Array(await readFile(join(samples, 'images', path)));

const hosts = new Map<string, ModelHost>();
const addHost = (name: string, folder: string, maxBatch = 1) => {
  const host = new ModelHost({
    name,
    config: modelConfig(folder, { maxBatch }),
    maxImagePixels: 10_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });
  hosts.set(name, host);
  return host;
};

const chainOf = (steps: object) =>
  new ModelChain('chain', chainSchema.parse({ steps }), {
    host: (name) => hosts.get(name)!,
    tiling: () => undefined,
  });

const request = (image: InferenceRequest['image']): InferenceRequest => ({
  image,
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
});
const encoded = (data: Uint8Array<ArrayBuffer>) => request({ kind: 'encoded', data });
const plain = async (width: number, height: number, background = '#808080') => {
  const create = { width, height, channels: 3 as const, background };
  return new Uint8Array(await sharp({ create }).png().toBuffer());
};
const refusalOf = async (asked: Promise<unknown>) =>
  (await asked.then(
    () => undefined,
    (error: unknown) => error,
  )) as VedetteError;

/** Rows x1, y1, x2, y2, score, class in pixels of an input of 640 × 640. */
const detectorOf = (rows: readonly (readonly number[])[]) =>
  headModel(rows.flat(), [1, rows.length, 6]);
const DETECTIONS: Partial<ModelManifestInput> = {
  task: 'object-detection',
  input: { resize: 'stretch' },
  output: { decoder: 'end-to-end-detections', maxDetections: 5000 },
  labels: ['part', 'hole'],
};

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
  addHost('text-detection', textModel('text-detection'));
  addHost('text-direction', textModel('text-direction'));
  addHost('text-recognition', textModel('text-recognition'));
  addHost('coco-detector', join(samples, 'models/coco-detector'));
  addHost('brightness', await packages.add(batchModel()), 8);
  const border = [
    [-50, -40, 100, 80, 0.9, 0],
    [600, 600, 700, 700, 0.8, 1],
    [300, 300, 303, 340, 0.7, 0],
    [320, 320, 480, 480, 0.6, 0],
  ];
  addHost('border', await packages.add(detectorOf(border), DETECTIONS));
  const many = Array.from({ length: 1200 }, (_, i) => {
    const [x, y] = [(i % 40) * 16, Math.floor(i / 40) * 20];
    return [x, y, x + 12, y + 12, 0.9 - i / 2000, 0];
  });
  addHost('many', await packages.add(detectorOf(many), DETECTIONS));
  await Promise.all([...hosts.values()].map((host) => host.start()));
  addHost('never-started', textModel('text-recognition'));
}, 120_000);
afterAll(async () => {
  await Promise.all([...hosts.values()].map((host) => host.close(4000)));
  await packages.close();
});

describe('a chain that reads text', () => {
  const chain = () =>
    chainOf({
      find: { model: 'text-detection' },
      turn: { model: 'text-direction', input: 'find' },
      read: { model: 'text-recognition', input: 'turn' },
    });
  const letters = (text: string | undefined) => text?.replaceAll(/\s/g, '').toLowerCase();
  const read = (lines: readonly TextLine[]) => lines.map(({ text }) => letters(text));

  test.each(['notice.jpg', 'generator.jpg'])('reads what a person reads on %s', async (name) => {
    const expected = JSON.parse(
      String(await readFile(join(samples, 'images/text/expected.json'))),
    ) as Record<string, { lines: string[] }>;
    const answer = await chain().infer(encoded(await picture(`text/${name}`)));
    const lines = read(answer.findings.text!);
    const wanted = expected[name]!.lines.map(letters);
    expect(lines.filter((line) => wanted.includes(line))).toEqual(wanted);
    for (const { polygon, score } of answer.findings.text!) {
      expect(polygon).toHaveLength(4);
      expect(score).toBeGreaterThan(0.5);
    }
    expect(answer.model.models!.map(({ step, name: model }) => `${step} ${model}`)).toEqual([
      'find text-detection',
      'turn text-direction',
      'read text-recognition',
    ]);
    expect(answer.model.name).toBe('chain');
    const { find, turn, read: last } = answer.steps!;
    expect([find!.crops, turn!.crops, last!.crops]).toEqual([1, lines.length, lines.length]);
    const sum = find!.runMs + turn!.runMs + last!.runMs;
    expect(answer.timings.runMs).toBeCloseTo(sum, 6);
  });

  test('turns lines that are upside down', async () => {
    const turned = await sharp(await picture('text/notice.jpg'))
      .rotate(180)
      .jpeg()
      .toBuffer();
    const answer = await chain().infer(encoded(new Uint8Array(turned)));
    expect(answer.steps!['turn']!.cropsTurned).toBeGreaterThanOrEqual(5);
    const lines = read(answer.findings.text!);
    for (const line of ['notice', 'double', 'parking', 'prohibited', 'atalltimes']) {
      expect(lines).toContain(line);
    }
  });

  test('reads a frame in a slot of a ring', async () => {
    const { data, info } = await sharp(await picture('text/notice.jpg'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const ring = FrameRing.create({ slots: 2, slotBytes: data.byteLength });
    const description: FrameDescription = {
      format: 'rgb24',
      width: info.width,
      height: info.height,
      byteLength: data.byteLength,
      sequence: 0,
      capturedAtMs: 0,
    };
    const { slot } = ring.beginWrite(false)!;
    ring.bytes(slot).set(data);
    ring.publish(slot, description);
    const frame = ring.takeOldest(1)!;
    try {
      const answer = await chain().infer(request({ kind: 'frame', frame }));
      expect(read(answer.findings.text!)).toContain('prohibited');
    } finally {
      ring.release(frame);
      ring.close();
    }
  });

  test('finds nothing on a plain picture, and runs no further step', async () => {
    const answer = await chain().infer(encoded(await plain(320, 240)));
    expect(answer.findings).toEqual({ text: [] });
    expect(answer.steps).toMatchObject({
      turn: { crops: 0, cropsLeftOut: 0, runMs: 0 },
      read: { crops: 0, cropsLeftOut: 0, runMs: 0 },
    });
    expect(answer.model.models).toHaveLength(3);
  });
});

describe('a chain from a detector to a classifier', () => {
  test('tells of each person what a look at its part of the picture alone tells', async () => {
    const chain = chainOf({
      find: { model: 'coco-detector' },
      shade: { model: 'brightness', input: 'find', labels: { person: true }, minScore: 0.4 },
    });
    const street = await picture('street/walkway-00.jpg');
    const { findings, steps } = await chain.infer(encoded(street.slice()));
    const people = findings.detections!.filter((one) => one.label === 'person' && one.score >= 0.4);
    expect(people.length).toBeGreaterThan(2);
    expect(steps!['shade']!.crops).toBe(people.length);
    for (const detection of findings.detections!) {
      const isAsked = people.includes(detection);
      expect(detection.attributes !== undefined).toBe(isAsked);
      if (!isAsked) continue;
      const { x, y, width, height } = detection.box;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const part = await sharp(street)
        .extract({
          left,
          top,
          width: Math.min(768, Math.ceil(x + width)) - left,
          height: Math.min(576, Math.ceil(y + height)) - top,
        })
        .png()
        .toBuffer();
      const alone = await hosts.get('brightness')!.infer(encoded(new Uint8Array(part)));
      expect(detection.attributes!['shade']!.anomaly!.score).toBeCloseTo(
        alone.findings.anomaly!.score,
        2,
      );
    }
  });

  test('cuts crops at the border, and leaves out and counts what is too small', async () => {
    const chain = chainOf({
      find: { model: 'border' },
      shade: { model: 'brightness', input: 'find', margin: 0.25 },
    });
    const { findings, steps } = await chain.infer(encoded(await plain(640, 640, '#cccccc')));
    expect(findings.detections).toHaveLength(4);
    expect(steps!['shade']).toMatchObject({ crops: 3, cropsLeftOut: 1 });
    const judged = findings.detections!.filter(({ attributes }) => attributes);
    expect(judged).toHaveLength(3);
    for (const { attributes } of judged) {
      expect(attributes!['shade']!.anomaly!.score).toBeCloseTo(0.8, 5);
    }
  });

  test('takes at most maxCrops, the best, of a thousand and more', async () => {
    const chain = chainOf({
      find: { model: 'many' },
      shade: { model: 'brightness', input: 'find', maxCrops: 1000, minSidePx: 1 },
    });
    const { findings, steps } = await chain.infer(encoded(await plain(640, 640)));
    expect(findings.detections).toHaveLength(1200);
    expect(steps!['shade']).toMatchObject({ crops: 1000, cropsLeftOut: 200 });
    const judged = findings.detections!.map(({ attributes }) => attributes !== undefined);
    expect(judged.slice(0, 1000).every(Boolean)).toBe(true);
    expect(judged.slice(1000).some(Boolean)).toBe(false);
  });

  test('crops of crops: a detector on the parts of another, with places in the whole picture', async () => {
    const chain = chainOf({
      find: { model: 'border', scoreThreshold: 0.55 },
      again: { model: 'border', input: 'find', minScore: 0.55, maxScore: 0.65 },
      shade: { model: 'brightness', input: 'again', minScore: 0.85 },
    });
    const { findings, steps } = await chain.infer(encoded(await plain(640, 640)));
    const [, , , outer] = findings.detections!;
    // The last box of the outer one, 320 to 480, is shown to the same detector.
    expect(outer!.box).toEqual({ x: 320, y: 320, width: 160, height: 160 });
    const inner = outer!.attributes!['again']!.detections!;
    expect(inner.map(({ box }) => box)).toEqual([
      { x: 320, y: 320, width: 25, height: 20 },
      { x: 470, y: 470, width: 10, height: 10 },
      { x: 395, y: 395, width: 0.75, height: 10 },
      { x: 400, y: 400, width: 40, height: 40 },
    ]);
    expect(inner[0]!.attributes!['shade']!.anomaly).toBeDefined();
    expect(inner[3]!.attributes).toBeUndefined();
    expect(steps).toMatchObject({ again: { crops: 1 }, shade: { crops: 1 } });
  });
});

describe('a chain that cannot answer', () => {
  test('says which step failed, with the code of its model', async () => {
    const chain = chainOf({
      find: { model: 'text-detection' },
      read: { model: 'never-started', input: 'find' },
    });
    const refusal = await refusalOf(chain.infer(encoded(await picture('text/notice.jpg'))));
    expect(refusal.code).toBe('MODEL_NOT_READY');
    expect(refusal.message).toMatch(/^step 'read' \(never-started\): /);
    expect(refusal.details).toMatchObject({ step: 'read', model: 'never-started' });
    expect(chain.isReady).toBe(false);
    expect(chain.status()).toMatchObject({ name: 'chain', state: 'loading' });
    expect(chain.status().identity).toBeUndefined();
  });

  test('is failed when one of its models is', async () => {
    const broken = addHost('broken', '/nowhere/to/be/found');
    await broken.start();
    const chain = chainOf({
      find: { model: 'text-detection' },
      read: { model: 'broken', input: 'find' },
    });
    expect(chain.status()).toMatchObject({
      state: 'failed',
      reason: { code: 'MODEL_PACKAGE_INVALID' },
    });
    const aborted = AbortSignal.timeout(50);
    await chain.whenReady(aborted);
    expect(chain.isReady).toBe(false);
  });

  test('refuses a step behind a model that finds no places, and a direction of the frame', async () => {
    const behind = chainOf({
      judge: { model: 'brightness' },
      read: { model: 'text-recognition', input: 'judge' },
    });
    const refusal = await refusalOf(behind.infer(encoded(await plain(64, 64))));
    expect(refusal.code).toBe('MODEL_MISMATCH');
    expect(refusal.message).toMatch(/steps\.read\.input is 'judge', but decoder 'anomaly'/);
    expect(behind.status()).toMatchObject({ state: 'failed', reason: { code: 'MODEL_MISMATCH' } });
    const first = chainOf({ turn: { model: 'text-direction' } });
    expect((await refusalOf(first.infer(encoded(await plain(64, 64))))).message).toMatch(
      /steps\.turn takes the frame/,
    );
  });

  test('refuses a picture that is none once, by its first step', async () => {
    const chain = chainOf({ find: { model: 'text-detection' } });
    const refusal = await refusalOf(chain.infer(encoded(new Uint8Array(64))));
    expect(refusal.code).toBe('IMAGE_FORMAT_UNSUPPORTED');
    expect(refusal.details).toMatchObject({ step: 'find' });
  });
});
