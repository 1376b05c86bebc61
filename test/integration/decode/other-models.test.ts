import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelManifestInput } from '../../../component/contract/model-manifest.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { packageFingerprint } from '../../../component/inference/package/package-fingerprint.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { floats, integers } from '../../support/onnx-builder.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import { headModel, outputsModel } from './head-model.ts';
import { plainPicture, runModel } from './run-model.ts';

const limits = { memoryMegabytes: 512, timeoutMs: 20_000, threads: 1, maxImagePixels: 10_000_000 };
const picture = () => plainPicture(128, 96, { r: 90, g: 120, b: 150 });

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function runSuggested(model: OnnxModel) {
  const file = join(await packages.add(model), 'model.onnx');
  const { suggestion, problem, manifest } = await describeModel(file, { probe: limits });
  expect(problem).toBe(undefined);
  const folder = await packages.add(model, suggestion!.manifest);
  const findings = await runModel(folder, await picture());
  return { findings, suggestion: suggestion!, manifest: manifest!, folder };
}

describe('anomaly models of old exports, from the bare file to a verdict', () => {
  const map = Array.from({ length: 64 * 64 }, (_, index) => (index % 64 < 32 ? 12 : 30));
  const model = (metadata: Record<string, string>): OnnxModel => ({
    ...outputsModel([{ name: 'output', values: map, shape: [1, 1, 64, 64] }], {
      inputs: [{ name: 'input', dtype: 'float32', shape: [1, 3, 64, 64] }],
      metadata,
    }),
  });

  test('OpenVINO Model API writes its thresholds into the file', async () => {
    const run = await runSuggested(
      model({
        'model_info image_threshold': '20',
        'model_info pixel_threshold': '25',
        'model_info normalization_scale': '50',
      }),
    );
    expect(run.suggestion.manifest).toMatchObject({ output: { decoder: 'anomaly' } });
    expect(run.manifest.output).toMatchObject({
      normalisation: { imageThreshold: 20, imageScale: 50, pixelThreshold: 25, pixelScale: 50 },
    });
    // (30 − 20) / 50 + 0.5; the right half is at (30 − 25) / 50 + 0.5.
    expect(run.findings.anomaly).toMatchObject({
      score: 0.7,
      isAnomalous: true,
      areaFraction: 0.5,
    });
  });

  test('anomalib 1 wrote ranges to metadata.json, which may stand in the file', async () => {
    const run = await runSuggested(
      model({
        image_threshold: '20',
        pixel_threshold: '20',
        'pred_scores.min': '10',
        'pred_scores.max': '60',
        'anomaly_maps.min': '0',
        'anomaly_maps.max': '40',
      }),
    );
    expect(run.manifest.output).toMatchObject({
      normalisation: { imageThreshold: 20, imageScale: 50, pixelThreshold: 20, pixelScale: 40 },
    });
  });

  test('without either the suggestion says what is missing, and the probe refuses raw scores', async () => {
    const file = join(await packages.add(model({})), 'model.onnx');
    const { suggestion, problem } = await describeModel(file, { probe: limits });
    expect(suggestion!.guesses.join()).toContain('output.normalisation is absent');
    expect(problem).toMatchObject({
      code: 'OUTPUT_INVALID',
      message: expect.stringContaining('set output.normalisation') as string,
    });
  });
});

test('heat maps are recognised by seventeen maps of a quarter of the input', async () => {
  const maps = new Array<number>(17 * 16 * 16).fill(0);
  for (let index = 0; index < 17; index += 1) maps[index * 256 + 8 * 16 + 4] = 0.75;
  const run = await runSuggested(headModel(maps, [1, 17, 16, 16], { side: 64 }));
  expect(run.suggestion.manifest).toMatchObject({ output: { decoder: 'heatmaps' } });
  const [pose] = run.findings.poses!;
  // Cell 4, 8 is pixel 16, 32 of the input, stretched by 2 and 1.5.
  expect(pose!.keypoints[0]).toEqual({ name: 'nose', x: 32, y: 48, score: 0.75 });
});

test('a model of no known family is told of as it is', async () => {
  const run = await runSuggested(
    outputsModel([
      { name: 'angle', values: [0.25], shape: [1, 1, 1] },
      { name: 'steps', dtype: 'int64', values: [3, 4], shape: [1, 2] },
      { name: 'more', values: new Array<number>(500).fill(1), shape: [5, 4, 5, 5] },
    ]),
  );
  expect(run.suggestion.manifest).toMatchObject({
    task: 'tensors',
    output: { decoder: 'tensors' },
  });
  expect(run.suggestion.guesses.join()).toContain('of no family that Vedette decodes');
  expect(run.findings).toEqual({
    tensors: [
      { name: 'angle', dtype: 'float32', shape: [1, 1, 1], values: [0.25] },
      { name: 'steps', dtype: 'int64', shape: [1, 2], values: [3, 4] },
      { name: 'more', dtype: 'float32', shape: [5, 4, 5, 5] },
    ],
  });
  const golden = (values: number[]): Partial<ModelManifestInput> => ({
    ...run.suggestion.manifest,
    golden: [
      { image: 'plain.png', expected: { tensors: [{ name: 'steps', shape: [1, 2], values }] } },
    ],
  });
  const model = outputsModel([{ name: 'steps', dtype: 'int64', values: [3, 4], shape: [1, 2] }]);
  const files = { 'plain.png': await picture() };
  await runProbe(await readPackage(await packages.add(model, golden([3, 4]), files)), limits);
  const other = await readPackage(await packages.add(model, golden([3, 5]), files));
  await expect(runProbe(other, limits)).rejects.toMatchObject({
    message: expect.stringContaining('holds 4 at element 1, expected 5') as string,
  });
});

describe('embeddings, enrolled in a file of the package', () => {
  /** The mean colour of the picture: [1, 3]. */
  const colours: OnnxModel = {
    inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'vector', dtype: 'float32', shape: ['batch', 3] }],
    nodes: [
      {
        operator: 'ReduceMean',
        inputs: ['image'],
        outputs: ['mean4'],
        attributes: [
          { name: 'axes', ints: [2, 3] },
          { name: 'keepdims', int: 0 },
        ],
      },
      { operator: 'Reshape', inputs: ['mean4', 'two'], outputs: ['vector'] },
    ],
    initializers: [integers('two', [1, 3]), floats('unused', [0])],
  };
  const manifest: Partial<ModelManifestInput> = {
    task: 'embedding',
    output: { decoder: 'embedding', enrolled: 'known.json', scoreThreshold: 0.97 },
  };
  const known = (...vectors: [string, number[]][]) =>
    JSON.stringify({ vectors: vectors.map(([label, values]) => ({ label, values })) });
  const red = () => plainPicture(32, 32, { r: 200, g: 20, b: 20 });
  const blue = () => plainPicture(32, 32, { r: 20, g: 20, b: 200 });

  test('vectors are had from results, enrolled, and found again', async () => {
    const asking = await packages.add(colours, {
      task: 'embedding',
      output: { decoder: 'embedding' },
    });
    const { embedding } = await runModel(asking, await red());
    expect(embedding).toHaveLength(3);
    const folder = await packages.add(colours, manifest, {
      'known.json': known(['red cap', embedding!], ['white cap', [1, 1, 1]]),
    });
    const model = await readPackage(folder);
    expect(model.labels).toEqual(['red cap', 'white cap']);
    await runProbe(model, limits);
    expect(await runModel(folder, await red())).toEqual({
      classes: [{ label: 'red cap', labelIndex: 0, score: 1 }],
    });
    // Unknown: nothing of the enrolled set is near.
    expect(await runModel(folder, await blue())).toEqual({ classes: [] });
    // Another set is another package.
    const before = await packageFingerprint(model);
    await writeFile(join(folder, 'known.json'), known(['red cap', [1, 0, 0]]));
    expect(await packageFingerprint(await readPackage(folder))).not.toBe(before);
  });

  test('a golden vector is compared by its direction', async () => {
    const golden = async (expected: number[]) =>
      readPackage(
        await packages.add(
          colours,
          {
            task: 'embedding',
            output: { decoder: 'embedding' },
            golden: [{ image: 'red.png', expected: { embedding: expected } }],
          },
          { 'red.png': await red() },
        ),
      );
    await runProbe(await golden([0.99, 0.099, 0.099]), limits);
    await expect(runProbe(await golden([0, 0, 1]), limits)).rejects.toMatchObject({
      code: 'MODEL_PROBE_FAILED',
    });
  });

  test('a file that does not fit is refused with what is wrong in it', async () => {
    const refusal = async (file: string, more: Partial<ModelManifestInput> = {}) =>
      readPackage(
        await packages.add(colours, { ...manifest, ...more }, { 'known.json': file }),
      ).then(
        () => 'taken',
        (error: Error & { code?: string }) => `${error.code} ${error.message}`,
      );
    expect(await refusal('{')).toContain('MODEL_PACKAGE_INVALID');
    expect(await refusal('{"vectors":[]}')).toContain('vectors');
    expect(await refusal(known(['a', [1, 2, 3]], ['b', [1, 2]]))).toContain('the first has 3');
    expect(await refusal(known(['a', [0, 0, 0]]))).toContain('no direction');
    expect(await refusal(known(['a', [1, 2]]))).toMatch(/MODEL_MISMATCH.*have 2/);
    expect(await refusal(known(['a', [1, 2, 3]]), { labels: ['a'] })).toContain('labels: leave it');
    const missing = await packages.add(colours, manifest);
    await expect(readPackage(missing)).rejects.toMatchObject({ code: 'MODEL_PACKAGE_INVALID' });
  });
});
