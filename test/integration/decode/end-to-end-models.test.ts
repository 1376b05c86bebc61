import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import { transposed } from '../../unit/decode/yolo-oracle.ts';
import { headModel, outputsModel, ultralyticsMetadata } from './head-model.ts';
import { plainPicture, runModel } from './run-model.ts';

const limits = { memoryMegabytes: 512, timeoutMs: 20_000, threads: 1, maxImagePixels: 10_000_000 };
const names = ['tray', 'lid'];
const picture = () => plainPicture(1280, 960, { r: 90, g: 120, b: 150 });

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

/** The file as it is, put into a package with the manifest that was suggested for it. */
async function runSuggested(model: OnnxModel) {
  const file = join(await packages.add(model), 'model.onnx');
  const { suggestion, problem } = await describeModel(file, { probe: limits });
  expect(problem).toBe(undefined);
  const folder = await packages.add(model, suggestion!.manifest);
  return { findings: await runModel(folder, await picture()), suggestion: suggestion! };
}

const filled = (rows: readonly (readonly number[])[], count: number, columns: number) => [
  ...rows.flat(),
  ...new Array<number>((count - rows.length) * columns).fill(0),
];

// By hand: a picture of 1280×960 lies in the input at half size, with bars of 80 above and below.
const turned = {
  label: 'lid',
  labelIndex: 1,
  score: 0.75,
  box: { x: 600, y: 400, width: 80, height: 160 },
  orientedBox: { x: 640, y: 480, width: 160, height: 80, angleDegrees: 90 },
};

describe('Ultralytics models with oriented boxes, from the bare file to boxes in the picture', () => {
  test('v8, v11 and v12: [1, 4 + C + 1, 8400]', async () => {
    const empty = new Array<number>(7).fill(0);
    const rows = Array.from({ length: 8400 }, () => empty);
    rows[30] = [320, 320, 80, 40, 0, 0.75, Math.PI / 2];
    rows[31] = [321, 320, 80, 40, 0, 0.5, Math.PI / 2];
    const metadata = ultralyticsMetadata('obb', names);
    const run = await runSuggested(headModel(transposed(rows), [1, 7, 8400], { metadata }));
    expect(run.suggestion.manifest).toMatchObject({
      task: 'object-detection',
      output: { decoder: 'yolo-oriented-boxes', iouThreshold: 0.7 },
    });
    expect(run.findings.detections).toMatchObject([turned]);
  });

  test('26, and any with nms=True: [1, 300, 7]', async () => {
    const rows = [[320, 320, 80, 40, 0.75, 1, Math.PI / 2]];
    const metadata = ultralyticsMetadata('obb', names, { end2end: 'True' });
    const model = headModel(filled(rows, 300, 7), [1, 300, 7], { metadata });
    const run = await runSuggested(model);
    expect(run.suggestion.manifest.output).toEqual({ decoder: 'end-to-end-oriented-boxes' });
    expect(run.findings.detections).toMatchObject([turned]);
    // The golden check looks at the angle.
    const golden = async (angleDegrees: number) =>
      packages.add(
        model,
        {
          ...run.suggestion.manifest,
          golden: [
            {
              image: 'plain.png',
              expected: {
                detections: [
                  {
                    ...turned,
                    orientedBox: { ...turned.orientedBox, angleDegrees, polygon: [] },
                  },
                ],
              },
            },
          ],
        },
        { 'plain.png': await picture() },
      );
    await runProbe(await readPackage(await golden(87)), limits);
    await expect(runProbe(await readPackage(await golden(60)), limits)).rejects.toMatchObject({
      code: 'MODEL_PROBE_FAILED',
    });
  });
});

describe('YOLO26, whose heads end in rows', () => {
  test('pose: [1, 300, 57]', async () => {
    const keypoints = Array.from({ length: 17 }, (_, index) => [300 + index, 310, 0.5]).flat();
    const rows = [[300, 300, 340, 360, 0.75, 0, ...keypoints]];
    const metadata = ultralyticsMetadata('pose', ['person'], {
      kpt_shape: '[17, 3]',
      end2end: 'True',
    });
    const model = headModel(filled(rows, 300, 57), [1, 300, 57], { metadata });
    const run = await runSuggested(model);
    expect(run.suggestion.manifest).toMatchObject({
      task: 'keypoint-detection',
      output: { decoder: 'end-to-end-poses' },
    });
    const [pose] = run.findings.poses!;
    expect(pose).toMatchObject({
      label: 'person',
      score: 0.75,
      box: { x: 600, y: 440, width: 80, height: 120 },
    });
    expect(pose!.keypoints[16]).toEqual({ name: 'right_ankle', x: 632, y: 460, score: 0.5 });
  });

  test('seg: [1, 300, 38] and prototypes [1, 32, 160, 160]', async () => {
    const coefficients = [1, ...new Array<number>(31).fill(0)];
    const rows = [[240, 240, 400, 400, 0.75, 1, ...coefficients]];
    const disc = Array.from({ length: 32 * 160 * 160 }, (_, index) => {
      if (index >= 160 * 160) return 0;
      return 15 - Math.hypot((index % 160) + 0.5 - 80, Math.floor(index / 160) + 0.5 - 80);
    });
    const metadata = ultralyticsMetadata('segment', names, { end2end: 'True' });
    const run = await runSuggested(
      outputsModel(
        [
          { name: 'output0', values: filled(rows, 300, 38), shape: [1, 300, 38] },
          { name: 'output1', values: disc, shape: [1, 32, 160, 160] },
        ],
        { metadata },
      ),
    );
    expect(run.suggestion.manifest).toMatchObject({
      task: 'instance-segmentation',
      output: { decoder: 'end-to-end-segments' },
    });
    const [lid] = run.findings.detections!;
    expect(lid).toMatchObject({ label: 'lid', box: { x: 480, y: 320, width: 320, height: 320 } });
    // A disc of radius 60 in the input, 120 in the picture, around 640, 480.
    for (const { x, y } of lid!.mask!.polygons[0]!) {
      expect(Math.abs(Math.hypot(x - 640, y - 480) - 120)).toBeLessThan(5);
    }
  });

  test('a metadata task that is another than the manifest’s is refused by name', async () => {
    const metadata = ultralyticsMetadata('obb', names);
    const folder = await packages.add(headModel(filled([], 300, 7), [1, 300, 7], { metadata }), {
      task: 'keypoint-detection',
      output: { decoder: 'end-to-end-poses' },
    });
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  });
});
