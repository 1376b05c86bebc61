import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import type { LocalEdgeRuntime } from '../../../component/local-edge-runtime.ts';
import { startEdgeRuntime } from '../../../component/start-edge-runtime.ts';
import { samplesFolder } from '../../support/real-runtime.ts';

const model = (name: string) => ({ package: join(samplesFolder, 'models', name) });
const person = { camera: 'strict', kind: 'count', label: 'person' };

let folder: string;
let runtime: LocalEdgeRuntime;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-products-'));
  const products = {
    walkway: {
      model: 'detector',
      thresholds: { score: 0.5 },
      region: { x: 0, y: 0, width: 500, height: 576 },
    },
    '17': { thresholds: { score: 0.99 } },
  };
  const config = runtimeConfigSchema.parse({
    dataFolder: join(folder, 'data'),
    models: { brick: model('brick-anomaly'), detector: model('coco-detector') },
    cameras: {
      strict: { model: 'brick', source: { kind: 'push' }, products },
      lenient: { model: 'brick', source: { kind: 'push' }, products, unknownProduct: 'default' },
      plain: { model: 'brick', source: { kind: 'push' } },
      changing: {
        ...{ model: 'detector', source: { kind: 'push' }, thresholds: { score: 0.5 } },
        products: {
          whole: {},
          sure: { thresholds: { score: 0.6 } },
          cars: { thresholds: { score: 0.6, labels: { car: 0.4 } } },
          right: { region: { x: 450, y: 0, width: 318, height: 576 } },
          bricks: { model: 'brick', thresholds: { score: 0.99 } },
        },
      },
    },
    rules: {
      alone: { ...person, product: 'walkway', maximum: 0 },
      surface: { camera: 'strict', product: '17', kind: 'anomaly' },
      'any-surface': { camera: 'lenient', kind: 'anomaly', failAt: 0.2 },
    },
  });
  const logger = pino({ level: 'silent' });
  runtime = await startEdgeRuntime({
    config,
    version: '0.1.0',
    logger,
    readSecret: async () => '',
  });
  while (!runtime.readiness().isReady) await new Promise((resolve) => setTimeout(resolve, 20));
}, 60_000);
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

async function push(camera: string, picture: string, context?: Record<string, unknown>) {
  const data = new Uint8Array(await readFile(join(samplesFolder, 'images', picture)));
  return runtime.pushFrame(camera, { data, ...(context ? { context } : {}) });
}

describe('a picture with a product', () => {
  it('is judged by its model, thresholds, region and rules, and its result says so', async () => {
    const result = await push('strict', 'street/walkway-00.jpg', { product: 'walkway', lot: 7 });
    expect(result.product).toEqual({ code: 'walkway', isKnown: true });
    expect(result.context).toEqual({ product: 'walkway', lot: 7 });
    expect(result.model.name).toBe('detector');
    // Of the three persons one stands to the right of the region.
    const persons = result.detections!.filter(({ label }) => label === 'person');
    expect(persons.every(({ box, score }) => box.x + box.width <= 501 && score >= 0.5)).toBe(true);
    expect(result.verdict).toMatchObject({ outcome: 'fail', rule: 'alone' });
  });

  it('may name it by a number', async () => {
    const result = await push('strict', 'brick/defect-00.png', { product: 17 });
    expect(result.product).toEqual({ code: '17', isKnown: true });
    expect(result.model.name).toBe('brick');
    expect(result.anomaly!.threshold).toBe(0.99);
    expect(result.verdict).toMatchObject({ outcome: 'pass', rule: 'surface' });
  });
});

describe('a changeover between products on one picture', () => {
  const judged = (product: string) =>
    push('changing', 'street/walkway-00.jpg', { product }) as Promise<InferenceResult>;
  /** Label and left edge of what was found; samples/images/street/expected.json has them all. */
  const found = async (product: string) =>
    (await judged(product)).detections!.map(({ label, box }) => [label, Math.round(box.x)]);

  it('changes what counts as found, by score and by label', async () => {
    expect(await found('whole')).toEqual([
      ...[
        ['person', 500],
        ['person', 642],
        ['person', 253],
      ],
    ]);
    expect(await found('sure')).toEqual([['person', 500]]);
    expect(await found('cars')).toEqual([
      ['person', 500],
      ['car', 732],
    ]);
  });

  it('changes where is looked, and the model, and leaves nothing behind', async () => {
    const before = await found('whole');
    const right = await found('right');
    expect(right.length).toBeGreaterThan(0);
    expect(right.every(([, x]) => Number(x) >= 449)).toBe(true);
    const bricks = await judged('bricks');
    expect(bricks).toMatchObject({ model: { name: 'brick' }, anomaly: { threshold: 0.99 } });
    expect(await found('whole')).toEqual(before);
  });

  it('keeps pictures of several products apart that come at once', async () => {
    const products = ['whole', 'sure', 'bricks', 'cars', 'sure', 'whole'];
    const results = await Promise.all(products.map(judged));
    expect(results.map(({ product }) => product?.code)).toEqual(products);
    const counts = results.map(({ detections }) => detections?.length);
    expect(counts).toEqual([3, 1, undefined, 2, 1, 3]);
  });
});

describe('a picture whose product has no settings', () => {
  it.each([
    [{ product: 'P9' }, { code: 'P9', isKnown: false }, 'product "P9" has no settings'],
    [{ lot: 7 }, { isKnown: false }, 'came without a product'],
    [undefined, { isKnown: false }, 'came without a product'],
    [{ product: { code: 'walkway' } }, { isKnown: false }, 'product {"code":"walkway"} has no'],
    [{ product: '__proto__' }, { code: '__proto__', isKnown: false }, 'has no settings'],
  ])('is for a person to look at: %j', async (context, product, reason) => {
    const result = await push('strict', 'brick/good-00.png', context);
    expect(result.product).toEqual(product);
    expect(result.verdict).toEqual({
      outcome: 'review',
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('is judged as any other where the camera says so', async () => {
    const result = await push('lenient', 'brick/defect-00.png', { product: 'P9' });
    expect(result.product).toEqual({ code: 'P9', isKnown: false });
    expect(result.verdict).toMatchObject({ outcome: 'fail', rule: 'any-surface' });
  });
});

it('a camera without products says nothing of them', async () => {
  const result = await push('plain', 'brick/good-00.png', { product: 'walkway' });
  expect(result.product).toBeUndefined();
  expect(result.verdict.outcome).toBe('pass');
});
