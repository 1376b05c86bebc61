import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderModel } from '../../../component/commands/render-model.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import {
  ModelPackages,
  boxesModel,
  brightnessModel,
  detectionManifest,
} from '../../support/model-packages.ts';
import { samples } from '../../support/runtime-process.ts';

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(() => packages.close());

/** Read by a person line by line; what changes in them changes what people are told. */
const expected = (name: string): Promise<string> =>
  readFile(join(import.meta.dirname, 'descriptions', `${name}.txt`), 'utf8');

describe('the description of a model', () => {
  it.each([
    ['brick-anomaly', 'brick-anomaly'],
    ['coco-detector', 'coco-detector'],
    ['movenet-pose', 'movenet-pose'],
    ['text-detection', 'text-detection'],
    ['text-direction', 'text-direction'],
    ['text-recognition', 'text-recognition'],
    ['patch-features', 'patch-features/model.onnx'],
    ['bare-brick-anomaly', 'brick-anomaly/model.onnx'],
    ['bare-movenet-pose', 'movenet-pose/model.onnx'],
  ])('%s is told completely', async (name, path) => {
    expect(renderModel(await describeModel(samples('models', path)))).toBe(await expected(name));
  });

  it('says which values of the input nobody gave, and what else a package lacks', async () => {
    const folder = await packages.add(brightnessModel());
    const { facts } = await describeModel(folder);
    expect(facts?.origins).toMatchObject({
      size: 'ONNX file',
      resize: 'assumed',
      scale: 'assumed',
    });
    expect(facts?.missing.map((text) => text.split(':')[0])).toEqual([
      'input.colourOrder, input.resize, input.interpolation, input.scale, input.mean, input.std',
      'golden',
      'variants',
      'licence',
    ]);
  });

  it("tells an author's values, an exporter's and those of the file apart", async () => {
    const metadata = { task: 'detect', stride: '32', names: "{0: 'part', 1: 'hand'}" };
    const exported = await packages.add(
      { ...boxesModel([]), metadata },
      {
        ...detectionManifest,
        input: { colourOrder: 'bgr' },
      },
    );
    expect(await describeModel(exported)).toMatchObject({
      facts: {
        labelsFrom: "the file's metadata",
        origins: {
          colourOrder: 'model.json',
          resize: 'Ultralytics export',
          padValue: 'Ultralytics export',
          scale: 'Ultralytics export',
        },
      },
    });
    const other = await packages.add(brightnessModel(), { input: { resize: 'crop', mean: [0.5] } });
    const { facts } = await describeModel(other);
    expect(facts?.origins).toMatchObject({
      resize: 'model.json',
      mean: 'model.json',
      scale: 'default',
      colourOrder: 'assumed',
      dtype: 'ONNX file',
    });
  });

  it('says why a variant does not run here', async () => {
    const variants = [
      { name: 'here', file: 'model.onnx' },
      {
        name: 'gpu',
        file: 'model.onnx',
        precision: 'fp16' as const,
        executionProviders: ['cuda' as const],
      },
    ];
    const description = await describeModel(await packages.add(brightnessModel(), { variants }));
    expect(description.facts?.variants[1]?.whyNotHere).toMatch(/cuda.*this machine/);
    expect(renderModel(description)).toMatch(
      /^ {2}gpu +model\.onnx, fp16 +does not run here: it is for .*cuda/m,
    );
  });
});
