import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { floats } from '../../support/onnx-builder.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import { headModel, outputsModel, ultralyticsMetadata } from './head-model.ts';
import { plainPicture, runModel } from './run-model.ts';

const limits = { memoryMegabytes: 512, timeoutMs: 20_000, threads: 1, maxImagePixels: 10_000_000 };
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
  const { suggestion, problem } = await describeModel(file, { probe: limits });
  expect(problem).toBe(undefined);
  const folder = await packages.add(model, { ...suggestion!.manifest, ...more });
  return { findings: await runModel(folder, await picture()), suggestion: suggestion!, folder };
}

const zeros = (count: number) => new Array<number>(count).fill(0);

/** In the source: 320, 240, 128 × 96. Stretched to 640 × 640: 160, 160, 64 × 64. */
const stretched = [160, 160, 224, 224];
const box = { x: 320, y: 240, width: 128, height: 96 };

describe('detectors, from the bare file to boxes in the picture', () => {
  test('YOLOX: its raw head, which ends in a Transpose', async () => {
    const channels = 85;
    const raw = zeros(channels * 8400);
    const row = 20 * 80 + 10;
    // Column 10, row 20 at stride 8: centre 84, 164; 64 × 32.
    const values = { 0: 0.5, 1: 0.5, 2: Math.log(8), 3: Math.log(4), 4: 0.9, 7: 1 };
    for (const [channel, value] of Object.entries(values)) {
      raw[Number(channel) * 8400 + row] = value;
    }
    const head = headModel(raw, [1, channels, 8400]);
    const model: OnnxModel = {
      ...head,
      outputs: [{ name: 'output', dtype: 'float32', shape: [1, 8400, channels] }],
      nodes: [
        ...head.nodes,
        {
          operator: 'Transpose',
          inputs: ['output0'],
          outputs: ['output'],
          attributes: [{ name: 'perm', ints: [0, 2, 1] }],
        },
      ],
    };
    const run = await runSuggested(model);
    expect(run.suggestion.manifest).toMatchObject({
      input: { resize: 'letterbox-top-left', scale: 1, colourOrder: 'bgr' },
      output: { decoder: 'yolox' },
    });
    // The picture lies in the top left corner at half its size.
    expect(run.findings.detections).toEqual([
      { label: '2', labelIndex: 2, score: 0.9, box: { x: 104, y: 296, width: 128, height: 64 } },
    ]);
  });

  test('RT-DETR of Ultralytics: [1, 300, 4 + C], its picture stretched', async () => {
    const names = ['tray', 'lid'];
    const rows = [192 / 640, 192 / 640, 64 / 640, 64 / 640, 0.1, 0.75];
    const metadata = ultralyticsMetadata('detect', names);
    const model = headModel([...rows, ...zeros(299 * 6)], [1, 300, 6], { metadata });
    // Two classes make rows of six, as detections that are at their end have them.
    const folder = await packages.add(model, {
      task: 'object-detection',
      input: { resize: 'stretch' },
      output: { decoder: 'rt-detr' },
    });
    expect((await runModel(folder, await picture())).detections).toEqual([
      { label: 'lid', labelIndex: 1, score: 0.75, box },
    ]);
    const three = ultralyticsMetadata('detect', [...names, 'cup']);
    const wide = headModel([...rows, 0.2, ...zeros(299 * 7)], [1, 300, 7], { metadata: three });
    const run = await runSuggested(wide);
    expect(run.suggestion.manifest).toMatchObject({
      input: { resize: 'stretch' },
      output: { decoder: 'rt-detr' },
    });
    expect(run.findings.detections).toMatchObject([{ label: 'lid', score: 0.75, box }]);
  });

  test.each([
    ['RT-DETR by its description', { description: 'Ultralytics rtdetr-l model ' }, 'rt-detr', 0],
    ['YOLO by its description', { description: 'Ultralytics YOLOv10n model ' }, 'end-to-end', 0],
    ['YOLO by end2end', { end2end: 'True' }, 'end-to-end', 0],
    ['YOLO by nms', { args: "{'nms': True}" }, 'end-to-end', 0],
    ['either, as a guess', {}, 'end-to-end', 1],
  ] as const)('with two classes: %s', async (_, more, family, guesses) => {
    const isRtDetr = family === 'rt-detr';
    const rows = isRtDetr
      ? [192 / 640, 192 / 640, 64 / 640, 64 / 640, 0.1, 0.75]
      : [160, 200, 224, 248, 0.75, 1];
    const metadata = ultralyticsMetadata('detect', ['tray', 'lid'], more);
    const model = headModel([...rows, ...zeros(299 * 6)], [1, 300, 6], { metadata });
    const { findings, suggestion } = await runSuggested(model);
    expect(suggestion.manifest.output.decoder).toBe(isRtDetr ? family : 'end-to-end-detections');
    expect(suggestion.guesses.filter((guess) => guess.includes("'rt-detr'"))).toHaveLength(guesses);
    // YOLO letterboxes: bars of 80 above and below the picture at half its size.
    expect(findings.detections).toEqual([
      {
        label: 'lid',
        labelIndex: 1,
        score: 0.75,
        box: isRtDetr ? box : { x: 320, y: 240, width: 128, height: 96 },
      },
    ]);
  });

  test.each([
    ['anchors', 80],
    ['anchors', 296],
    [6, 2],
  ])('YOLO v10 and 26 with dynamic=True: [batch, 300, %s] for %i names', async (columns, count) => {
    const names = Array.from({ length: count }, (_, index) => `kind ${index}`);
    const metadata = ultralyticsMetadata('detect', names, { end2end: 'True' });
    const rows = [160, 200, 224, 248, 0.75, 1, ...zeros(299 * 6)];
    const { findings, suggestion } = await runSuggested(
      headModel(rows, [1, 300, 6], {
        metadata,
        outputs: [{ name: 'output0', dtype: 'float32', shape: ['batch', 300, columns] }],
      }),
    );
    expect(suggestion.manifest.output).toEqual({ decoder: 'end-to-end-detections' });
    expect(findings.detections).toMatchObject([
      { label: 'kind 1', score: 0.75, box: { x: 320, y: 240, width: 128, height: 96 } },
    ]);
  });

  test('RT-DETR, D-FINE and DEIM as they are deployed: told the size of their input', async () => {
    const model = outputsModel(
      [
        { name: 'labels', dtype: 'int64', values: [1, 0], shape: [1, 2] },
        { name: 'parts', values: [0.25, 0.25, 0.35, 0.35, ...zeros(4)], shape: [1, 2, 4] },
        { name: 'scores', values: [0.75, 0.1], shape: [1, 2] },
      ],
      {},
    );
    // boxes = parts × (width, height, width, height), as their postprocessor has it.
    const deployed: OnnxModel = {
      ...model,
      inputs: [
        { name: 'images', dtype: 'float32', shape: ['N', 3, 640, 640] },
        { name: 'orig_target_sizes', dtype: 'int64', shape: ['N', 2] },
      ],
      outputs: [
        model.outputs[0]!,
        { name: 'boxes', dtype: 'float32', shape: [1, 2, 4] },
        model.outputs[2]!,
      ],
      nodes: [
        ...model.nodes,
        {
          operator: 'Concat',
          inputs: ['orig_target_sizes', 'orig_target_sizes'],
          outputs: ['twice'],
          attributes: [{ name: 'axis', int: 1 }],
        },
        {
          operator: 'Cast',
          inputs: ['twice'],
          outputs: ['sizes'],
          attributes: [{ name: 'to', int: 1 }],
        },
        { operator: 'Mul', inputs: ['parts', 'sizes'], outputs: ['boxes'] },
      ],
    };
    const run = await runSuggested(deployed, { labels: ['tray', 'lid'] });
    expect(run.suggestion.manifest).toMatchObject({
      task: 'object-detection',
      input: { resize: 'stretch' },
      output: { decoder: 'labelled-boxes', boxes: 'boxes' },
    });
    expect(run.findings.detections).toEqual([{ label: 'lid', labelIndex: 1, score: 0.75, box }]);
    expect(await readPackage(run.folder)).toMatchObject({
      inputName: 'images',
      sizeInput: { name: 'orig_target_sizes', dtype: 'int64' },
    });
    const twisted = await packages.add(deployed, {
      ...run.suggestion.manifest,
      input: { name: 'orig_target_sizes' },
    });
    await expect(readPackage(twisted)).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  });

  test('torchvision: a picture without a batch, outputs whose names are numbers', async () => {
    const model = outputsModel(
      [
        { name: '2710', values: stretched, shape: [1, 4], declared: ['n', 4] },
        { name: '2711', dtype: 'int64', values: [2], shape: [1], declared: ['n'] },
        { name: '2712', values: [0.75], shape: [1], declared: ['n'] },
      ],
      { inputs: [{ name: 'image', dtype: 'float32', shape: [3, 640, 640] }] },
    );
    const run = await runSuggested(model, { labels: ['__background__', 'tray', 'lid'] });
    expect(run.suggestion.manifest.output).toMatchObject({ decoder: 'labelled-boxes' });
    // The zoo's Faster R-CNN has the same outputs, and another input.
    expect(run.suggestion.guesses.join()).toContain('mean [102.9801, 115.9465, 122.7717]');
    expect(run.findings.detections).toEqual([{ label: 'lid', labelIndex: 2, score: 0.75, box }]);
  });

  test('Mask R-CNN of torchvision: masks over the whole input', async () => {
    const mask = Array.from({ length: 640 * 640 }, (_, index) => {
      const [x, y] = [index % 640, Math.floor(index / 640)];
      return x >= 176 && x < 208 && y >= 168 && y < 216 ? 1 : 0;
    });
    const model = outputsModel([
      { name: 'boxes', values: [...zeros(4), ...stretched], shape: [2, 4], declared: ['n', 4] },
      { name: 'labels', dtype: 'int64', values: [2, 1], shape: [2], declared: ['n'] },
      { name: 'scores', values: [0.1, 0.75], shape: [2], declared: ['n'] },
      {
        name: 'masks',
        values: [...mask.map(() => 0), ...mask],
        shape: [2, 1, 640, 640],
        declared: ['n', 1, 640, 640],
      },
    ]);
    const run = await runSuggested(model);
    expect(run.suggestion.manifest).toMatchObject({
      task: 'instance-segmentation',
      output: { decoder: 'mask-rcnn', masks: 'masks' },
    });
    const [found] = run.findings.detections!;
    expect(found).toMatchObject({ label: '1', box });
    const [polygon] = found!.mask!.polygons;
    const xs = polygon!.map(({ x }) => x);
    const ys = polygon!.map(({ y }) => y);
    // 176–208 × 168–216 of the input, at 2 × 1.5; a contour lies within a cell of its mask.
    expect(Math.abs(Math.min(...xs) - 352)).toBeLessThanOrEqual(2);
    expect(Math.abs(Math.max(...xs) - 416)).toBeLessThanOrEqual(2);
    expect(Math.abs(Math.min(...ys) - 252)).toBeLessThanOrEqual(2);
    expect(Math.abs(Math.max(...ys) - 324)).toBeLessThanOrEqual(2);
  });

  test('the Object Detection API of TensorFlow: bytes in, boxes in parts', async () => {
    const model = outputsModel(
      [
        {
          name: 'detection_boxes',
          values: [0.25, 0.25, 0.35, 0.35, ...zeros(4)],
          shape: [1, 2, 4],
        },
        { name: 'detection_classes', values: [2, 1], shape: [1, 2] },
        { name: 'detection_scores', values: [0.75, 0.7], shape: [1, 2] },
        { name: 'num_detections', values: [1], shape: [1] },
      ],
      { inputs: [{ name: 'input_tensor', dtype: 'uint8', shape: [1, 640, 640, 3] }] },
    );
    const run = await runSuggested(model, { labels: ['tray', 'lid'] });
    expect(run.suggestion.manifest.output).toMatchObject({ boxFormat: 'yxyx', firstLabel: 1 });
    expect(run.findings.detections).toEqual([{ label: 'lid', labelIndex: 1, score: 0.75, box }]);
  });

  test('SSD and UltraFace: priors with the duplicates still in', async () => {
    const boxes = [0.25, 0.25, 0.35, 0.35, 0.26, 0.25, 0.35, 0.35, ...zeros(4418 * 4)];
    const scores = [0.1, 0.75, 0.2, 0.7, ...zeros(4418 * 2)];
    const model = outputsModel([
      { name: 'scores', values: scores, shape: [1, 4420, 2] },
      { name: 'boxes', values: boxes, shape: [1, 4420, 4] },
    ]);
    const run = await runSuggested(model, { labels: ['background', 'face'] });
    expect(run.suggestion.manifest.output).toMatchObject({
      decoder: 'scored-boxes',
      backgroundClass: 0,
    });
    expect(run.findings.detections).toEqual([{ label: 'face', labelIndex: 1, score: 0.75, box }]);
  });

  test('YOLOv4 of pytorch-YOLOv4: no class is the background', async () => {
    const confs = [0.75, ...zeros(3 * 80 - 1)];
    const model = outputsModel([
      { name: 'boxes', values: [0.25, 0.25, 0.35, 0.35, ...zeros(8)], shape: [1, 3, 1, 4] },
      { name: 'confs', values: confs, shape: [1, 3, 80] },
    ]);
    const run = await runSuggested(model);
    expect(run.suggestion.manifest.output).not.toHaveProperty('backgroundClass');
    expect(run.findings.detections).toEqual([{ label: '0', labelIndex: 0, score: 0.75, box }]);
  });

  test.each([
    ['background bolt nut', 0],
    ['bolt nut pin', undefined],
    [undefined, undefined],
  ])('SSD with the labels «%s» has the background class %s', async (labels, background) => {
    const model = outputsModel(
      [
        { name: 'scores', values: [0.1, 0.1, 0.75], shape: [1, 1, 3] },
        { name: 'boxes', values: [0.25, 0.25, 0.35, 0.35], shape: [1, 1, 4] },
      ],
      labels === undefined ? {} : { metadata: { 'model_info labels': labels } },
    );
    const { suggestion } = await runSuggested(model);
    expect((suggestion.manifest.output as { backgroundClass?: number }).backgroundClass).toBe(
      background,
    );
    expect(suggestion.guesses.filter((guess) => guess.includes('backgroundClass'))).toHaveLength(1);
  });

  test('DETR of Hugging Face: a softmax with «no object» as its last class', async () => {
    const logits = zeros(100 * 92).map((_, index): number => (index % 92 === 91 ? 10 : 0));
    logits[17] = 20;
    const boxes = [0.3, 0.3, 0.1, 0.1, ...zeros(99 * 4)];
    const model = outputsModel([
      { name: 'logits', values: logits, shape: [1, 100, 92] },
      { name: 'pred_boxes', values: boxes, shape: [1, 100, 4] },
    ]);
    const run = await runSuggested(model);
    expect(run.suggestion.manifest.output).toMatchObject({
      decoder: 'rf-detr',
      activation: 'softmax',
      backgroundClass: 91,
    });
    expect(run.findings.detections).toMatchObject([{ label: '17', box }]);
    expect(run.findings.detections![0]!.score).toBeCloseTo(
      Math.exp(20) / (Math.exp(20) + Math.exp(10) + 90),
      5,
    );
  });

  test('RT-DETR of Hugging Face: each logit for itself', async () => {
    const logits = zeros(300 * 80).map(() => -8);
    logits[3] = 1;
    const model = outputsModel([
      { name: 'logits', values: logits, shape: [1, 300, 80] },
      { name: 'pred_boxes', values: [0.3, 0.3, 0.1, 0.1, ...zeros(299 * 4)], shape: [1, 300, 4] },
    ]);
    const run = await runSuggested(model);
    expect(run.suggestion.manifest.output).toMatchObject({ decoder: 'rf-detr', logits: 'logits' });
    expect(run.suggestion.guesses.join()).toContain("'sigmoid', as RT-DETR");
    expect(run.findings.detections).toMatchObject([{ label: '3', box }]);
    expect(run.findings.detections![0]!.score).toBeCloseTo(1 / (1 + Math.exp(-1)), 5);
  });

  test('a size input of another shape is refused by name', async () => {
    const model = outputsModel([{ name: 'output0', values: zeros(6), shape: [1, 1, 6] }]);
    const folder = await packages.add(
      {
        ...model,
        inputs: [model.inputs[0]!, { name: 'orig_target_sizes', dtype: 'int64', shape: [1, 3] }],
        initializers: [...model.initializers!, floats('unused', [0])],
      },
      { task: 'object-detection', output: { decoder: 'end-to-end-detections' } },
    );
    await expect(readPackage(folder)).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
      message: expect.stringContaining("'orig_target_sizes' int64 [1, 3]") as string,
    });
    await expect(
      runProbe(
        await readPackage(
          await packages.add(model, {
            task: 'object-detection',
            output: { decoder: 'end-to-end-detections' },
          }),
        ),
        limits,
      ),
    ).resolves.toMatchObject({});
  });
});
