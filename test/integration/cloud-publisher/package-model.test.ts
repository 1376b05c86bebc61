import { cp, mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelManifestInput } from '../../../component/contract/model-manifest.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { unpackArchive } from '../../../component/inference/package/unpack-archive.ts';
import { installModel } from '../../../component/inference/model-store/install-model.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import { probeLimits } from '../../../cloud-publisher/commands/model-package.ts';
import { packageModel } from '../../../cloud-publisher/package/package-model.ts';
import { prepareModel } from '../../../cloud-publisher/prepare/prepare-model.ts';
import type { PrepareOptions } from '../../../cloud-publisher/prepare/prepare-model.ts';
import { DdaPackages, constantModel, graphOf } from '../../support/dda-packages.ts';
import { ModelPackages, brightnessModel, unknownOperator } from '../../support/model-packages.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { samples } from '../../support/runtime-process.ts';
import { brickPictures } from '../../support/sample-pictures.ts';

let packages: ModelPackages;
let dda: DdaPackages;
let folder = '';

beforeAll(async () => {
  packages = await ModelPackages.create();
  dda = await DdaPackages.create();
  folder = await mkdtemp(join(tmpdir(), 'vedette-package-test-'));
});
afterAll(async () => {
  await packages.close();
  await dda.close();
  await rm(folder, { recursive: true, force: true });
});

async function pack(path: string, options: PrepareOptions = {}) {
  const prepared = await prepareModel(path, options);
  try {
    return { prepared, archives: await packageModel(prepared, join(folder, 'archives')) };
  } finally {
    await prepared.close();
  }
}

describe('a packed model', () => {
  it('is installed by the device as it is, and its manifest vouches for every file', async () => {
    const { archives } = await pack(samples('models', 'coco-detector'));
    const [archive, ...others] = archives;
    expect(others).toEqual([]);
    expect(archive).toMatchObject({
      fileName: 'coco-detector-1.0.0.zip',
      architectures: ['amd64', 'aarch64'],
    });
    const store = new ModelStore(join(folder, 'data'));
    const { model } = await installModel(store, archive!.file, { probe: probeLimits() });
    expect(model).toMatchObject({ name: 'coco-detector', version: '1.0.0' });
    const manifest = JSON.parse(
      await readFile(join(model.folder, 'model.json'), 'utf8'),
    ) as ModelManifestInput;
    const sums = { ...manifest.files };
    for (const { file, sha256 } of manifest.variants) sums[file] = sha256!;
    const packed = archive!.files.filter(({ path }) => path !== 'model.json');
    expect(sums).toEqual(Object.fromEntries(packed.map((one) => [one.path, one.sha256])));
  });

  it('packed again gives the same bytes, from the folder, its copy or its own archive', async () => {
    const source = samples('models', 'brick-anomaly');
    const first = (await pack(source)).archives[0]!;
    const copy = join(folder, 'copy');
    await cp(source, copy, { recursive: true });
    await writeFile(join(copy, '.DS_Store'), 'rubbish');
    const { prepared, archives } = await pack(copy);
    expect(archives[0]!.sha256).toBe(first.sha256);
    expect(prepared.warnings).toEqual(['left out: .DS_Store (model.json does not name it)']);
    expect((await pack(first.file)).archives[0]!.sha256).toBe(first.sha256);
  });

  it('is split by platform when its variants are, each archive a package of its own', async () => {
    const split = await packages.add(
      brightnessModel(),
      {
        variants: [
          { name: 'here', file: 'model.onnx', platforms: ['linux-x64'] },
          { name: 'there', file: 'arm.onnx', platforms: ['linux-arm64'] },
        ],
        labels: 'labels.txt',
      },
      { 'arm.onnx': buildOnnx(brightnessModel()), 'labels.txt': 'fine\n', LICENSE: 'MIT' },
    );
    const { archives } = await pack(split);
    expect(archives.map(({ fileName, architectures }) => [fileName, architectures])).toEqual([
      ['brightness-1.0.0-amd64.zip', ['amd64']],
      ['brightness-1.0.0-aarch64.zip', ['aarch64']],
    ]);
    const paths = archives.map(({ files }) => files.map(({ path }) => path));
    expect(paths).toEqual([
      ['LICENSE', 'labels.txt', 'model.json', 'model.onnx'],
      ['LICENSE', 'arm.onnx', 'labels.txt', 'model.json'],
    ]);
    const unpacked = join(folder, 'split');
    await unpackArchive(archives[0]!.file, unpacked);
    expect((await readPackage(unpacked)).variant.name).toBe('here');
  });

  it('is not made of more than a component may hold: that is said before anything is packed', async () => {
    const prepared = await prepareModel(samples('models', 'brick-anomaly'), {});
    const place = join(folder, 'too-large');
    try {
      const file = join(folder, 'sparse.bin');
      await writeFile(file, '');
      await truncate(file, 2_000_000_001);
      const large = { path: 'sparse.bin', file, sha256: '0'.repeat(64) };
      const files = [...prepared.files, large];
      await expect(packageModel({ ...prepared, files }, place)).rejects.toMatchObject({
        code: 'ARTIFACT_TOO_LARGE',
        message: expect.stringMatching(/^the files of brick-anomaly 1\.0\.0 have 200\d{7} bytes/),
      });
      await expect(readdir(place)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await prepared.close();
    }
  });

  it('is not made of a package with faults: all of them are listed', async () => {
    const faulty = await packages.add(brightnessModel(), {
      variants: [
        { name: 'a', file: 'model.onnx', sha256: '0'.repeat(64) },
        { name: 'b', file: 'gone.onnx', precision: 'int8' },
      ],
      labels: 'nowhere.txt',
    });
    await expect(pack(faulty)).rejects.toMatchObject({
      code: 'MODEL_PACKAGE_INVALID',
      details: {
        problems: [
          expect.stringContaining("'gone.onnx' does not exist"),
          expect.stringContaining("'nowhere.txt' does not exist"),
          expect.stringContaining("sha256 of 'model.onnx'"),
        ],
      },
    });
  });

  it('is not made of a model that does not run, or whose golden pictures differ', async () => {
    const probe = probeLimits();
    const strange = await packages.add(unknownOperator());
    await expect(pack(strange, { probe })).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
    const golden = join(folder, 'golden');
    await cp(samples('models', 'brick-anomaly'), golden, { recursive: true });
    await mkdir(join(golden, 'golden'));
    await writeFile(join(golden, 'golden', 'brick.jpg'), brickPictures()[0]!.bytes);
    const manifest = JSON.parse(await readFile(join(golden, 'model.json'), 'utf8')) as object;
    const expected = { anomaly: { score: 0.01, isAnomalous: true } };
    const changed = { ...manifest, golden: [{ image: 'golden/brick.jpg', expected }] };
    await writeFile(join(golden, 'model.json'), JSON.stringify(changed));
    await expect(pack(golden, { probe })).rejects.toMatchObject({
      code: 'MODEL_PROBE_FAILED',
      message: expect.stringContaining('golden'),
    });
  });

  it('is made of a bare ONNX file only when what was guessed is accepted', async () => {
    const file = join(folder, 'Bare Model.onnx');
    await writeFile(file, buildOnnx(brightnessModel()));
    await expect(pack(file)).rejects.toMatchObject({
      code: 'MANIFEST_GUESSED',
      details: { guesses: expect.arrayContaining([expect.stringContaining('input.scale')]) },
    });
    const { prepared, archives } = await pack(file, {
      acceptsGuesses: true,
      name: 'bare',
      version: '2.1.0',
    });
    expect(archives[0]!.fileName).toBe('bare-2.1.0.zip');
    expect(prepared.warnings[0]).toMatch(/^guessed: /);
  });

  it('is made of a DDA package under a name given to it', async () => {
    const zip = await dda.zip('4f2a.zip', {
      stageType: 'yolo_object_detection',
      manifest: {
        runtime: 'onnx',
        task: 'object_detection',
        detection: { layout: 'yolo', num_classes: 1, class_names: ['cap'], network_input: 8 },
        model_graph: graphOf('yolo_object_detection'),
      },
      model: constantModel([{ name: 'output0', shape: [1, 5, 6], values: Array(30).fill(0.1) }]),
    });
    const { archives } = await pack(zip, { name: 'caps', version: '3.0.0' });
    expect(archives[0]!.fileName).toBe('caps-3.0.0.zip');
    const unpacked = join(folder, 'caps');
    await unpackArchive(archives[0]!.file, unpacked);
    expect(await readPackage(unpacked)).toMatchObject({
      manifest: { name: 'caps', version: '3.0.0', task: 'object-detection' },
      labels: ['cap'],
    });
    const named = pack(samples('models', 'brick-anomaly'), { name: 'other' });
    await expect(named).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });
});
