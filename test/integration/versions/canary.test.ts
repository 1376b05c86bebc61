import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loopsWhenBright, ModelPackages, nanWhenBright } from '../../support/model-packages.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { VersionRuntime } from '../../support/version-runtime.ts';
import type { VersionRuntimeOptions } from '../../support/version-runtime.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

const rollout = { minimumResults: 10 };

async function start(options: VersionRuntimeOptions): Promise<VersionRuntime> {
  const device = await VersionRuntime.start({ rollout, ...options });
  onTestFinished(() => device.close());
  await device.ready();
  await device.further('left', 15);
  return device;
}

/** Waits until the canary on `left` has gone, and gives the line of the history that says why. */
async function rolledBack(device: VersionRuntime) {
  await device.until('the rollback', () => (device.lifecycle.candidate ? undefined : true));
  const [last] = await device.until('the history', async () => {
    const changes = await device.runtime.modelChanges('parts', 10);
    return changes[0]?.kind === 'rolled-back' ? changes : undefined;
  });
  return last!;
}

describe('a canary goes back by itself', () => {
  test.each([
    ['verdicts', 0.2, constantModel(0.9), undefined],
    ['errors', 0.2, nanWhenBright(), [250]],
    ['latency', 0.9, loopsWhenBright(60_000), [250]],
  ] as const)('for its %s, with the reason in every place', async (cause, score, model, levels) => {
    const first = await versionPackage(packages, '1.0.0', constantModel(score));
    const second = await versionPackage(packages, '2.0.0', model);
    const device = await start({ package: first, ...(levels ? { levels } : {}) });
    expect(await device.propose(second, 'canary', ['left'])).toBeUndefined();
    const change = await rolledBack(device);
    expect(change).toMatchObject({
      kind: 'rolled-back',
      cause,
      mode: 'canary',
      package: 'brightness@2.0.0',
      reason: { code: 'MODEL_CANARY_FAILED', details: { camera: 'left', cause } },
    });
    expect(device.events).toContainEqual({ kind: 'model-change', change });
    expect(device.notices.map(({ error }) => error.message)).toContain(change.reason!.message);
    const { text } = await device.runtime.metrics();
    expect(text).toContain(
      `vedette_model_changes_total{model="parts",kind="rolled-back",cause="${cause}"} 1`,
    );
    await device.further('left', 3);
    const left = await device.results('left');
    expect(left.at(-1)!.model.version).toBe('1.0.0');
    expect(left.some((one) => one.model.version === '2.0.0')).toBe(true);
    const right = await device.results('right');
    expect(right.every((one) => one.model.version === '1.0.0')).toBe(true);
  });
});

describe('a canary that is no worse', () => {
  test('stays until a person promotes it, without loading it again', async () => {
    const first = await versionPackage(packages, '1.0.0', constantModel(0.2));
    const second = await versionPackage(packages, '2.0.0', constantModel(0.3));
    const device = await start({
      package: first,
      rollout: { minimumResults: 10, latencyFactor: 1000 },
    });
    await device.propose(second, 'canary', ['left']);
    await device.further('left', 45);
    const canary = device.lifecycle.candidate!.canary!['left']!;
    expect(canary).toMatchObject({ errors: 0, fails: 0, baseline: { errors: 0 } });
    expect(canary.results).toBeGreaterThan(40);
    expect(canary.baseline.results).toBeGreaterThanOrEqual(15);
    const { infer } = device;
    expect((await infer.call(device)).model.version).toBe('1.0.0');
    await device.change({ kind: 'promote' });
    expect((await device.infer()).model.version).toBe('2.0.0');
    expect(device.lifecycle.candidate).toBeUndefined();
  });
});

describe('a canary with the weights of the version before', () => {
  test('is counted on its own cameras, and has no labels of that version', async () => {
    const model = constantModel(0.4);
    const first = await versionPackage(packages, '1.0.0', model);
    const second = await versionPackage(packages, '2.0.0', model, {
      output: { decoder: 'anomaly', scoreThreshold: 0.45 },
    });
    const labels = { promoteBy: 'labels', minimumLabels: 10, latencyFactor: 1000 };
    const device = await start({ package: first, rollout: { ...rollout, ...labels } });
    for (const { id } of (await device.results('left')).slice(0, 10)) {
      await device.runtime.labelResult({ resultId: id, outcome: 'pass' });
    }
    expect(await device.propose(second, 'canary', ['left'])).toBeUndefined();
    await device.further('left', 15);
    await device.further('right', 15);
    expect(Object.keys(device.lifecycle.candidate!.canary!)).toEqual(['left']);
    const [newest] = (await device.results('right')).slice(-1);
    await device.runtime.labelResult({ resultId: newest!.id, outcome: 'pass' });
    expect(device.lifecycle.candidate?.labels).toMatchObject({
      active: { labelled: 11 },
      candidate: { labelled: 0 },
    });
  });
});

describe('a shadow', () => {
  test('is compared on the same frames and acts on none', async () => {
    const first = await versionPackage(packages, '1.0.0', constantModel(0.2));
    const second = await versionPackage(packages, '2.0.0', constantModel(0.9));
    const device = await start({ package: first });
    expect(await device.propose(second, 'shadow')).toBeUndefined();
    const shadow = await device.until('comparisons', () => {
      const figures = device.lifecycle.candidate?.shadow;
      return figures && figures.compared >= 10 ? figures : undefined;
    });
    expect(shadow).toMatchObject({ agreed: 0, failed: 0 });
    expect(shadow.disagreements[0]).toMatchObject({ active: 'pass', candidate: 'fail' });
    const [stored] = await device.until('stored comparisons', async () => {
      const query = { model: 'parts', onlyDisagreements: true, limit: 5 };
      const found = await device.runtime.shadows(query);
      return found.length > 0 ? found : undefined;
    });
    expect(stored).toMatchObject({ verdict: { outcome: 'fail' }, candidate: { version: '2.0.0' } });
    expect(await device.runtime.result(stored!.resultId)).toMatchObject({
      model: { version: '1.0.0' },
      verdict: { outcome: 'pass' },
    });
    for (const camera of ['left', 'right']) {
      const results = await device.results(camera);
      expect(results.every(({ model }) => model.version === '1.0.0')).toBe(true);
    }
    await device.change({ kind: 'discard' });
    expect(device.lifecycle.candidate).toBeUndefined();
  });

  test('is promoted by labels of people, when so configured', async () => {
    const first = await versionPackage(packages, '1.0.0', constantModel(0.2));
    const second = await versionPackage(packages, '2.0.0', constantModel(0.9));
    const labels = { promoteBy: 'labels', minimumLabels: 10 };
    const device = await start({ package: first, rollout: labels });
    await device.propose(second, 'shadow');
    const shadows = await device.until('stored comparisons', async () => {
      const query = { model: 'parts', onlyDisagreements: true, limit: 10 };
      const found = await device.runtime.shadows(query);
      return found.length === 10 ? found : undefined;
    });
    for (const { resultId } of shadows) {
      await device.runtime.labelResult({ resultId, outcome: 'fail' });
    }
    await device.until('the promotion', async () =>
      (await device.infer()).model.version === '2.0.0' ? true : undefined,
    );
    const [last] = await device.runtime.modelChanges('parts', 1);
    expect(last).toMatchObject({ kind: 'promoted', cause: 'labels', mode: 'shadow' });
  });
});
