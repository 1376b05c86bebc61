import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import type { ProbeLimits } from '../../../component/inference/run-probe.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import {
  ModelPackages,
  alwaysNan,
  anomalyManifest,
  boxesModel,
  brightnessModel,
  detectionManifest,
  hungry,
  loopsWhenBright,
  unknownOperator,
} from '../../support/model-packages.ts';

const samples = join(import.meta.dirname, '../../../samples');
const limits: ProbeLimits = {
  memoryMegabytes: 256,
  timeoutMs: 20_000,
  threads: 1,
  maxImagePixels: 10_000_000,
};

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function refusal(folder: string, more: Partial<ProbeLimits> = {}): Promise<VedetteError> {
  const model = await readPackage(folder);
  const error = await runProbe(model, { ...limits, ...more }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof VedetteError) return error;
  throw new Error(`expected a VedetteError, got ${String(error)}`);
}

describe('the probe', () => {
  test('reports how long loading and the first run took and how much memory they needed', async () => {
    const report = await runProbe(await readPackage(join(samples, 'models/brick-anomaly')), limits);
    expect(report.loadMs).toBeGreaterThan(0);
    expect(report.firstRunMs).toBeGreaterThan(0);
    expect(report.memoryMegabytes).toBeGreaterThan(50);
  });

  test('refuses a model that wants more memory than its limit', async () => {
    const error = await refusal(await packages.add(hungry(4)));
    expect(error.code).toBe('MODEL_MEMORY_EXCEEDED');
    expect(error.message).toContain('256 MB');
    const detector = await refusal(join(samples, 'models/coco-detector'), { memoryMegabytes: 32 });
    expect(detector.code).toBe('MODEL_MEMORY_EXCEEDED');
  });

  test('refuses a model that does not return, naming the stage', async () => {
    const error = await refusal(await packages.add(loopsWhenBright(1e15, 1)), { timeoutMs: 5000 });
    expect(error.code).toBe('INFERENCE_TIMEOUT');
    expect(error.message).toContain('5000 ms');
    expect(error.details['stage']).toBe('the first run');
  });

  test('refuses NaN outputs and unexpected shapes', async () => {
    expect((await refusal(await packages.add(alwaysNan()))).code).toBe('OUTPUT_INVALID');
    const five = boxesModel([[0, 0, 8, 8, 0.9]], ['batch', 'n', 'columns']);
    const error = await refusal(await packages.add(five, detectionManifest));
    expect(error.code).toBe('OUTPUT_INVALID');
    expect(error.message).toContain('[1, 1, 5]');
  });

  test('names the operator, opset or version that ONNX Runtime lacks', async () => {
    const load = async (...args: Parameters<ModelPackages['add']>) => {
      const { code, message, details } = await refusal(await packages.add(...args));
      expect(code).toBe('MODEL_LOAD_FAILED');
      return { message, details };
    };
    const inStandard = await load(unknownOperator());
    expect(inStandard.message).toContain('opset 17 of ai.onnx has no operator Frobnicate');
    expect(inStandard.details).toMatchObject({ operator: 'Frobnicate', domain: 'ai.onnx' });
    const inOther = await load(unknownOperator('com.acme'));
    expect(inOther.message).toContain('no operator Frobnicate of the domain com.acme (opset 1)');
    expect(inOther.details).toMatchObject({ operator: 'Frobnicate', domain: 'com.acme', opset: 1 });
    const future = await load({ ...brightnessModel(), opset: 99 });
    expect(future.message).toMatch(/opset of ai.onnx is 99, expected at most \d+/);
    expect(future.details['opset']).toBe(99);
    expect((await load({ ...brightnessModel(), irVersion: 99 })).message).toMatch(
      /\(IR\) is 99, expected at most \d+/,
    );
    const foo = { operator: 'Foo', domain: 'com.acme', inputs: ['mean'], outputs: ['pred_score'] };
    expect((await load(brightnessModel([foo]))).message).toMatch(
      /operator Foo of the domain com\.acme: No opset import for domain 'com\.acme'/,
    );
    expect((await load({ ...brightnessModel(), opset: 25 })).message).toMatch(
      /operator ReduceMean of the domain ai\.onnx \(opset 25\): Unrecognized attribute: axes/,
    );
  });

  test('leaves no process behind when it is stopped', async () => {
    const model = await readPackage(await packages.add(loopsWhenBright(1e15, 1)));
    const stop = new AbortController();
    const probe = runProbe(model, limits, stop.signal);
    setTimeout(() => stop.abort(), 500);
    await expect(probe).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  test('passes a model whose golden pictures give what is expected, and no other', async () => {
    const image = await readFile(join(samples, 'images/brick/defect-00.png'));
    const onnx = await readFile(join(samples, 'models/brick-anomaly/model.onnx'));
    const golden = (score: number, isAnomalous: boolean) =>
      packages.add(
        onnx,
        { golden: [{ image: 'defect.png', expected: { anomaly: { score, isAnomalous } } }] },
        { 'defect.png': image },
      );
    await runProbe(await readPackage(await golden(0.88, true)), limits);
    const error = await refusal(await golden(0.6, true));
    expect(error.code).toBe('MODEL_PROBE_FAILED');
    expect(error.message).toContain('defect.png: anomaly score 0.89');
  });

  test('compares golden detections by label, overlap and score', async () => {
    const image = await readFile(join(samples, 'images/brick/good-00.png'));
    const detection = { label: 'a', score: 0.9, box: { x: 0, y: 0, width: 128, height: 256 } };
    const golden = (detections: unknown[]) =>
      packages.add(
        boxesModel([[0, 0, 4, 8, 0.9, 0]]),
        {
          ...detectionManifest,
          labels: ['a', 'b'],
          golden: [{ image: 'picture.png', expected: { detections } }],
        },
        { 'picture.png': image },
      );
    await runProbe(await readPackage(await golden([detection])), limits);
    const missing = await refusal(await golden([detection, { ...detection, label: 'b' }]));
    expect(missing.message).toContain("'b' of score 0.9 was not found");
    const extra = await refusal(await golden([]));
    expect(extra.message).toContain("'a' of score 0.9 was not expected");
    expect((await refusal(await golden(['nonsense']))).code).toBe('MODEL_PACKAGE_INVALID');
  });
});

describe('the description of a model', () => {
  test('shows a package, its graph and that it runs', async () => {
    const description = await describeModel(join(samples, 'models/brick-anomaly'), {
      probe: limits,
    });
    expect(description).toMatchObject({
      kind: 'package',
      variant: 'fp32',
      input: { name: 'input', width: 256, height: 256, layout: 'nchw', dtype: 'float32' },
      graph: { opsets: { '': 17 }, operators: { Conv: 22 } },
    });
    expect(description.probe?.firstRunMs).toBeGreaterThan(0);
    expect(description.problem).toBe(undefined);
  });

  test('suggests a manifest for a bare ONNX file, and one that would run', async () => {
    const file = join(samples, 'models/coco-detector/model.onnx');
    const { suggestion, probe, problem } = await describeModel(file, { probe: limits });
    expect(problem).toBe(undefined);
    expect(probe).toBeDefined();
    expect(suggestion!.manifest).toMatchObject({
      name: 'model',
      task: 'object-detection',
      output: { decoder: 'end-to-end-detections' },
    });
    expect(suggestion!.guesses.join()).toContain('labels are missing');
  });

  test('suggests to tell of the outputs of a model of no known family as they are', async () => {
    const file = join(samples, 'models/patch-features/model.onnx');
    const { graph, suggestion, problem } = await describeModel(file);
    expect(graph!.nodeCount).toBeGreaterThan(10);
    expect(problem).toBe(undefined);
    expect(suggestion!.manifest.output).toEqual({ decoder: 'tensors' });
    expect(suggestion!.guesses[0]).toContain('of no family that Vedette decodes');
  });

  test('shows the problem and what could be read of a faulty model', async () => {
    const folder = await packages.add(brightnessModel(), {
      ...anomalyManifest,
      input: { width: 99 },
    });
    const { manifest, graph, problem } = await describeModel(folder);
    expect(problem).toMatchObject({ code: 'MODEL_MISMATCH' });
    expect(manifest?.input.width).toBe(99);
    expect(graph?.inputs).toHaveLength(1);
    const bytes = buildOnnx(brightnessModel());
    const half = await describeModel(await packages.add(bytes.subarray(0, bytes.length / 2)));
    expect(half.problem).toMatchObject({ code: 'MODEL_FILE_INVALID' });
    await expect(describeModel('/nowhere/model.onnx')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
