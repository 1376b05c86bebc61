import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { floats } from '../../support/onnx-builder.ts';
import type { OnnxModel, OnnxNode } from '../../support/onnx-builder.ts';
import { plainPicture, runModel } from './run-model.ts';

const labels = ['red', 'green', 'blue', 'dark'];
const manifest = {
  name: 'colours',
  task: 'classification',
  output: { decoder: 'classification' },
  labels,
} as const;

/** logits = weights × mean colour of the 8×8 picture (0–1) + bias, then `tail`. */
function colourModel(tail: OnnxNode[], output: string, more: Partial<OnnxModel> = {}): OnnxModel {
  const weights = [4, 0, 0, -4, 0, 4, 0, -4, 0, 0, 4, -4];
  return {
    inputs: [{ name: 'input', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: output, dtype: 'float32', shape: ['batch', 4] }],
    nodes: [
      { operator: 'GlobalAveragePool', inputs: ['input'], outputs: ['pooled'] },
      { operator: 'Flatten', inputs: ['pooled'], outputs: ['mean'] },
      { operator: 'Gemm', inputs: ['mean', 'weights', 'bias'], outputs: ['logits'] },
      ...tail,
    ],
    initializers: [floats('weights', weights, [3, 4]), floats('bias', [0, 0, 0, 1])],
    ...more,
  };
}

/** The layout of timm's and torchvision's exports: bare logits [batch, C]. */
const timm = () =>
  colourModel([{ operator: 'Identity', inputs: ['logits'], outputs: ['output'] }], 'output');

/** The layout of Ultralytics' `yolo export` of a classifier: softmax inside, names in the metadata. */
const ultralytics = () =>
  colourModel([{ operator: 'Softmax', inputs: ['logits'], outputs: ['output0'] }], 'output0', {
    metadata: {
      task: 'classify',
      stride: '1',
      imgsz: '[8, 8]',
      names: "{0: 'red', 1: 'green', 2: 'blue', 3: 'dark'}",
    },
  });

/** Hand-computed: R = 1, G = 0.2, B = 0 gives the logits 4, 0.8, 0 and 1 − 4.8 = −3.8. */
const powers = [4, 0.8, 0, -3.8].map(Math.exp);
const sum = powers.reduce((a, b) => a + b, 0);
const orange = () => plainPicture(16, 16, { r: 255, g: 51, b: 0 });

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

describe('classifiers', () => {
  test('of logits give the softmax that is computed by hand', async () => {
    const folder = await packages.add(timm(), {
      ...manifest,
      labels: [...labels],
      output: { decoder: 'classification', scoreThreshold: 0.01 },
    });
    const { classes } = await runModel(folder, await orange());
    expect(classes!.map(({ label }) => label)).toEqual(['red', 'green', 'blue']);
    classes!.forEach(({ score }, index) => expect(score).toBeCloseTo(powers[index]! / sum, 5));
  });

  test('that end in a softmax are not softmaxed again', async () => {
    const folder = await packages.add(ultralytics(), {
      name: 'colours',
      task: 'classification',
      output: { decoder: 'classification' },
    });
    const { classes } = await runModel(folder, await orange());
    expect(classes).toEqual([
      { label: 'red', labelIndex: 0, score: expect.closeTo(powers[0]! / sum, 5) as number },
    ]);
    const { manifest: completed, spec } = await readPackage(folder);
    expect(completed.output).toMatchObject({ activation: 'none' });
    expect(spec).toMatchObject({ resize: 'crop', interpolation: 'bilinear-antialias' });
  });

  test('of several classes at once give each its own score', async () => {
    const folder = await packages.add(timm(), {
      ...manifest,
      labels: [...labels],
      output: { decoder: 'classification', activation: 'sigmoid', scoreThreshold: 0.5 },
    });
    const { classes } = await runModel(folder, await orange());
    const expected = [4, 0.8, 0].map((logit) => 1 / (1 + Math.exp(-logit)));
    expect(classes!.map(({ label }) => label)).toEqual(['red', 'green', 'blue']);
    classes!.forEach(({ score }, index) => expect(score).toBeCloseTo(expected[index]!, 5));
  });

  test('are recognised from the bare file', async () => {
    const suggestionOf = async (model: OnnxModel) =>
      (await describeModel(join(await packages.add(model), 'model.onnx'))).suggestion!;
    const plain = await suggestionOf(timm());
    expect(plain.manifest).toMatchObject({
      task: 'classification',
      output: { decoder: 'classification', activation: 'softmax' },
    });
    expect(plain.guesses.join()).toContain("'sigmoid' if several classes");
    const named = await suggestionOf(ultralytics());
    expect(named.manifest.output).toEqual({ decoder: 'classification', activation: 'none' });
    expect(named.guesses.join()).not.toContain('labels are missing');
  });
});
