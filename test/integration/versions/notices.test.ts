import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Notice } from '../../../component/contract/ports.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { VersionRuntime } from '../../support/version-runtime.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

test('a preferred execution provider that cannot be used is a notice, once for all workers, and is kept', async () => {
  const executionProviders = [
    { name: 'xnnpack', use: 'preferred' },
    { name: 'openvino', use: 'preferred' },
  ];
  const options = {
    package: await versionPackage(packages, '1.0.0', constantModel(0.2)),
    model: { executionProviders, workers: 2 },
  };
  const told = (notices: readonly Notice[]) =>
    notices.map(({ level, error }) => `${level} ${error.message}`);
  const device = await VersionRuntime.start(options);
  onTestFinished(() => device.close());
  await device.until(
    'both workers',
    () => device.runtime.model('parts').readyWorkers === 2 || undefined,
  );
  const expected = [
    expect.stringMatching(
      /^warn model parts: execution provider 'xnnpack' cannot be used/,
    ) as string,
    expect.stringMatching(
      /^warn model parts: execution provider 'openvino' cannot be used/,
    ) as string,
  ];
  expect(told(device.notices)).toEqual(expected);
  const events = device.events.filter(({ kind }) => kind === 'notice');
  expect(events).toHaveLength(2);
  await device.stop();
  const dataFolder = join(device.folder, 'data');
  const registry = await Registry.open({ dataFolder, onNotice: () => undefined });
  const kept = await registry.notices(10);
  await registry.close();
  expect(told(kept.toReversed())).toEqual(expected);
});
