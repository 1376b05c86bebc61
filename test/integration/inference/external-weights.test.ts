import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { runProbe } from '../../../component/inference/run-probe.ts';
import type { OnnxInitializer, OnnxModel } from '../../support/onnx-builder.ts';
import { ModelPackages, boxesModel, detectionManifest } from '../../support/model-packages.ts';

const rows = [
  [0, 0, 8, 8, 0.9, 0],
  [1, 1, 4, 4, 0.8, 1],
];
const bytes = Buffer.from(Float32Array.from(rows.flat()).buffer);

/** The boxes lie in a file beside the model. */
function outside(
  externalFile: string,
  externalPlace?: NonNullable<OnnxInitializer['externalPlace']>,
): OnnxModel {
  const model = boxesModel(rows);
  const weights: OnnxInitializer = {
    name: 'rows',
    dtype: 'float32',
    shape: [1, rows.length, 6],
    externalFile,
    ...(externalPlace ? { externalPlace } : {}),
  };
  return { ...model, initializers: [model.initializers![0]!, weights] };
}

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

async function problemsOf(folder: string): Promise<readonly string[]> {
  const error = await readPackage(folder).then(
    () => expect.unreachable('it was read'),
    (thrown: VedetteError) => thrown,
  );
  expect(error.code, error.message).toBe('MODEL_PACKAGE_INVALID');
  return error.details['problems'] as string[];
}

describe('weights in files beside the ONNX file', () => {
  test('are found, run, and are part of the sha256', async () => {
    const data = Buffer.concat([Buffer.alloc(64), bytes]);
    const folder = await packages.add(
      outside('w.data', { offset: 64, length: bytes.length }),
      detectionManifest,
      { 'w.data': data },
    );
    const model = await readPackage(folder);
    const hash = createHash('sha256');
    hash.update(await readFile(model.modelFile)).update(data);
    expect(model.sha256).toBe(hash.digest('hex'));
    expect(model.structure.externalFiles).toEqual([
      { name: 'w.data', byteLength: 64 + bytes.length },
    ]);
    const limits = { memoryMegabytes: 512, timeoutMs: 30_000, threads: 1, maxImagePixels: 1e6 };
    await expect(runProbe(model, limits)).resolves.toMatchObject({ loadMs: expect.any(Number) });
  });

  test('lie in the folder of the ONNX file when that is a subfolder', async () => {
    const folder = await packages.add(outside('w.data'), detectionManifest);
    await mkdir(join(folder, 'onnx'));
    await rename(join(folder, 'model.onnx'), join(folder, 'onnx/model.onnx'));
    await writeFile(join(folder, 'onnx/w.data'), bytes);
    await writeFile(
      join(folder, 'model.json'),
      JSON.stringify({
        ...detectionManifest,
        variants: [{ name: 'fp32', file: 'onnx/model.onnx' }],
      }),
    );
    expect((await readPackage(folder)).structure.externalFiles[0]!.name).toBe('w.data');
  });

  test('are refused by name when they are missing or cut short', async () => {
    const place = { offset: 0, length: bytes.length };
    const missing = await packages.add(outside('w.data', place), detectionManifest);
    expect(await problemsOf(missing)).toEqual([
      expect.stringMatching(/^weights of model\.onnx: 'w\.data' does not exist in /),
    ]);
    const short = await packages.add(outside('w.data', place), detectionManifest, {
      'w.data': bytes.subarray(1),
    });
    expect(await problemsOf(short)).toEqual([
      "weights of model.onnx: 'w.data' has 47 bytes, the graph reads up to byte 48 (cut short, or of another model)",
    ]);
  });

  test('are refused when they lead out of the package', async () => {
    for (const name of ['../w.data', '/etc/passwd', 'a/../../w.data', 'a\\w.data', './w.data']) {
      const folder = await packages.add(outside(name), detectionManifest);
      expect(await problemsOf(folder)).toEqual([
        `weights of model.onnx: '${name}' leads out of the folder of the ONNX file`,
      ]);
    }
    const linked = await packages.add(outside('w.data'), detectionManifest);
    await symlink('/etc/passwd', join(linked, 'w.data'));
    expect(await problemsOf(linked)).toEqual([
      "weights of model.onnx: 'w.data' leads out of the package, to /etc/passwd",
    ]);
  });

  test('have places that are numbers', async () => {
    for (const place of [
      { offset: '-1', length: 48 },
      { offset: 0, length: '0x30' },
      { offset: '9007199254740991', length: '9007199254740991' },
      { offset: '99999999999999999999', length: 1 },
    ]) {
      const folder = await packages.add(outside('w.data', place), detectionManifest, {
        'w.data': bytes,
      });
      await expect(readPackage(folder)).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
    }
  });
});
