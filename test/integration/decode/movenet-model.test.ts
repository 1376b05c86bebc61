import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pose } from '../../../component/contract/result.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { outputsModel } from './head-model.ts';
import { runModel } from './run-model.ts';

const samples = join(import.meta.dirname, '../../../samples');
const folder = join(samples, 'models/movenet-pose');
const limits = { memoryMegabytes: 512, timeoutMs: 20_000, threads: 1, maxImagePixels: 10_000_000 };

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly keypoints: Pose['keypoints'];
}

let expected: Expected;
let portrait: Uint8Array<ArrayBuffer>;
let packages: ModelPackages;
beforeAll(async () => {
  const text = await readFile(join(samples, 'images/pose/expected.json'), 'utf8');
  expected = (JSON.parse(text) as Record<string, Expected>)['astronaut.jpg']!;
  portrait = new Uint8Array(await readFile(join(samples, 'images/pose/astronaut.jpg')));
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

/** Tolerances of samples/README.md. */
function expectPortrait(pose: Pose | undefined): void {
  const reach = 0.03 * Math.max(expected.width, expected.height);
  for (const wanted of expected.keypoints.filter(({ score }) => score >= 0.4)) {
    const found = pose?.keypoints.find(({ name }) => name === wanted.name);
    expect(found, wanted.name).toBeDefined();
    const distance = Math.hypot(found!.x - wanted.x, found!.y - wanted.y);
    expect(distance, wanted.name).toBeLessThanOrEqual(reach);
    expect(Math.abs(found!.score - wanted.score), wanted.name).toBeLessThanOrEqual(0.1);
  }
}

describe('the sample model movenet-pose', () => {
  test('finds the keypoints that are expected', async () => {
    const { poses } = await runModel(folder, portrait.slice());
    expect(poses).toHaveLength(1);
    expect(poses![0]!.keypoints.map(({ name }) => name)).toEqual(
      expected.keypoints.map(({ name }) => name),
    );
    expectPortrait(poses![0]);
  });

  test('finds them where they are in a picture that is letterboxed', async () => {
    // The square of 712 pixels that the model sees holds the person smaller, with bars all around.
    const wide = await sharp(portrait)
      .extend({ left: 100, right: 100, background: '#000000' })
      .jpeg({ quality: 95 })
      .toBuffer();
    const { poses } = await runModel(folder, new Uint8Array(wide));
    const sure = expected.keypoints.filter(({ score }) => score >= 0.7);
    for (const wanted of sure) {
      const found = poses![0]!.keypoints.find(({ name }) => name === wanted.name)!;
      const distance = Math.hypot(found.x - wanted.x - 100, found.y - wanted.y);
      expect(distance, wanted.name).toBeLessThanOrEqual(0.04 * 712);
    }
  });

  test('is described with the manifest that it has, from the bare file', async () => {
    const { suggestion, problem, manifest, input } = await describeModel(
      join(folder, 'model.onnx'),
      { probe: limits },
    );
    expect(problem).toBe(undefined);
    expect(suggestion!.manifest).toMatchObject({
      task: 'keypoint-detection',
      output: { decoder: 'movenet' },
    });
    const packaged = await readPackage(folder);
    expect(input).toEqual({ name: 'images', ...packaged.spec });
    expect(manifest!.output).toEqual({ ...packaged.manifest.output, output: undefined });
  });

  test('says of an int32 input, as TensorFlow Hub has it, to put a Cast behind bytes', async () => {
    const keypoints = Array.from({ length: 17 }, () => [0.5, 0.25, 0.75]).flat();
    const model = (dtype: 'int32' | 'uint8') =>
      outputsModel([{ name: 'output_0', values: keypoints, shape: [1, 1, 17, 3] }], {
        inputs: [{ name: 'input', dtype, shape: [1, 192, 192, 3] }],
      });
    const described = async (dtype: 'int32' | 'uint8') =>
      describeModel(join(await packages.add(model(dtype)), 'model.onnx'), { probe: limits });
    expect((await described('int32')).problem?.message).toMatch(
      /int32 .*expected float32.*put a Cast to int32 behind an input of uint8, see docs\/MODEL-FAMILIES/,
    );
    const { suggestion, problem } = await described('uint8');
    expect(problem).toBe(undefined);
    const asBytes = await packages.add(model('uint8'), suggestion!.manifest);
    expect((await runModel(asBytes, portrait.slice())).poses).toHaveLength(1);
  });

  test('passes golden keypoints, and no others', async () => {
    const onnx = await readFile(join(folder, 'model.onnx'));
    const manifest = (await readPackage(folder)).manifest;
    const golden = async (keypoints: Pose['keypoints']) =>
      packages.add(
        onnx,
        {
          ...manifest,
          labels: expected.keypoints.map(({ name }) => name),
          golden: [{ image: 'astronaut.jpg', expected: { poses: [{ keypoints }] } }],
        },
        { 'astronaut.jpg': portrait },
      );
    await runProbe(await readPackage(await golden(expected.keypoints)), limits);
    const moved = expected.keypoints.map((one) => ({ ...one, x: one.x + 60 }));
    await expect(runProbe(await readPackage(await golden(moved)), limits)).rejects.toMatchObject({
      code: 'MODEL_PROBE_FAILED',
      message: expect.stringContaining("'nose' of score 0.524 was not found") as string,
    });
  });
});
