import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import type { ModelManifestInput, Platform } from '../../../component/contract/model-manifest.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { ModelPackages, brightnessModel } from '../../support/model-packages.ts';

const here = `${process.platform}-${process.arch}` as Platform;
const elsewhere: Platform = here === 'linux-x64' ? 'linux-arm64' : 'linux-x64';
type Variant = ModelManifestInput['variants'][number];

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

const withVariants = (...variants: Omit<Variant, 'file'>[]): Promise<string> =>
  packages.add(brightnessModel(), {
    variants: variants.map((variant) => ({ file: 'model.onnx', ...variant })),
  });

async function problemsOf(folder: string, variant?: string): Promise<readonly string[]> {
  const error = await readPackage(folder, variant).then(
    () => expect.unreachable('it was read'),
    (thrown: VedetteError) => thrown,
  );
  expect(error.code, error.message).toBe('MODEL_PACKAGE_INVALID');
  return error.details['problems'] as string[];
}

describe('variants of a model package', () => {
  test('the first one for this machine is taken, with the reason', async () => {
    const folder = await withVariants(
      { name: 'other', platforms: [elsewhere] },
      { name: 'jetson', precision: 'fp16', executionProviders: ['cuda', 'tensorrt'] },
      { name: 'mine', platforms: [here], executionProviders: ['cpu'] },
    );
    const model = await readPackage(folder);
    expect(model.variant.name).toBe('mine');
    expect(model.variantReason).toBe('the only one for this machine');
    const any = await readPackage(
      await withVariants({ name: 'a' }, { name: 'b', precision: 'int8' }),
    );
    expect(any.variant.name).toBe('a');
    expect(any.variantReason).toBe('the first of the package that is for this machine');
  });

  test('a package and a variant for other machines only are refused with each reason', async () => {
    const folder = await withVariants(
      { name: 'other', platforms: [elsewhere] },
      { name: 'jetson', executionProviders: ['cuda', 'tensorrt'], platforms: [here] },
    );
    const other = `is for ${elsewhere}, this machine is ${here}`;
    const jetson = 'is for the execution provider cuda or tensorrt, this machine runs cpu';
    expect(await problemsOf(folder)).toEqual([
      `variants: 'other' ${other}`,
      `variants: 'jetson' ${jetson}`,
    ]);
    expect(await problemsOf(folder, 'jetson')).toEqual([
      `variant 'jetson' is asked for, but ${jetson}`,
    ]);
  });

  test('two that no machine could choose between are refused by name', async () => {
    const folder = await withVariants(
      { name: 'a' },
      { name: 'b', platforms: [here], executionProviders: ['xnnpack', 'cpu'] },
      { name: 'c', precision: 'int8' },
      { name: 'd', platforms: [elsewhere], executionProviders: ['xnnpack'] },
    );
    const must = 'they must differ in precision, platforms or executionProviders';
    expect(await problemsOf(folder)).toEqual([
      `variants: 'a' and 'b' are both fp32 for ${here} and cpu; ${must}`,
      `variants: 'a' and 'd' are both fp32 for ${elsewhere} and xnnpack; ${must}`,
    ]);
  });

  test('unknown platforms and execution providers are refused where they stand', async () => {
    const folder = await withVariants({
      name: 'a',
      platforms: ['windows-x64' as Platform],
      executionProviders: [],
    });
    expect(await problemsOf(folder)).toEqual([
      expect.stringMatching(/^variants\[0\]\.platforms\[0\]: .*linux-x64.*linux-arm64/),
      expect.stringMatching(/^variants\[0\]\.executionProviders: /),
    ]);
  });
});

describe('sha256 of the files of a package', () => {
  test('is checked for every file that is named, and each difference is listed', async () => {
    const sum = createHash('sha256').update('bolt\n').digest('hex');
    const good = await packages.add(
      brightnessModel(),
      { labels: 'labels.txt', files: { 'labels.txt': sum } },
      { 'labels.txt': 'bolt\n' },
    );
    expect((await readPackage(good)).labels).toEqual(['bolt']);
    const bad = await packages.add(
      brightnessModel(),
      { labels: 'labels.txt', files: { 'labels.txt': sum, 'gone.txt': sum } },
      { 'labels.txt': 'nut\n' },
    );
    expect(await problemsOf(bad)).toEqual([
      expect.stringMatching(
        new RegExp(`^files: sha256 of 'labels.txt' is [0-9a-f]{64}, expected ${sum}$`),
      ),
      expect.stringMatching(/^files: 'gone.txt' does not exist in /),
    ]);
    const out = await packages.add(brightnessModel(), { files: { '../x': sum } });
    expect((await problemsOf(out))[0]).toMatch(/^files/);
  });
});
