import { createHash } from 'node:crypto';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { ModelManifestInput } from '../../../component/contract/model-manifest.ts';
import { packageSignature } from '../../../component/inference/package/package-signature.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';
import {
  ModelPackages,
  boxesModel,
  brightnessModel,
  detectionManifest,
  float16Model,
  quantisedModel,
  uint8Model,
} from '../../support/model-packages.ts';

const samples = join(import.meta.dirname, '../../../samples/models');
const rows = [[0, 0, 8, 8, 0.9, 0]];

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function refusal(folder: string, variant?: string): Promise<VedetteError> {
  const error: unknown = await readPackage(folder, variant).then(
    () => new Error('it was read'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof VedetteError) return error;
  throw error;
}

const withShape = (
  shape: readonly (number | string)[],
  dtype: 'float32' | 'int32' = 'float32',
) => ({
  ...brightnessModel(),
  inputs: [{ name: 'image', dtype, shape }],
});

const input = (fields: ModelManifestInput['input']) => ({ input: fields });

describe('reading a model package', () => {
  test('gives the sample models with everything filled in', async () => {
    const model = await readPackage(join(samples, 'coco-detector'));
    const bytes = await readFile(join(samples, 'coco-detector/model.onnx'));
    expect(model.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(model.labels).toHaveLength(80);
    expect(model.labels[0]).toBe('person');
    expect(model.inputName).toBe('images');
    expect(model.spec).toEqual({
      width: 512,
      height: 512,
      layout: 'nchw',
      dtype: 'float32',
      colourOrder: 'rgb',
      resize: 'stretch',
      interpolation: 'bilinear',
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      padValue: 114,
    });
    const int8 = await readPackage(join(samples, 'coco-detector'), 'int8');
    expect(int8.modelFile).toMatch(/model\.int8\.onnx$/);
  });

  test('lists every problem of model.json at once', async () => {
    const folder = await packages.add(brightnessModel(), {
      name: 'Not A Name',
      version: 'one',
      task: 'guessing' as 'anomaly-detection',
      variants: [{ name: 'fp32', file: '../../etc/passwd' }],
    });
    const error = await refusal(folder);
    expect(error.code).toBe('MODEL_PACKAGE_INVALID');
    const problems = error.details['problems'] as string[];
    for (const field of ['name', 'version', 'task', 'variants[0].file']) {
      expect(
        problems.some((problem) => problem.startsWith(`${field}:`)),
        field,
      ).toBe(true);
      expect(error.message).toContain(field);
    }
  });

  test('lists every problem of the files at once', async () => {
    const folder = await packages.add(
      brightnessModel(),
      {
        variants: [{ name: 'fp32', file: 'model.onnx', sha256: '0'.repeat(64) }],
        labels: 'labels.txt',
        golden: [{ image: 'missing.png', expected: {} }],
      },
      { 'labels.txt': 'one\n\nthree\n' },
    );
    const { code, details } = await refusal(folder);
    expect(code).toBe('MODEL_PACKAGE_INVALID');
    expect(details['problems']).toEqual([
      'labels.txt line 2 is empty; every class needs a label',
      expect.stringContaining("golden[0].image: 'missing.png' does not exist"),
      expect.stringMatching(/sha256 of 'model.onnx' is [0-9a-f]{64}, expected 0{64}/),
    ]);
  });

  test('refuses missing folders, missing and broken model.json and unknown variants', async () => {
    expect((await refusal('/nowhere')).code).toBe('MODEL_PACKAGE_INVALID');
    const folder = await packages.add(brightnessModel());
    expect((await refusal(folder, 'int4')).message).toContain(
      "variant 'int4' is asked for, the package has 'fp32'",
    );
    await writeFile(join(folder, 'model.json'), '{ "name": ');
    expect((await refusal(folder)).message).toContain('model.json cannot be read');
    await rm(join(folder, 'model.json'));
    expect((await refusal(folder)).message).toContain('model.json does not exist');
  });

  test('refuses links that lead out of the folder, and follows those that stay inside', async () => {
    const folder = await packages.add(brightnessModel(), { labels: 'labels.txt' });
    await symlink('/etc/hostname', join(folder, 'labels.txt'));
    expect((await refusal(folder)).message).toContain('leads out of the package');
    await rm(join(folder, 'labels.txt'));
    await writeFile(join(folder, 'real.txt'), 'ok\n');
    await symlink('real.txt', join(folder, 'labels.txt'));
    expect((await readPackage(folder)).labels).toEqual(['ok']);
  });

  test('refuses weights outside the folder and hashes those inside', async () => {
    const model = (externalFile: string): OnnxModel => {
      const plain = boxesModel(rows);
      const weights = { name: 'rows', dtype: 'float32' as const, shape: [1, 1, 6], externalFile };
      return { ...plain, initializers: [plain.initializers![0]!, weights] };
    };
    const out = await packages.add(model('../weights.data'), detectionManifest);
    expect((await refusal(out)).message).toMatch(/leads out of the folder of the ONNX file/);
    const data = Buffer.from(Float32Array.from(rows.flat()).buffer);
    const inside = await packages.add(model('w.data'), detectionManifest, { 'w.data': data });
    const before = (await readPackage(inside)).sha256;
    await writeFile(join(inside, 'w.data'), data.reverse());
    expect((await readPackage(inside)).sha256).not.toBe(before);
  });

  test('fills the input in from the graph', async () => {
    const nhwc = await readPackage(await packages.add(uint8Model()));
    expect(nhwc.spec).toMatchObject({
      layout: 'nhwc',
      dtype: 'uint8',
      width: 8,
      height: 8,
      scale: 1,
    });
    const quantisation = { scale: 0.02, zeroPoint: 100 };
    const quantised = input({ quantisation, mean: [0.485, 0.456, 0.406], std: [0.2] });
    expect((await readPackage(await packages.add(uint8Model(), quantised))).spec).toMatchObject({
      dtype: 'uint8',
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.2, 0.2, 0.2],
      quantisation,
    });
    expect((await readPackage(await packages.add(float16Model()))).spec).toMatchObject({
      dtype: 'float16',
      scale: 1 / 255,
    });
    const gray = await packages.add(withShape([1, 1, 20, 30]), input({ colourOrder: 'gray' }));
    expect((await readPackage(gray)).spec).toMatchObject({
      layout: 'nchw',
      width: 30,
      height: 20,
      mean: [0],
      std: [1],
    });
    const open = await packages.add(
      withShape(['b', 3, 'h', 'w']),
      input({ width: 64, height: 32, mean: [0.5] }),
    );
    expect((await readPackage(open)).spec).toMatchObject({
      width: 64,
      height: 32,
      mean: [0.5, 0.5, 0.5],
    });
  });

  test("fills in what Ultralytics' metadata says", async () => {
    const metadata = {
      names: "{0: 'person', 1: \"dog's bowl\"}",
      task: 'detect',
      imgsz: '[32, 64]',
      stride: '32',
    };
    const model = boxesModel(rows, ['b', 'n', 6], { metadata });
    const open = {
      ...model,
      inputs: [{ name: 'image', dtype: 'float32' as const, shape: ['b', 3, 'h', 'w'] }],
    };
    const { labels, spec } = await readPackage(await packages.add(open, detectionManifest));
    expect(labels).toEqual(['person', "dog's bowl"]);
    expect(spec).toMatchObject({ width: 64, height: 32 });
    const odd = await packages.add(open, {
      ...detectionManifest,
      ...input({ width: 50, height: 32 }),
    });
    expect((await refusal(odd)).message).toContain(
      'input.width is 50, the model wants a multiple of 32',
    );
    const pose = { ...model, metadata: { ...metadata, task: 'pose' } };
    expect((await refusal(await packages.add(pose, detectionManifest))).message).toContain(
      "metadata says 'pose'",
    );
  });

  test('refuses labels of another number than the classes', async () => {
    const model = boxesModel(rows, ['b', 'n', 6], { metadata: { names: "['a', 'b', 'c']" } });
    const folder = await packages.add(model, { ...detectionManifest, labels: ['a', 'b'] });
    expect((await refusal(folder)).details['problems']).toEqual([
      "labels has 2 labels, the ONNX file's metadata names 3 classes",
    ]);
  });

  test('refuses labels that swap the classes of the file, and takes names of its own', async () => {
    const model = boxesModel(rows, ['b', 'n', 6], {
      metadata: { names: "['bolt', 'nut', 'pin']" },
    });
    const refused = await refusal(
      await packages.add(model, { ...detectionManifest, labels: ['Nut', 'bolt', 'pin'] }),
    );
    expect(refused.code).toBe('MODEL_MISMATCH');
    expect(refused.message).toContain("class 0 is 'Nut', there 'bolt'; class 1 is 'bolt', there");
    for (const labels of [
      ['bolt', 'nut', 'pin'],
      ['Schraube', 'Mutter', 'Stift'],
      ['bolt', 'hex nut', 'pin'],
    ]) {
      const folder = await packages.add(model, { ...detectionManifest, labels });
      expect((await readPackage(folder)).labels).toEqual(labels);
    }
  });

  test('refuses by name what contradicts the graph', async () => {
    const bytes = { scale: 0.1, zeroPoint: 0 };
    const cases: [OnnxModel, Partial<ModelManifestInput>, RegExp][] = [
      [
        brightnessModel(),
        input({ name: 'picture' }),
        /input\.name is 'picture', the graph has the inputs 'image'/,
      ],
      [brightnessModel(), input({ width: 9 }), /input\.width is 9, graph input 'image' .* has 8/],
      [
        brightnessModel(),
        input({ dtype: 'uint8' }),
        /input\.dtype is uint8, the graph takes float32/,
      ],
      [brightnessModel(), input({ layout: 'nhwc' }), /input\.layout 'nhwc' .* means 3 channels/],
      [brightnessModel(), input({ colourOrder: 'gray' }), /channels of input\.colourOrder 'gray'/],
      [brightnessModel(), input({ mean: [1, 2] }), /input\.mean has 2 values, expected 1 or 3/],
      [uint8Model(), input({ scale: 0.5 }), /uint8 pixels as they are/],
      [withShape([65, 3, 8, 8]), {}, /batch is fixed at 65, expected 1 to 64/],
      [
        {
          ...withShape([4, 3, 8, 8]),
          outputs: [{ name: 'pred_score', dtype: 'float32', shape: [1, 1] }],
        },
        {},
        /output 'pred_score' .* batch is fixed at 4/,
      ],
      [withShape([1, 3, 8]), {}, /expected four dimensions/],
      [withShape(['b', 3, 'h', 8]), {}, /input\.height is missing/],
      [
        withShape([1, 3, 8, 8], 'int32'),
        {},
        /int32 \[1, 3, 8, 8\]: expected float32, float16, int8, uint8/,
      ],
      [brightnessModel(), input({ quantisation: bytes }), /quantisation is set, .* takes float32/],
      [quantisedModel('int8', bytes), {}, /quantisation is missing, .* takes int8/],
      [
        quantisedModel('int8', bytes),
        input({ quantisation: { ...bytes, zeroPoint: 200 } }),
        /zeroPoint is 200, expected -128 to 127 for int8/,
      ],
      [
        uint8Model(),
        input({ quantisation: { ...bytes, zeroPoint: -1 } }),
        /zeroPoint is -1, expected 0 to 255 for uint8/,
      ],
      [{ ...brightnessModel(), inputs: [] }, {}, /0 inputs \(none\), expected one picture/],
      [brightnessModel(), detectionManifest, /end-to-end-detections.*'pred_score' float32/],
      [boxesModel(rows), {}, /a score of one value or a map .*; the graph has 'boxes'/],
    ];
    for (const [model, manifest, message] of cases) {
      const error = await refusal(await packages.add(model, manifest));
      expect(error.code, error.message).toBe('MODEL_MISMATCH');
      expect(error.message).toMatch(message);
    }
  });

  test('refuses a decoder that is not the one of the task, and names used twice', async () => {
    const variants = [1, 2].map(() => ({ name: 'fp32', file: 'model.onnx' }));
    const folder = await packages.add(brightnessModel(), { task: 'object-detection', variants });
    expect((await refusal(folder)).details['problems']).toEqual([
      "variants: the name 'fp32' is used twice",
      expect.stringContaining(
        "output.decoder is 'anomaly', task 'object-detection' needs 'end-to-end-detections' or 'yolo-detections' or",
      ),
    ]);
  });

  test('sees by a signature that files changed', async () => {
    const folder = await packages.add(brightnessModel());
    const before = await packageSignature(folder);
    expect(await packageSignature(folder)).toBe(before);
    await writeFile(join(folder, 'labels.txt'), 'a');
    expect(await packageSignature(folder)).not.toBe(before);
    expect(await packageSignature('/nowhere')).toBe('ENOENT');
  });
});
