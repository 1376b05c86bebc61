import { appendFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ModelHost } from '../../../component/inference/model-host.ts';
import type { ErrorCode } from '../../../component/contract/errors.ts';
import {
  alwaysNan,
  boxesModel,
  brightnessModel,
  detectionManifest,
  hungry,
  modelConfig,
  ModelPackages,
} from '../../support/model-packages.ts';
import { constantModel, slowModel, versionPackage } from '../../support/version-packages.ts';
import { plainPicture, VersionRuntime } from '../../support/version-runtime.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

let packages: ModelPackages;
let first: string;
beforeAll(async () => {
  packages = await ModelPackages.create();
  first = await versionPackage(packages, '1.0.0', constantModel(0.2));
});
afterAll(async () => {
  await packages.close();
});

async function startOpen(configured: string): Promise<VersionRuntime> {
  const device = await VersionRuntime.start({
    package: configured,
    model: { probeMemoryMegabytes: 512, probeTimeoutMs: 30_000 },
  });
  await device.ready();
  return device;
}

async function start(configured: string): Promise<VersionRuntime> {
  const device = await startOpen(configured);
  onTestFinished(() => device.close());
  return device;
}

/** Refused with this code; the version before answers on, and every place says why. */
async function expectRefused(
  device: VersionRuntime,
  named: string,
  code: ErrorCode,
  says: RegExp,
): Promise<void> {
  const { identity } = device.lifecycle.active;
  const error = await device.propose(named, 'swap');
  expect(error?.code, error?.message).toBe(code);
  expect(error!.message).toMatch(says);
  expect(device.notices.map((notice) => notice.error.message)).toContain(error!.message);
  const [last] = await device.until('the history', async () => {
    const changes = await device.runtime.modelChanges('parts', 1);
    return changes[0]?.reason?.message === error!.message ? changes : undefined;
  });
  expect(last).toMatchObject({ kind: 'refused', mode: 'swap' });
  expect((await device.infer()).model).toEqual(identity);
  expect(device.lifecycle.candidate).toBeUndefined();
}

const score = { anomaly: { score: 1, isAnomalous: true } };
const missing = {
  name: 'score',
  dtype: 'float32',
  shape: [1],
  externalFile: 'weights.bin',
} as const;

const BAD: readonly {
  readonly what: string;
  readonly code: ErrorCode;
  readonly says: RegExp;
  readonly make: () => Promise<string>;
}[] = [
  {
    what: 'gives NaN',
    code: 'OUTPUT_INVALID',
    says: /NaN|finite/,
    make: () => versionPackage(packages, '2.0.0', alwaysNan()),
  },
  {
    what: 'takes a hundred times its budget',
    code: 'MODEL_PROBE_FAILED',
    says: /golden\.png: took .* ms, at most 1 ms/,
    make: async () =>
      versionPackage(
        packages,
        '2.0.0',
        slowModel(100_000),
        { golden: [{ image: 'golden.png', expected: score, maxRunMs: 1 }] },
        { 'golden.png': await plainPicture(200) },
      ),
  },
  {
    what: 'exhausts memory at its warm-up',
    code: 'MODEL_MEMORY_EXCEEDED',
    says: /512 MB/,
    make: () => versionPackage(packages, '2.0.0', hungry(4)),
  },
  {
    what: 'has another sha256 than it says',
    code: 'MODEL_PACKAGE_INVALID',
    says: /sha256/,
    make: () =>
      versionPackage(packages, '2.0.0', constantModel(0.3), {
        variants: [{ name: 'fp32', file: 'model.onnx', sha256: '0'.repeat(64) }],
      }),
  },
  {
    what: 'has an opset from the future',
    code: 'MODEL_LOAD_FAILED',
    says: /opset/i,
    make: () => versionPackage(packages, '2.0.0', { ...constantModel(0.3), opset: 99 }),
  },
  {
    what: 'lacks its weights file',
    code: 'MODEL_PACKAGE_INVALID',
    says: /weights\.bin/,
    make: () =>
      versionPackage(
        packages,
        '2.0.0',
        brightnessModel(
          [{ operator: 'Add', inputs: ['mean', 'score'], outputs: ['pred_score'], attributes: [] }],
          [missing],
        ),
      ),
  },
  {
    what: 'is for another task',
    code: 'MODEL_MISMATCH',
    says: /object-detection/,
    make: () =>
      packages.add(boxesModel([[0, 0, 8, 8, 0.9, 0]]), {
        ...detectionManifest,
        version: '2.0.0',
        labels: ['a'],
      }),
  },
  {
    what: 'is not there',
    code: 'NOT_FOUND',
    says: /no model package/,
    make: async () => '/nowhere/at/all',
  },
  {
    what: 'is not installed',
    code: 'MODEL_NOT_INSTALLED',
    says: /brightness@9\.0\.0/,
    make: async () => 'brightness@9.0.0',
  },
];

describe('a candidate is refused, and what runs goes on, when it', () => {
  let device: VersionRuntime;
  beforeAll(async () => {
    device = await startOpen(first);
  });
  afterAll(() => device.close());

  test.each(BAD)('$what', async ({ code, says, make }) => {
    await expectRefused(device, await make(), code, says);
  });

  test('was damaged in the store', async () => {
    const second = await versionPackage(packages, '2.0.0', constantModel(0.3));
    await device.propose(second, 'shadow');
    await device.change({ kind: 'discard' });
    const place = join(device.folder, 'data/models/installed/brightness@2.0.0/package');
    await chmod(join(place, 'model.onnx'), 0o644);
    await appendFile(join(place, 'model.onnx'), 'x');
    await expectRefused(device, 'brightness@2.0.0', 'MODEL_STORE_CORRUPT', /sha256 differs/);
  });

  test('misses its golden picture by one box', async () => {
    const boxes = [[1, 1, 5, 5, 0.9, 0]] as const;
    const manifest = { ...detectionManifest, labels: ['a'] };
    const finder = await start(await packages.add(boxesModel(boxes), manifest));
    const box = (x: number) => ({
      label: 'a',
      score: 0.9,
      box: { x: x * 2, y: 2, width: 8, height: 8 },
    });
    const golden = (detections: readonly object[]) => [
      { image: 'golden.png', expected: { detections } },
    ];
    const files = { 'golden.png': await plainPicture(128) };
    const candidate = (version: string, detections: readonly object[]) =>
      packages.add(boxesModel(boxes), { ...manifest, version, golden: golden(detections) }, files);
    const off = await candidate('2.0.0', [box(1), box(3)]);
    await expectRefused(finder, off, 'MODEL_PROBE_FAILED', /'a' of score 0.9 was not found/);
    expect(await finder.propose(await candidate('2.0.1', [box(1)]), 'swap')).toBeUndefined();
  });
});

describe('at a start', () => {
  test('a version that passed before is served though it is off now, and a fault says so', async () => {
    const golden = [
      { image: 'golden.png', expected: { anomaly: { score: 0.9, isAnomalous: true } } },
    ];
    const folder = await versionPackage(
      packages,
      '1.0.0',
      constantModel(0.2),
      { golden },
      { 'golden.png': await plainPicture(128) },
    );
    const begin = async (passedUnder: string | undefined) => {
      const faults: string[] = [];
      const host = new ModelHost({
        name: 'parts',
        config: modelConfig(folder),
        maxImagePixels: 1_000_000,
        trust: {
          isTrusted: async (_, version) => passedUnder !== undefined && version === undefined,
          record: async () => undefined,
        },
        onChange: () => undefined,
        onFault: ({ message }) => faults.push(message),
      });
      onTestFinished(async () => void (await host.close(1000)));
      await host.start();
      return { state: host.status().state, faults };
    };
    expect((await begin(undefined)).state).toBe('failed');
    const { state, faults } = await begin('an earlier ONNX Runtime');
    expect(state).toBe('ready');
    expect(faults[0]).toMatch(/passed before and is served/);
  });
});
