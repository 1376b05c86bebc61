import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { VersionRuntime } from '../../support/version-runtime.ts';
import type { VersionRuntimeOptions } from '../../support/version-runtime.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

const swaps = process.env['VEDETTE_DEEP'] === '1' ? 100 : 5;
/** The allocator keeps memory for the threads it has seen at once: it grows over the first ones. */
const warmUpSwaps = swaps / 5 + 3;
/** Two versions whose results cannot be taken for each other's. */
const SCORES: Readonly<Record<string, number>> = { '1.0.0': 0.2, '2.0.0': 0.3 };

let packages: ModelPackages;
let first: string;
let second: string;
beforeAll(async () => {
  packages = await ModelPackages.create();
  first = await versionPackage(packages, '1.0.0', constantModel(0.2));
  second = await versionPackage(packages, '2.0.0', constantModel(0.3));
});
afterAll(async () => {
  await packages.close();
});

async function startOpen(options: Partial<VersionRuntimeOptions> = {}): Promise<VersionRuntime> {
  const device = await VersionRuntime.start({ package: first, ...options });
  await device.ready();
  return device;
}

async function start(options: Partial<VersionRuntimeOptions> = {}): Promise<VersionRuntime> {
  const device = await startOpen(options);
  onTestFinished(() => device.close());
  return device;
}

/** Results whose findings are not of the version that they name. */
const mixed = (results: readonly InferenceResult[]) =>
  results.filter(
    ({ model, anomaly }) =>
      anomaly === undefined || Math.abs(anomaly.score - SCORES[model.version]!) > 0.001,
  );

function gaps(results: readonly InferenceResult[]): number {
  const sequences = results.map(({ frame }) => frame.sequence);
  return sequences.filter((one, index) => index > 0 && one !== sequences[index - 1]! + 1).length;
}

describe('a swap under load', () => {
  test(
    `leaves no frame out, mixes no result and leaves no memory behind, ${swaps} times`,
    { timeout: swaps * 30_000 },
    async () => {
      const device = await start();
      const requests: InferenceResult[] = [];
      let isOver = false;
      const asking = (async () => {
        while (!isOver) {
          requests.push(await device.infer());
          await pause(50);
        }
      })();
      onTestFinished(() => void (isOver = true));
      for (const source of [second, first]) {
        expect(await device.propose(source, 'swap')).toBeUndefined();
      }
      let afterWarmUp = 0;
      for (let swap = 0; swap < swaps; swap += 1) {
        const named = swap % 2 === 0 ? 'brightness@2.0.0' : 'brightness@1.0.0';
        expect(await device.propose(named, 'swap')).toBeUndefined();
        await device.further('left', 3);
        if (swap === warmUpSwaps - 1) afterWarmUp = process.memoryUsage.rss();
      }
      const growth = process.memoryUsage.rss() - afterWarmUp;
      isOver = true;
      await asking;
      for (const camera of ['left', 'right']) {
        const results = await device.results(camera);
        expect(gaps(results)).toBe(0);
        expect(mixed(results)).toEqual([]);
        expect(new Set(results.map(({ model }) => model.version)).size).toBe(2);
        expect(device.runtime.camera(camera).framesDropped).toEqual({});
      }
      expect(requests.length).toBeGreaterThan(swaps);
      expect(mixed(requests)).toEqual([]);
      expect(growth).toBeLessThan(96 * 1_048_576);
    },
  );
});

describe('a swap', () => {
  let device: VersionRuntime;
  beforeAll(async () => {
    device = await startOpen();
  });
  afterAll(() => device.close());

  test('keeps the version before warm: going back to it loads nothing', async () => {
    await device.propose(second, 'swap');
    const { previous } = device.lifecycle;
    expect(previous).toMatchObject({ package: first, identity: { version: '1.0.0' } });
    expect(previous!.warmUntilMs).toBeGreaterThan(Date.now());
    const stages = new Set<string>();
    device.runtime.subscribe((event) => {
      if (event.kind === 'model' && event.model.lifecycle?.change) {
        stages.add(event.model.lifecycle.change.stage);
      }
    });
    expect(await device.change({ kind: 'rollback' })).toBeUndefined();
    expect([...stages]).toEqual(['switching']);
    expect((await device.infer()).model.version).toBe('1.0.0');
    expect(device.lifecycle.previous).toMatchObject({ package: 'brightness@2.0.0' });
  });

  test('gives the version before back after its time, and can still go back to it', async () => {
    const cold = await start({ rollout: { keepWarmMs: 0 } });
    await cold.propose(second, 'swap');
    await cold.until('cold', () => (cold.lifecycle.previous?.warmUntilMs ? undefined : true));
    expect(await cold.change({ kind: 'rollback' })).toBeUndefined();
    expect((await cold.infer()).model.version).toBe('1.0.0');
  });

  test('that races another one is refused and names the one under way', async () => {
    const begun = device.propose(second, 'swap');
    await expect(
      device.runtime.changeModel('parts', {
        kind: 'propose',
        package: 'brightness@3.0.0',
        mode: 'swap',
        cameras: [],
      }),
    ).rejects.toMatchObject({
      code: 'MODEL_CHANGE_RUNNING',
      details: { kind: 'propose', package: second },
    });
    expect(await begun).toBeUndefined();
    expect((await device.infer()).model.version).toBe('2.0.0');
  });

  test('is refused while the model is pinned, but a shadow is not', async () => {
    expect(await device.change({ kind: 'rollback' })).toBeUndefined();
    await device.change({ kind: 'pin' });
    for (const request of [
      { kind: 'propose', package: second, mode: 'swap', cameras: [] },
      { kind: 'propose', package: second, mode: 'canary', cameras: ['left'] },
    ] as const) {
      await expect(device.runtime.changeModel('parts', request)).rejects.toMatchObject({
        code: 'MODEL_PINNED',
      });
    }
    expect(await device.propose(second, 'shadow')).toBeUndefined();
    await expect(device.runtime.changeModel('parts', { kind: 'promote' })).rejects.toMatchObject({
      code: 'MODEL_PINNED',
    });
    await device.change({ kind: 'unpin' });
    expect(await device.change({ kind: 'promote' })).toBeUndefined();
    expect((await device.infer()).model.version).toBe('2.0.0');
  });
});

describe('after a restart', () => {
  test('the version that was swapped in runs, pinned as it was, and can be rolled back', async () => {
    const device = await start();
    await device.propose(second, 'swap');
    await device.change({ kind: 'pin' });
    await device.stop();
    const again = await start({ folder: device.folder });
    expect((await again.infer()).model.version).toBe('2.0.0');
    expect(again.lifecycle.isPinned).toBe(true);
    await again.change({ kind: 'unpin' });
    expect(await again.change({ kind: 'rollback' })).toBeUndefined();
    expect((await again.infer()).model.version).toBe('1.0.0');
  });

  test('another package in the configuration wins, and says so', async () => {
    const device = await start();
    await device.propose(second, 'swap');
    await device.stop();
    const third = await versionPackage(packages, '3.0.0', constantModel(0.4));
    const again = await start({ folder: device.folder, package: third });
    expect((await again.infer()).model.version).toBe('3.0.0');
    expect(again.notices.map(({ error }) => error.code)).toContain('CONFIG_CHANGED');
    await again.stop();
    const last = await start({ folder: device.folder, package: third });
    expect((await last.infer()).model.version).toBe('3.0.0');
    expect(last.lifecycle.previous).toBeUndefined();
  });

  test('a candidate is tried on', async () => {
    const device = await start();
    await device.propose(second, 'shadow');
    await device.stop();
    const again = await start({ folder: device.folder });
    await again.until('the candidate', () => again.lifecycle.candidate);
    expect(again.lifecycle.candidate).toMatchObject({
      package: 'brightness@2.0.0',
      mode: 'shadow',
    });
    expect((await again.infer()).model.version).toBe('1.0.0');
  });

  test('a version that is gone gives way to the configured one', async () => {
    const device = await start();
    await device.propose(second, 'swap');
    await device.stop();
    const { ModelStore } = await import('../../../component/inference/model-store/model-store.ts');
    const store = new ModelStore(`${device.folder}/data`);
    await store.remove({ name: 'brightness', version: '2.0.0' });
    const again = await start({ folder: device.folder });
    expect((await again.infer()).model.version).toBe('1.0.0');
    expect(again.notices.map(({ error }) => error.code)).toContain('MODEL_NOT_INSTALLED');
  });
});
