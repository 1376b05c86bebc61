import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Point } from '../../../component/contract/frame.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { floats } from '../../support/onnx-builder.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import { headModel, ultralyticsMetadata } from './head-model.ts';
import { plainPicture, runModel } from './run-model.ts';

const ANCHORS = 8400;
const limits = { memoryMegabytes: 512, timeoutMs: 20_000, threads: 1, maxImagePixels: 10_000_000 };
const names = Array.from({ length: 80 }, (_, index) => `class ${index}`);
const picture = () => plainPicture(1280, 960, { r: 90, g: 120, b: 150 });

/** Prototypes of 160×160: a disc of radius 20 around 80, 60, an ellipse, nothing. */
const discs = [
  (x: number, y: number) => 20 - Math.hypot(x + 0.5 - 80, y + 0.5 - 60),
  (x: number, y: number) => 1 - Math.hypot((x + 0.5 - 120) / 24, (y + 0.5 - 90) / 12),
];

/** Ultralytics v8, v11 seg: [1, 4 + 80 + 32, 8400] and [1, 32, 160, 160]. */
function segmentModel(metadata: Record<string, string>): OnnxModel {
  const channels = 4 + 80 + 32;
  const head = new Array<number>(channels * ANCHORS).fill(0);
  const put = (anchor: number, values: Readonly<Record<number, number>>) => {
    for (const [channel, value] of Object.entries(values)) {
      head[Number(channel) * ANCHORS + anchor] = value;
    }
  };
  // The disc in a box that holds it, twice; the ellipse in another.
  put(100, { 0: 320, 1: 240, 2: 200, 3: 200, [4 + 7]: 0.75, 84: 2 });
  put(101, { 0: 322, 1: 240, 2: 200, 3: 200, [4 + 7]: 0.5, 84: 2 });
  put(8000, { 0: 480, 1: 360, 2: 220, 3: 120, [4 + 33]: 0.5, 85: 5 });
  const prototypes = Array.from({ length: 32 }, (_, channel) =>
    Array.from({ length: 160 * 160 }, (_, cell) =>
      (discs[channel] ?? (() => 0))(cell % 160, Math.floor(cell / 160)),
    ),
  ).flat();
  const model = headModel(head, [1, channels, ANCHORS], { metadata });
  return {
    ...model,
    outputs: [...model.outputs, { name: 'output1', dtype: 'float32', shape: [1, 32, 160, 160] }],
    nodes: [
      ...model.nodes,
      { operator: 'Add', inputs: ['prototypes', 'zero'], outputs: ['output1'] },
    ],
    initializers: [
      ...(model.initializers ?? []),
      floats('prototypes', prototypes, [1, 32, 160, 160]),
    ],
  };
}

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function suggestedFor(model: OnnxModel) {
  const file = join(await packages.add(model), 'model.onnx');
  const { suggestion, problem } = await describeModel(file);
  return { suggestion, problem };
}

describe('instance segmentation, from the bare file to polygons in the picture', () => {
  test('of Ultralytics’ exports', async () => {
    const model = segmentModel(ultralyticsMetadata('segment', names));
    const { suggestion, problem } = await suggestedFor(model);
    expect(problem).toBe(undefined);
    expect(suggestion!.manifest).toMatchObject({
      task: 'instance-segmentation',
      output: { decoder: 'yolo-segments', iouThreshold: 0.7 },
    });
    const folder = await packages.add(model, suggestion!.manifest);
    const { detections } = await runModel(folder, await picture());
    // The picture lies in the input at half size, 80 pixels down.
    expect(detections).toMatchObject([
      { label: 'class 7', score: 0.75, box: { x: 440, y: 120, width: 400, height: 400 } },
      { label: 'class 33', score: 0.5, box: { x: 740, y: 440, width: 440, height: 240 } },
    ]);
    const [disc, ellipse] = detections!.map(({ mask }) => mask!.polygons);
    expect(disc).toHaveLength(1);
    expect(ellipse).toHaveLength(1);
    // A cell of the prototypes is 8 pixels of the picture.
    for (const { x, y } of disc![0]!) {
      expect(Math.abs(Math.hypot(x - 640, y - 320) - 160)).toBeLessThan(5);
    }
    expect(areaOf(disc![0]!) / (Math.PI * 160 ** 2)).toBeCloseTo(1, 1);
    expect(areaOf(ellipse![0]!) / (Math.PI * 192 * 96)).toBeCloseTo(1, 1);
  });

  test('without metadata, by the shapes of both outputs', async () => {
    const model = segmentModel({});
    const { suggestion } = await suggestedFor(model);
    expect(suggestion!.manifest).toMatchObject({
      task: 'instance-segmentation',
      input: { resize: 'letterbox' },
      output: { decoder: 'yolo-segments' },
    });
    const folder = await packages.add(model, { ...suggestion!.manifest, labels: names });
    const { detections } = await runModel(folder, await picture());
    expect(detections!.map(({ label }) => label)).toEqual(['class 7', 'class 33']);
  });

  test('another task than the file says is refused', async () => {
    const model = segmentModel(ultralyticsMetadata('segment', names));
    const folder = await packages.add(model, {
      task: 'object-detection',
      output: { decoder: 'yolo-detections', output: 'output0' },
    });
    await expect(runModel(folder, await picture())).rejects.toMatchObject({
      code: expect.stringMatching(/MODEL_/) as string,
    });
  });
});

/** Red above 0.5 is class 1, else class 0: scores for each pixel of the picture itself. */
function redness(tail: 'scores' | 'indices'): OnnxModel {
  const isMap = tail === 'indices';
  return {
    inputs: [{ name: 'image', dtype: 'float32', shape: [1, 3, 32, 32] }],
    outputs: [
      isMap
        ? { name: 'map', dtype: 'int64', shape: [1, 32, 32] }
        : { name: 'scores', dtype: 'float32', shape: [1, 2, 32, 32] },
    ],
    nodes: [
      { operator: 'Conv', inputs: ['image', 'weights', 'bias'], outputs: ['scores'] },
      ...(isMap
        ? [
            {
              operator: 'ArgMax',
              inputs: ['scores'],
              outputs: ['map'],
              attributes: [
                { name: 'axis', int: 1 },
                { name: 'keepdims', int: 0 },
              ],
            },
          ]
        : []),
    ],
    initializers: [floats('weights', [0, 0, 0, 1, 0, 0], [2, 3, 1, 1]), floats('bias', [0.5, 0])],
  };
}

describe('semantic segmentation, from the bare file to areas of the picture', () => {
  for (const tail of ['scores', 'indices'] as const) {
    test(`of ${tail}`, async () => {
      const model = redness(tail);
      const { suggestion, problem } = await suggestedFor(model);
      expect(problem).toBe(undefined);
      expect(suggestion!.manifest).toMatchObject({
        task: 'semantic-segmentation',
        output: { decoder: 'semantic-segmentation' },
      });
      expect(suggestion!.guesses.join()).toContain('output.background');
      const folder = await packages.add(model, {
        ...suggestion!.manifest,
        labels: ['rest', 'red'],
        output: { decoder: 'semantic-segmentation', background: 0 },
      });
      const red = await plainPicture(64, 64, { r: 255, g: 0, b: 0 });
      const { segments } = await runModel(folder, red);
      expect(segments).toEqual([
        {
          label: 'red',
          labelIndex: 1,
          areaFraction: 1,
          polygons: [
            [
              { x: 0, y: 0 },
              { x: 64, y: 0 },
              { x: 64, y: 64 },
              { x: 0, y: 64 },
            ],
          ],
        },
      ]);
      const blue = await plainPicture(64, 64, { r: 0, g: 0, b: 255 });
      expect((await runModel(folder, blue)).segments).toEqual([]);
    });
  }

  test('passes golden parts of the picture, and no others', async () => {
    const red = await plainPicture(64, 64, { r: 255, g: 0, b: 0 });
    const golden = (areaFraction: number) =>
      packages.add(
        redness('scores'),
        {
          task: 'semantic-segmentation',
          labels: ['rest', 'red'],
          output: { decoder: 'semantic-segmentation', background: 0 },
          golden: [{ image: 'red.png', expected: { segments: [{ label: 'red', areaFraction }] } }],
        },
        { 'red.png': red },
      );
    await runProbe(await readPackage(await golden(0.98)), limits);
    await expect(runProbe(await readPackage(await golden(0.9)), limits)).rejects.toMatchObject({
      code: 'MODEL_PROBE_FAILED',
      message: expect.stringContaining("'red' covers 1 of the picture, expected 0.9") as string,
    });
  });

  test('a picture that comes out of a picture is not taken for classes', async () => {
    const model: OnnxModel = {
      inputs: [{ name: 'image', dtype: 'float32', shape: [1, 3, 32, 32] }],
      outputs: [{ name: 'restored', dtype: 'float32', shape: [1, 3, 32, 32] }],
      nodes: [{ operator: 'Identity', inputs: ['image'], outputs: ['restored'] }],
    };
    const { suggestion } = await suggestedFor(model);
    expect(suggestion?.manifest.output).toMatchObject({ decoder: 'tensors' });
  });
});

function areaOf(polygon: readonly Point[]): number {
  let twice = 0;
  for (const [index, a] of polygon.entries()) {
    const b = polygon[(index + 1) % polygon.length]!;
    twice += a.x * b.y - b.x * a.y;
  }
  return Math.abs(twice) / 2;
}
