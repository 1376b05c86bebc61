import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ModelPackages } from '../../support/model-packages.ts';
import { RuntimeFolder } from '../../support/runtime-process.ts';
import { infer } from '../../support/runtime-requests.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { plainPicture } from '../../support/version-runtime.ts';

/** Spread over installing, trying, loading and switching. */
const kills = process.env['VEDETTE_DEEP'] === '1' ? 60 : 2;
const SPREAD_MS = 6000;

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

test(
  `a runtime killed in the middle of a change comes up with the old version or the new one, ${kills} times`,
  { timeout: 60_000 + kills * 60_000 },
  async () => {
    const folder = await RuntimeFolder.create();
    onTestFinished(() => folder.close());
    const first = await versionPackage(packages, '1.0.0', constantModel(0.2));
    const second = await versionPackage(packages, '2.0.0', constantModel(0.3));
    const scores: Readonly<Record<string, number>> = { '1.0.0': 0.2, '2.0.0': 0.3 };
    const config = { models: { parts: { package: first, workers: 1 } } };
    let other = second;
    for (let kill = 0; kill < kills; kill += 1) {
      const runtime = await folder.start(config);
      await runtime.ready();
      const { model, anomaly } = await infer(runtime, 'parts', await plainPicture(100));
      expect(anomaly!.score).toBeCloseTo(scores[model.version]!, 3);
      other = model.version === '1.0.0' ? second : first;
      const response = await runtime.fetch('/api/v1/models/parts/candidate', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ package: other, mode: 'swap' }),
      });
      // The configured package is the active one when it was never replaced.
      expect([202, 400]).toContain(response.status);
      await pause((SPREAD_MS * (kill + 1)) / kills);
      await runtime.stop('SIGKILL');
    }
    const last = await folder.start(config);
    await last.ready();
    const { model } = await infer(last, 'parts', await plainPicture(100));
    expect(['1.0.0', '2.0.0']).toContain(model.version);
  },
);
