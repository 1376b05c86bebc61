import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { FrameView, Quad } from '../../../component/contract/frame.ts';
import type { ModelManifestInput } from '../../../component/contract/model-manifest.ts';
import { compareText } from '../../../component/inference/golden/compare-text.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { ModelPackages, modelConfig } from '../../support/model-packages.ts';
import { floats } from '../../support/onnx-builder.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import { textModel } from '../../support/text-models.ts';

const samples = join(import.meta.dirname, '../../../samples');

const hostOf = (name: string, folder: string, maxBatch = 1) =>
  new ModelHost({
    name,
    config: modelConfig(folder, { maxBatch }),
    maxImagePixels: 10_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });

const encoded = (data: Uint8Array<ArrayBuffer>) => ({ kind: 'encoded', data }) as const;
const base = { thresholds: { labels: {} }, wantsAnomalyMap: false };
const quadView = (polygon: unknown): FrameView => ({
  rotation: 0,
  flip: 'none',
  quad: polygon as Quad,
});

let sign: Uint8Array<ArrayBuffer>;
let packages: ModelPackages;
beforeAll(async () => {
  sign = new Uint8Array(await readFile(join(samples, 'images/text/notice.jpg')));
  packages = await ModelPackages.create();
});
afterAll(() => packages.close());

describe("PaddleOCR's models", () => {
  const detection = hostOf('text-detection', textModel('text-detection'));
  const direction = hostOf('text-direction', textModel('text-direction'));
  const recognition = hostOf('text-recognition', textModel('text-recognition'), 4);
  beforeAll(async () => {
    await Promise.all([detection.start(), direction.start(), recognition.start()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([detection.close(4000), direction.close(4000), recognition.close(4000)]);
  });

  test('find the lines of a sign where they are, and read them', async () => {
    const found = await detection.infer({
      ...base,
      image: encoded(sign.slice()),
      view: WHOLE_FRAME,
    });
    const lines = found.findings.text!.filter(({ polygon }) => polygon![0]!.y < 300);
    expect(lines).toHaveLength(5);
    // As measured on the picture by eye, in pixels of the letters' edges.
    const heights = [40, 88, 133, 175, 218];
    lines.forEach(({ polygon }, i) => {
      expect(Math.abs(polygon![0]!.y - heights[i]!)).toBeLessThan(8);
      expect(polygon![0]!.x).toBeGreaterThan(265);
      expect(polygon![1]!.x).toBeLessThan(440);
    });
    const views = lines.map(({ polygon }) => quadView(polygon));
    const read = await recognition.inferRegions({ ...base, image: encoded(sign.slice()), views });
    const texts = read.regions.map(({ findings }) => findings.text![0]!.text);
    const letters = texts.map((text) => text?.replaceAll(' ', ''));
    expect(letters).toEqual(['NOTICE', 'DOUBLE', 'PARKING', 'PROHIBITED', 'ATALLTIMES']);

    const turned = views.map(({ quad }) => {
      const [a, b, c, d] = quad!;
      return quadView([c, d, a, b]);
    });
    const upright = await direction.inferRegions({ ...base, image: encoded(sign.slice()), views });
    const upsideDown = await direction.inferRegions({
      ...base,
      image: encoded(sign.slice()),
      views: turned,
    });
    for (const { findings } of upright.regions) {
      expect(findings.classes![0]).toMatchObject({ label: '0' });
    }
    for (const { findings } of upsideDown.regions) {
      expect(findings.classes![0]).toMatchObject({ label: '180' });
      expect(findings.classes![0]!.score).toBeGreaterThan(0.9);
    }
  });

  test('find a line in a picture that is turned on the way, in pixels of the upright one', async () => {
    const onItsSide = new Uint8Array(await sharp(sign).rotate(270).png().toBuffer());
    const view: FrameView = { rotation: 90, flip: 'none' };
    const found = await detection.infer({ ...base, image: encoded(onItsSide), view });
    expect(found.picture).toEqual({ width: 800, height: 600 });
    expect(found.findings.text!.filter(({ polygon }) => polygon![0]!.y < 300)).toHaveLength(5);
  });

  test('find nothing on a plain picture', async () => {
    const create = { width: 200, height: 40, channels: 3 as const, background: '#808080' };
    const plain = new Uint8Array(await sharp({ create }).png().toBuffer());
    const found = await detection.infer({ ...base, image: encoded(plain), view: WHOLE_FRAME });
    expect(found.findings).toEqual({ text: [] });
  });

  test.each(['text-detection', 'text-direction', 'text-recognition'] as const)(
    'are recognised from the bare file: %s',
    async (name) => {
      const description = await describeModel(join(textModel(name), 'model.onnx'), {});
      expect(description.suggestion?.manifest).toMatchObject({
        task: name,
        output: { decoder: name },
        input: { colourOrder: 'bgr' },
      });
    },
  );
});

/** A graph that answers with the sizes of its input: [1, 2, 2] scores of one step each. */
const sizeTeller: OnnxModel = {
  inputs: [{ name: 'x', dtype: 'float32', shape: ['n', 3, 'h', 'w'] }],
  outputs: [{ name: 'map', dtype: 'float32', shape: ['n', 1, 'h', 'w'] }],
  nodes: [
    {
      operator: 'ReduceMean',
      inputs: ['x'],
      outputs: ['mean'],
      attributes: [
        { name: 'axes', ints: [1] },
        { name: 'keepdims', int: 1 },
      ],
    },
    { operator: 'Mul', inputs: ['mean', 'nothing'], outputs: ['zero'] },
    { operator: 'Add', inputs: ['zero', 'one'], outputs: ['map'] },
  ],
  initializers: [floats('nothing', [0], []), floats('one', [1], [])],
};

describe('an input that follows the picture', () => {
  const manifest: Partial<ModelManifestInput> = {
    task: 'text-detection',
    input: { width: 256, height: 128, sizeMultiple: 32 },
    output: { decoder: 'text-detection', unclipRatio: 0 },
  };

  test.each([
    // Scaled down until it fits, then each side to the nearest multiple: the map is all text, and a
    // cell of it less than the picture, whose size says how large the input was.
    [
      { width: 512, height: 200 },
      { width: 256, height: 96 },
    ],
    [
      { width: 100, height: 70 },
      { width: 96, height: 64 },
    ],
    [
      { width: 10, height: 10 },
      { width: 32, height: 32 },
    ],
    [
      { width: 300, height: 1200 },
      { width: 32, height: 128 },
    ],
  ])('of %j is %j', async (picture, input) => {
    const folder = await packages.add(sizeTeller, manifest);
    const host = hostOf('teller', folder);
    await host.start();
    try {
      const create = { ...picture, channels: 3 as const, background: '#404040' };
      const image = encoded(new Uint8Array(await sharp({ create }).png().toBuffer()));
      const { findings } = await host.infer({ ...base, image, view: WHOLE_FRAME });
      const [line] = findings.text!;
      const [first, second, third] = line!.polygon!;
      // Half a cell is missing at each end, since lines are measured from the centres of cells.
      expect(second!.x - first!.x).toBeCloseTo(picture.width * (1 - 1 / input.width), 0);
      expect(third!.y - second!.y).toBeCloseTo(picture.height * (1 - 1 / input.height), 0);
    } finally {
      await host.close(4000);
    }
  });

  test.each([
    [
      { input: { ...manifest.input, resize: 'letterbox' as const } },
      /sizeMultiple is set with input.resize 'letterbox'/,
    ],
    [
      { input: { ...manifest.input, width: 250 } },
      /input.width is 250, expected a multiple of sizeMultiple 32/,
    ],
  ])('is refused where it cannot be: %j', async (change, message) => {
    const folder = await packages.add(sizeTeller, { ...manifest, ...change });
    const refusal = await readPackage(folder).catch((error: unknown) => error as VedetteError);
    expect((refusal as VedetteError).code).toBe('MODEL_MISMATCH');
    expect((refusal as VedetteError).message).toMatch(message);
  });

  test('is refused for a graph that fixes its size, and for decoders that want one size', async () => {
    const [input] = sizeTeller.inputs;
    const fixed = { ...sizeTeller, inputs: [{ ...input!, shape: ['n', 3, 128, 256] }] };
    const folder = await packages.add(fixed, manifest);
    await expect(readPackage(folder)).rejects.toThrow(/fixes the width at 256/);
    const other = await packages.add(sizeTeller, {
      ...manifest,
      task: 'semantic-segmentation',
      output: { decoder: 'semantic-segmentation' },
    });
    await expect(readPackage(other)).rejects.toThrow(/wants an input of one size/);
  });
});

describe('golden text', () => {
  const box = (x: number) => [
    { x, y: 0 },
    { x: x + 100, y: 0 },
    { x: x + 100, y: 20 },
    { x, y: 20 },
  ];
  const picture = { width: 400, height: 100 };
  const compare = (found: object[], expected: object[]) =>
    compareText({ text: found as never }, { text: expected }, picture);

  test('is the same letters, spaces and case aside, and about the same place', () => {
    const found = [{ text: 'GM125', score: 0.9, polygon: box(10) }];
    expect(compare(found, [{ text: 'gm 125' }])).toEqual([]);
    expect(compare(found, [{ text: 'GM 125', polygon: box(15) }])).toEqual([]);
    expect(compare(found, [{ text: 'GM 126' }])).toEqual([
      "the text 'GM 126' was not found",
      "the text 'GM125' at 10, 0 was not expected",
    ]);
    expect(compare(found, [{ text: 'GM125', polygon: box(60) }])).toHaveLength(2);
    expect(compare([{ score: 0.9, polygon: box(10) }], [{ polygon: box(12) }])).toEqual([]);
    expect(compare([], [])).toEqual([]);
  });

  test('of other findings is nothing to compare', () => {
    expect(compareText({ detections: [] }, { text: [] }, picture)).toBeUndefined();
    expect(compareText({ text: [] }, {}, picture)).toBeUndefined();
  });
});
