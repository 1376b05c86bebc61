import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import { transposed } from '../../unit/decode/yolo-oracle.ts';
import { headModel, ultralyticsMetadata } from './head-model.ts';
import { plainPicture, runModel } from './run-model.ts';

const names = Array.from({ length: 80 }, (_, index) => `class ${index}`);

/** COCO's 80 scores, all 0 but one. */
const scores = (index: number, score: number) => {
  const values = new Array<number>(80).fill(0);
  values[index] = score;
  return values;
};

/** Rows that stand somewhere in a head of `count` candidates, the others empty. */
function headOf(count: number, channels: number, rows: Readonly<Record<number, number[]>>) {
  const empty = new Array<number>(channels).fill(0);
  return Array.from({ length: count }, (_, index) => rows[index] ?? empty);
}

/** Ultralytics v8, v9, v11 and v12 at 640, `yolo export format=onnx`: [1, 84, 8400]. */
const v8 = (metadata?: Record<string, string>): OnnxModel => {
  const rows = headOf(8400, 84, {
    17: [320, 320, 64, 32, ...scores(2, 0.75)],
    18: [322, 320, 64, 32, ...scores(2, 0.5)],
    8399: [100, 200, 20, 40, ...scores(79, 0.9)],
  });
  return headModel(transposed(rows), [1, 84, 8400], metadata ? { metadata } : {});
};

/** YOLOv5's `export.py`, YOLOv7's `export.py --grid`: [1, 25200, 85]; stride and names alone. */
const v5 = (count = 25_200): OnnxModel => {
  const rows = headOf(count, 85, {
    17: [320, 320, 64, 32, 0.75, ...scores(2, 1)],
    18: [322, 320, 64, 32, 1, ...scores(2, 0.5)],
    8399: [100, 200, 20, 40, 0.9, ...scores(79, 1)],
  });
  const metadata = { stride: '32', names: ultralyticsMetadata('', names)['names']! };
  return headModel(rows.flat(), [1, count, 85], { metadata });
};

/** Meituan's YOLOv6: [1, 8400, 85] whose objectness is always 1. */
const v6 = (): OnnxModel => {
  const rows = headOf(8400, 85, {
    17: [320, 320, 64, 32, 1, ...scores(2, 0.75)],
    18: [322, 320, 64, 32, 1, ...scores(2, 0.5)],
    8399: [100, 200, 20, 40, 1, ...scores(79, 0.9)],
  });
  return headModel(rows.flat(), [1, 8400, 85]);
};

/** YOLO v10 and 26, or any with `nms=True`: [1, 300, 6]. */
const v10 = (): OnnxModel => {
  const rows = headOf(300, 6, {
    0: [90, 180, 110, 220, 0.9, 79],
    1: [288, 304, 352, 336, 0.75, 2],
  });
  const metadata = ultralyticsMetadata('detect', names);
  return headModel(rows.flat(), [1, 300, 6], { metadata });
};

/** Ultralytics v8, v11 and v12 pose: [1, 56, 8400], box, person, 17 keypoints of x, y, score. */
const pose = (metadata: Record<string, string>): OnnxModel => {
  const keypoints = Array.from({ length: 17 }, (_, index) => [100 + index, 200 + index, 0.5]);
  const row = [108, 208, 40, 40, 0.75, ...keypoints.flat()];
  const rows = headOf(8400, 56, { 30: row, 31: row.with(4, 0.5) });
  return headModel(transposed(rows), [1, 56, 8400], {
    metadata: ultralyticsMetadata('pose', ['person'], { kpt_shape: '[17, 3]', ...metadata }),
  });
};

/** By hand: a picture of 1280×960 lies in the input at half size, with bars of 80 above and below. */
const expected = [
  { label: 'class 79', labelIndex: 79, score: 0.9, box: { x: 180, y: 200, width: 40, height: 80 } },
  { label: 'class 2', labelIndex: 2, score: 0.75, box: { x: 576, y: 448, width: 128, height: 64 } },
];
const picture = () => plainPicture(1280, 960, { r: 90, g: 120, b: 150 });

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

/** The file as it is, put into a package with the manifest that was suggested for it. */
async function runSuggested(model: OnnxModel, more: object = {}) {
  const file = join(await packages.add(model), 'model.onnx');
  const { suggestion, problem } = await describeModel(file);
  expect(problem).toBe(undefined);
  const folder = await packages.add(model, { ...suggestion!.manifest, ...more });
  const { detections } = await runModel(folder, await picture());
  return { detections, suggestion: suggestion!, folder };
}

describe('YOLO models, from the bare file to boxes in the picture', () => {
  test('v8, v9, v11, v12 with what Ultralytics wrote into the file', async () => {
    const run = await runSuggested(v8(ultralyticsMetadata('detect', names)));
    expect(run.detections).toEqual(expected);
    expect(run.suggestion.manifest).toMatchObject({
      task: 'object-detection',
      output: { decoder: 'yolo-detections', iouThreshold: 0.7 },
    });
    const { spec, labels } = await readPackage(run.folder);
    expect(spec).toMatchObject({ resize: 'letterbox', padValue: 114, scale: 1 / 255 });
    expect(labels).toEqual(names);
  });

  test('v8 whose metadata was lost', async () => {
    const run = await runSuggested(v8(), { labels: names });
    expect(run.detections).toEqual(expected);
    expect(run.suggestion.manifest.input).toEqual({ resize: 'letterbox' });
    expect(run.suggestion.guesses.join()).toContain('labels are missing');
  });

  test('v5 and v7', async () => {
    expect((await runSuggested(v5())).detections).toEqual(expected);
  });

  test('v6', async () => {
    const run = await runSuggested(v6(), { labels: names });
    expect(run.detections).toEqual(expected);
    expect(run.suggestion.guesses.join()).toContain('output.hasObjectness true');
  });

  test('v10 and 26, which end in detections', async () => {
    const run = await runSuggested(v10());
    expect(run.detections).toEqual(expected);
    expect(run.suggestion.manifest.output).toEqual({ decoder: 'end-to-end-detections' });
  });

  test('v5 with one class, whose rows of six are no end of detections', async () => {
    const rows = headOf(25_200, 6, { 5: [320, 320, 64, 32, 0.9, 0.5] });
    const run = await runSuggested(headModel(rows.flat(), [1, 25_200, 6]), { labels: ['part'] });
    expect(run.suggestion.manifest.output).toEqual({ decoder: 'yolo-detections' });
    expect(run.detections).toMatchObject([{ label: 'part', score: 0.45 }]);
  });

  test('with labels that are not the number of their classes are refused by name', async () => {
    const folder = await packages.add(v8(), {
      task: 'object-detection',
      output: { decoder: 'yolo-detections' },
      labels: ['a', 'b'],
    });
    await expect(readPackage(folder)).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
      message: expect.stringMatching(/84 channels, expected 6, .* for 2 labels/) as string,
    });
  });

  test('exported for sizes of one’s own choice take the size of the metadata', async () => {
    const model = v8(ultralyticsMetadata('detect', names));
    const open: OnnxModel = {
      ...model,
      inputs: [{ name: 'images', dtype: 'float32', shape: ['batch', 3, 'height', 'width'] }],
      outputs: [{ name: 'output0', dtype: 'float32', shape: ['batch', 84, 'anchors'] }],
    };
    expect((await runSuggested(open)).detections).toEqual(expected);
  });

  test('v8, v11 and v12 for poses', async () => {
    const model = pose({});
    const file = join(await packages.add(model), 'model.onnx');
    const { suggestion, manifest } = await describeModel(file);
    expect(suggestion!.manifest).toMatchObject({
      task: 'keypoint-detection',
      output: { decoder: 'yolo-poses', iouThreshold: 0.7 },
    });
    expect(manifest!.output).toMatchObject({ keypointDimensions: 3 });
    const folder = await packages.add(model, suggestion!.manifest);
    const { poses } = await runModel(folder, await picture());
    expect(poses).toHaveLength(1);
    expect(poses![0]).toMatchObject({
      label: 'person',
      score: 0.75,
      box: { x: 176, y: 216, width: 80, height: 80 },
    });
    expect(poses![0]!.keypoints[0]).toEqual({ name: 'nose', x: 200, y: 240, score: 0.5 });
    expect(poses![0]!.keypoints[16]).toEqual({ name: 'right_ankle', x: 232, y: 272, score: 0.5 });
  });

  test('poses of other things have the names of the metadata', async () => {
    const names = Array.from({ length: 17 }, (_, index) => `'corner ${index}'`).join(', ');
    const folder = await packages.add(pose({ kpt_names: `{0: [${names}]}` }), {
      task: 'keypoint-detection',
      output: { decoder: 'yolo-poses' },
    });
    const { poses } = await runModel(folder, await picture());
    expect(poses![0]!.keypoints[1]!.name).toBe('corner 1');
  });
});
