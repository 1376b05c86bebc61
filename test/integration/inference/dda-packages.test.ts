import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import type { VedetteError } from '../../../component/contract/errors.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { startEdgeRuntime } from '../../../component/start-edge-runtime.ts';
import type { LocalEdgeRuntime } from '../../../component/local-edge-runtime.ts';
import { DdaPackages, constantModel, graphOf } from '../../support/dda-packages.ts';
import type { DdaPackage } from '../../support/dda-packages.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';
import { brightnessModel } from '../../support/model-packages.ts';
import { readYolo } from '../../unit/decode/yolo-oracle.ts';

/** Rows of centre x, centre y, width, height in pixels of the 8×8 input, scores of two classes. */
const yoloRows = [
  [2, 2, 2, 2, 0.9, 0.1],
  [2, 2.4, 2, 2, 0.8, 0.2],
  [2, 3.2, 2, 2, 0.7, 0.1],
  [6, 6, 2, 3, 0.1, 0.6],
  [6, 6, 2, 3, 0.5, 0.2],
  [4, 4, 1, 1, 0.2, 0.3],
  [1, 7, 1, 1, 0.1, 0.1],
];
const channelsFirst = [0, 1, 2, 3, 4, 5].flatMap((channel) => yoloRows.map((row) => row[channel]!));
const detection = { num_classes: 2, score_threshold: 0.25, iou_threshold: 0.5, network_input: 8 };

const yolo: DdaPackage = {
  stageType: 'yolo_object_detection',
  manifest: {
    runtime: 'onnx',
    runtime_artifact: 'model.onnx',
    task: 'object_detection',
    detection: { layout: 'yolo', class_names: ['bolt', 'nut'], ...detection },
    model_graph: graphOf('yolo_object_detection'),
    input_shape: [1, 3, 8, 8],
    dataset: { image_width: 8, image_height: 8 },
  },
  model: constantModel([{ name: 'output0', shape: [1, 6, 7], values: channelsFirst }]),
};

const queries = [
  [0.5, 0.5, 0.5, 0.5],
  [0.25, 0.75, 0.25, 0.125],
  [0.5, 0.5, 0.5, 0.5],
];
const logits = [
  [-9, 2, -9],
  [1, -9, 0],
  [-3, -3, -3],
];
const rfDetr: DdaPackage = {
  stageType: 'rf_detr_object_detection',
  manifest: {
    runtime: 'onnx',
    task: 'object_detection',
    device: 'cpu',
    detection: { layout: 'rf_detr', num_classes: 2, score_threshold: 0.3, top_k: 2 },
    model_graph: graphOf('rf_detr_object_detection', { normalize: true }),
  },
  model: constantModel([
    { name: 'dets', shape: [1, 3, 4], values: queries.flat() },
    { name: 'labels', shape: [1, 3, 3], values: logits.flat() },
  ]),
};

/** Scores the sigmoid of its input's mean, so that the score shows how the input was made. */
const anomaly: DdaPackage = {
  stageType: 'unsupervised_svdd',
  manifest: {
    runtime: 'onnx',
    model_graph: graphOf('unsupervised_svdd', { threshold: 0.55, normalize: true }),
  },
  model: brightnessModel([{ operator: 'Sigmoid', inputs: ['mean'], outputs: ['pred_score'] }]),
};

const heads: DdaPackage = {
  stageType: 'supervised_multi_head_model',
  manifest: {
    runtime: 'onnx',
    model_graph: graphOf(
      'supervised_multi_head_model',
      {
        threshold: 0.6,
        classification_head_enabled: true,
        segmentation_head_enabled: true,
        seg_normal_ids: [0],
      },
      {
        image_level_classes: { names: ['anomaly', 'normal'], normal_ids: [1] },
        pixel_level_classes: { names: ['background', 'scratch'], normal_ids: [0] },
      },
    ),
  },
  model: constantModel([
    {
      name: 'mask',
      shape: [1, 2, 2, 2],
      values: [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 1],
    },
    { name: 'score', shape: [1, 2], values: [0.7, 0.3] },
  ]),
};

/** 16 wide, 8 high, each channel of one value. */
const picture = async (red: number, green: number, blue: number) =>
  new Uint8Array(
    await sharp({
      create: { width: 16, height: 8, channels: 3, background: { r: red, g: green, b: blue } },
    })
      .png()
      .toBuffer(),
  );

let packages: DdaPackages;
beforeAll(async () => {
  packages = await DdaPackages.create();
});
afterAll(async () => {
  await packages.close();
});

describe('a DDA package in a running runtime', () => {
  let folder: string;
  let runtime: LocalEdgeRuntime;
  let server: RunningServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vedette-dda-run-'));
    const models = { yolo, 'rf-detr': rfDetr, anomaly, heads };
    const entries: [string, { package: string }][] = [];
    for (const [name, dda] of Object.entries(models)) {
      entries.push([name, { package: await packages.folder(dda) }]);
    }
    const config = runtimeConfigSchema.parse({
      dataFolder: join(folder, 'data'),
      models: Object.fromEntries(entries),
    });
    const logger = pino({ level: 'silent' });
    runtime = await startEdgeRuntime({
      config,
      version: '0.1.0',
      logger,
      readSecret: async () => '',
    });
    server = await startServer(runtime);
    while (!runtime.readiness().isReady) {
      const failed = runtime.models().find(({ state }) => state === 'failed');
      expect(failed?.reason?.message).toBeUndefined();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  afterAll(async () => {
    await server.close();
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function infer(model: string, data: Uint8Array<ArrayBuffer>): Promise<InferenceResult> {
    const response = await fetch(`${server.address}/api/v1/models/${model}/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: data,
    });
    expect(response.status).toBe(200);
    return (await response.json()) as InferenceResult;
  }

  test('yolo: boxes of the head in the picture, suppressed within each class', async () => {
    const { detections } = await infer('yolo', await picture(10, 20, 30));
    const expected = readYolo(yoloRows, {
      classes: 2,
      hasObjectness: false,
      threshold: 0.25,
      iou: 0.5,
    });
    expect(expected.length).toBeGreaterThan(3);
    expect(detections).toHaveLength(expected.length);
    for (const [index, { label, score, box }] of detections!.entries()) {
      const one = expected[index]!;
      expect(label).toBe(['bolt', 'nut'][one.label]);
      expect(score).toBeCloseTo(one.score, 5);
      const [x1, y1, x2, y2] = one.box;
      // The 16×8 picture is stretched to 8×8.
      expect(box.x).toBeCloseTo(x1 * 2, 2);
      expect(box.y).toBeCloseTo(y1, 2);
      expect(box.width).toBeCloseTo((x2 - x1) * 2, 2);
      expect(box.height).toBeCloseTo(y2 - y1, 2);
    }
  });

  test('rf_detr: the best pairs of query and class above the threshold', async () => {
    const { detections } = await infer('rf-detr', await picture(10, 20, 30));
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
    expect(detections).toEqual([
      {
        label: '1',
        labelIndex: 1,
        score: expect.closeTo(sigmoid(2), 5),
        box: { x: 4, y: 2, width: 8, height: 4 },
      },
      {
        label: '0',
        labelIndex: 0,
        score: expect.closeTo(sigmoid(1), 5),
        box: { x: 2, y: 5.5, width: 4, height: 1 },
      },
    ]);
  });

  test('anomaly: the input is normalised as LocalServer does, and its threshold decides', async () => {
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const scoreOf = (rgb: readonly number[]) => {
      const values = rgb.map((value, channel) => (value / 255 - mean[channel]!) / std[channel]!);
      return 1 / (1 + Math.exp(-values.reduce((sum, value) => sum + value, 0) / 3));
    };
    for (const rgb of [
      [120, 120, 110],
      [170, 160, 130],
    ] as [number, number, number][]) {
      const score = scoreOf(rgb);
      const { anomaly } = await infer('anomaly', await picture(...rgb));
      expect(anomaly).toEqual({
        score: expect.closeTo(score, 4),
        threshold: 0.55,
        isAnomalous: score >= 0.55,
      });
    }
  });

  test('supervised heads: the score of the anomalous class and the area of the segments', async () => {
    const { anomaly } = await infer('heads', await picture(1, 2, 3));
    expect(anomaly).toMatchObject({ threshold: 0.6, isAnomalous: true, areaFraction: 0.25 });
    expect(anomaly!.score).toBeCloseTo(0.7, 5);
    expect(anomaly!.areas![0]!.polygon).toEqual(
      expect.arrayContaining([
        { x: 8, y: 4 },
        { x: 16, y: 8 },
      ]),
    );
  });
});

describe('reading a DDA package', () => {
  async function refusal(dda: DdaPackage): Promise<VedetteError> {
    return readPackage(await packages.folder(dda)).then(
      () => expect.unreachable('it was read'),
      (thrown: VedetteError) => thrown,
    );
  }

  test('as a zip it is described as the folder is', async () => {
    const { problem, manifest, labels, input } = await describeModel(
      await packages.zip('9f00_greengrass_model_component.zip', yolo),
    );
    expect(problem).toBeUndefined();
    // As `vedette model install` would call it.
    expect(manifest?.name).toBe('9f00-greengrass-model-component');
    expect(labels).toEqual(['bolt', 'nut']);
    expect(input).toMatchObject({ width: 8, resize: 'stretch', interpolation: 'area' });
    expect(manifest?.output).toMatchObject({
      decoder: 'yolo-detections',
      scoreThreshold: 0.25,
      iouThreshold: 0.5,
      hasObjectness: false,
    });
  });

  test.each([
    [undefined, /no 'runtime', which means 'dlr' \(SageMaker Neo\)/],
    ['dlr', /the runtime 'dlr' \(SageMaker Neo\)/],
    ['pytorch', /the runtime 'pytorch' \(PyTorch\)/],
    ['triton', /the runtime 'triton'/],
  ])('runtime %s is refused with the way out', async (runtime, message) => {
    const { runtime: _, ...rest } = yolo.manifest as { runtime: string };
    const manifest = { ...rest, ...(runtime === undefined ? {} : { runtime }) };
    const error = await refusal({ ...yolo, manifest });
    expect(error.code).toBe('MODEL_RUNTIME_UNSUPPORTED');
    expect(error.message).toMatch(message);
    expect(error.message).toContain('export the trained model to ONNX');
  });

  test('everything that is wrong with the manifest is listed', async () => {
    const error = await refusal({
      ...yolo,
      manifest: {
        runtime: 'onnx',
        runtime_artifact: '../model.onnx',
        task: 'counting',
        device: 'npu',
        model_graph: {
          model_graph_type: 'two_stage_model_graph',
          stages: [
            { type: '../yolo', image_range_scale: 'yes', interpolation: 4, calibrated: true },
          ],
        },
      },
    });
    expect(error.code).toBe('MODEL_PACKAGE_INVALID');
    const problems = (error.details['problems'] as string[]).join('\n');
    for (const field of [
      'runtime_artifact',
      'task',
      'device',
      'model_graph.model_graph_type',
      'model_graph.stages[0].type',
      'model_graph.stages[0].image_range_scale',
      'model_graph.stages[0].normalize',
      'model_graph.stages[0].interpolation',
      'model_graph.stages[0].calibrated',
    ]) {
      expect(problems).toContain(`${field}: `);
    }
  });

  test('a file that is missing and classes that do not fit are refused by name', async () => {
    const missing = await refusal({
      ...yolo,
      manifest: { ...yolo.manifest, runtime_artifact: 'other.onnx' },
    });
    expect(missing.message).toContain("'yolo_object_detection/other.onnx' does not exist");
    const classes = await refusal({
      ...yolo,
      manifest: { ...yolo.manifest, detection: { ...detection, num_classes: 80 } },
    });
    expect(classes.message).toContain('detection.num_classes is 80, the graph has 2 classes');
    const size = await refusal({
      ...yolo,
      manifest: {
        ...yolo.manifest,
        model_graph: graphOf('yolo_object_detection', { image_width: 640 }),
      },
    });
    expect(size.code).toBe('MODEL_MISMATCH');
    expect(size.message).toMatch(/input\.width is 640, graph input 'image' .* has 8/);
    const threshold = await refusal({
      ...anomaly,
      manifest: { runtime: 'onnx', model_graph: graphOf('unsupervised_svdd', { threshold: 7 }) },
    });
    expect(threshold.message).toContain('stages[0].threshold is 7, expected a score from 0 to 1');
  });

  test('an anomaly model of which no class is named normal is refused', async () => {
    const stageType = 'supervised_multi_head_model';
    const manifest = { runtime: 'onnx', model_graph: graphOf(stageType) };
    const error = await refusal({ ...heads, manifest });
    expect(error.code).toBe('MODEL_PACKAGE_INVALID');
    expect(error.message).toContain('no normal class is named (class_normal_ids or');
    const score = [{ name: 'score', shape: [1, 1], values: [0.7] }];
    const single = await packages.folder({ ...heads, manifest, model: constantModel(score) });
    expect((await readPackage(single)).manifest.output.decoder).toBe('multi-head-anomaly');
  });

  test.each([
    ['classification', 'classification'],
    ['rf_detr_semantic_segmentation', 'semantic-segmentation'],
  ])('the stage type %s is refused with the task to write', async (stageType, task) => {
    const manifest = { runtime: 'onnx', model_graph: graphOf(stageType) };
    const error = await refusal({ ...heads, stageType, manifest });
    expect(error.code).toBe('MODEL_PACKAGE_INVALID');
    expect(error.message).toContain(`type is '${stageType}'`);
    expect(error.message).toContain(`a model.json with the task '${task}'`);
  });

  test('a size that input_shape leaves open comes from the next key', async () => {
    const open = { image_width: undefined, image_height: undefined, input_shape: [1, 3, -1, -1] };
    const { dataset: _, ...rest } = yolo.manifest as { dataset: object };
    const error = await refusal({
      ...yolo,
      manifest: {
        ...rest,
        input_shape: [1, 3, 32, -1],
        preprocessing: { resize: [16, 16] },
        model_graph: graphOf('yolo_object_detection', open),
      },
    });
    expect(error.code).toBe('MODEL_MISMATCH');
    expect(error.message).toMatch(/input\.width is 16/);
    expect(error.message).toMatch(/input\.height is 32/);
  });

  test('a manifest.json of something else is no DDA package', async () => {
    const error = await refusal({ ...yolo, manifest: { name: 'a web app' } });
    expect(error.message).toContain("manifest.json is not DDA's: it has no model_graph");
  });
});
