import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { usesOf } from '../../../component/commands/version-uses.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { VersionRuntime } from '../../support/version-runtime.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

test('versions that run, are gone back to or are tried are needed, while the model is configured as before', async () => {
  const packages = await ModelPackages.create();
  onTestFinished(() => packages.close());
  const first = await versionPackage(packages, '1.0.0', constantModel(0.2));
  const device = await VersionRuntime.start({ package: first });
  onTestFinished(() => device.close());
  await device.ready();
  const dataFolder = join(device.folder, 'data');
  const uses = (version: string, configured: string | undefined, isWhole = true) => {
    const models = configured === undefined ? {} : { parts: { package: configured } };
    const config = runtimeConfigSchema.parse({ dataFolder, models });
    return usesOf(`brightness@${version}`, config, isWhole);
  };
  expect(uses('2.0.0', first)).toEqual([]);
  for (const version of ['2.0.0', '3.0.0', '4.0.0']) {
    const next = await versionPackage(packages, version, constantModel(0.3));
    const mode = version === '4.0.0' ? 'shadow' : 'swap';
    expect(await device.propose(next, mode)).toBeUndefined();
  }
  const all = () => ['2.0.0', '3.0.0', '4.0.0', '5.0.0'].map((version) => uses(version, first));
  const expected = [
    ["is what model 'parts' goes back to"],
    ["runs as model 'parts'"],
    ["is the candidate of model 'parts'"],
    [],
  ];
  expect(all()).toEqual(expected);
  await device.stop();
  expect(all()).toEqual(expected);
  // Without the configuration nobody knows what still holds.
  expect(uses('3.0.0', undefined, false)).toEqual(["runs as model 'parts'"]);
  expect(uses('3.0.0', undefined)).toEqual([]);
  expect(uses('3.0.0', 'brightness@2.0.0')).toEqual([]);
  expect(uses('2.0.0', 'brightness@2.0.0')).toEqual(['is configured as models.parts']);
});
