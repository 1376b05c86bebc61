import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { readOnnx } from '../../../component/inference/package/read-onnx.ts';
import { buildOnnx, floats } from '../../support/onnx-builder.ts';
import { boxesModel, brightnessModel, loopsWhenBright } from '../../support/model-packages.ts';

const samples = join(import.meta.dirname, '../../../samples/models');
const runs = process.env['VEDETTE_DEEP'] === '1' ? 20_000 : 400;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-onnx-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function read(bytes: Uint8Array) {
  const file = join(folder, 'model.onnx');
  await writeFile(file, bytes);
  return readOnnx(file);
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  const error: unknown = await read(bytes).then(
    () => new Error('it was read'),
    (thrown: unknown) => thrown,
  );
  return error instanceof VedetteError ? error.code : String(error);
}

describe('reading an ONNX file', () => {
  test('gives inputs, outputs, opsets, metadata and operators', async () => {
    const bytes = buildOnnx({
      ...brightnessModel(),
      metadata: { author: 'somebody' },
      domains: { 'com.acme': 3 },
    });
    expect(await read(bytes)).toEqual({
      byteLength: bytes.length,
      irVersion: 8,
      producer: 'vedette-test',
      graphName: 'graph',
      opsets: { '': 17, 'com.acme': 3 },
      metadata: { author: 'somebody' },
      inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
      outputs: [{ name: 'pred_score', dtype: 'float32', shape: ['batch', 1] }],
      outputOperators: { pred_score: 'ReduceMean' },
      operators: { Identity: 1, ReduceMean: 1, Reshape: 1 },
      nodeCount: 3,
      initializerCount: 1,
      externalFiles: [],
    });
  });

  test('counts the operators of subgraphs', async () => {
    const { operators } = await read(buildOnnx(loopsWhenBright(10)));
    expect(operators).toMatchObject({ Loop: 1, Sqrt: 1, Identity: 1 });
  });

  test('leaves initializers that are listed as inputs out of the inputs', async () => {
    const model = brightnessModel();
    const weights = { name: 'two', dtype: 'int64' as const, shape: [2] };
    const { inputs } = await read(buildOnnx({ ...model, inputs: [...model.inputs, weights] }));
    expect(inputs.map(({ name }) => name)).toEqual(['image']);
  });

  test('names the files that hold the weights', async () => {
    const model = boxesModel([[0, 0, 1, 1, 1, 0]]);
    const external = { ...floats('rows', [], [1, 1, 6]), externalFile: 'model.onnx.data' };
    const { data: _, ...withoutData } = external;
    const { externalFiles } = await read(
      buildOnnx({ ...model, initializers: [model.initializers![0]!, withoutData] }),
    );
    expect(externalFiles).toEqual([{ name: 'model.onnx.data', byteLength: 0 }]);
  });

  test('knows the sample models', async () => {
    const detector = await readOnnx(join(samples, 'coco-detector/model.onnx'));
    expect(detector.inputs).toEqual([
      { name: 'images', dtype: 'float32', shape: ['batch', 3, 512, 512] },
    ]);
    expect(detector).toMatchObject({ nodeCount: 213, initializerCount: 179, opsets: { '': 17 } });
  });

  test('says where a file is cut short', async () => {
    const whole = await readFile(join(samples, 'brick-anomaly/model.onnx'));
    const error: unknown = await read(whole.subarray(0, whole.length / 2)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'MODEL_FILE_INVALID' });
    expect((error as VedetteError).message).toMatch(/at byte \d+, .*announces \d+ bytes, but/);
    expect((error as VedetteError).details['byteOffset']).toBeTypeOf('number');
  });

  test('refuses what is no ONNX file', async () => {
    expect(await codeOf(new Uint8Array(0))).toBe('MODEL_FILE_INVALID');
    expect(await codeOf(new TextEncoder().encode('<!doctype html><title>404</title>'))).toBe(
      'MODEL_FILE_INVALID',
    );
    expect(await codeOf(new Uint8Array(5000))).toBe('MODEL_FILE_INVALID');
    await expect(readOnnx(join(folder, 'nothing.onnx'))).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
    });
    await expect(readOnnx(folder)).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
  });

  test('reads or refuses any damaged file, with a code', async () => {
    const originals = [
      buildOnnx(loopsWhenBright(10)),
      await readFile(join(samples, 'brick-anomaly/model.onnx')),
    ];
    const damage = fc.record({
      original: fc.constantFrom(...originals),
      keep: fc.double({ min: 0, max: 1, noNaN: true }),
      isCut: fc.boolean(),
      flips: fc.array(
        fc.record({ at: fc.double({ min: 0, max: 0.999999, noNaN: true }), to: fc.nat(255) }),
        { maxLength: 8 },
      ),
      isNearStart: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ original, keep, isCut, flips, isNearStart }) => {
        const bytes = Uint8Array.from(
          isCut ? original.subarray(0, Math.floor(keep * original.length)) : original,
        );
        const reach = isNearStart ? Math.min(200, bytes.length) : bytes.length;
        for (const { at, to } of flips) bytes[Math.floor(at * reach)] = to;
        const end = await read(bytes).then(
          () => 'read',
          (thrown: unknown) => (thrown instanceof VedetteError ? thrown.code : thrown),
        );
        expect(['read', 'MODEL_FILE_INVALID', 'MODEL_MISMATCH']).toContain(end);
      }),
      { numRuns: runs },
    );
  });

  test('refuses graphs nested without end and strings without measure', async () => {
    let nested = brightnessModel();
    for (let depth = 0; depth < 30; depth += 1) {
      nested = brightnessModel([
        {
          operator: 'If',
          inputs: ['mean'],
          outputs: ['pred_score'],
          attributes: [{ name: 'then_branch', graph: nested }],
        },
      ]);
    }
    expect(await codeOf(buildOnnx(nested))).toBe('MODEL_FILE_INVALID');
    const long = brightnessModel();
    const name = 'x'.repeat(100_000);
    expect(
      await codeOf(buildOnnx({ ...long, inputs: [{ name, dtype: 'float32', shape: [1] }] })),
    ).toBe('MODEL_FILE_INVALID');
  });
});
