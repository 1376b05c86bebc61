import { expect, it } from 'vitest';
import { Retention } from '../../../component/delivery/retention.ts';
import { configDefaults } from '../registry/config-defaults.ts';
import { sampleResult } from '../registry/sample-result.ts';
import { everyResult, openRegistry } from '../registry/temporary-registry.ts';

const limits = configDefaults.retention;
const stream = { durability: 'stream' } as const;

it('the count of results holds at every moment while they come at full speed', async () => {
  const { registry } = await openRegistry();
  const faults = { warn: () => undefined };
  const retention = new Retention({
    registry,
    retention: { ...limits, resultsMaxCount: 500 },
    faults,
  });
  retention.start();
  let highest = 0;
  let isWriting = true;
  const watch = async () => {
    while (isWriting) highest = Math.max(highest, (await registry.statistics()).results);
  };
  const watching = watch();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let count = 0; count < 60; count += 1) {
        await registry.appendResult(sampleResult(), stream);
      }
    }),
  );
  isWriting = false;
  await watching;
  await retention.close();
  expect(highest).toBeGreaterThan(100);
  expect(highest).toBeLessThanOrEqual(500 + 256);
  const items = await everyResult(registry);
  expect(items).toHaveLength(500);
  const numbers = items.map(({ cameraSequence }) => cameraSequence).sort((a, b) => a! - b!);
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, index) => 64 * 60 - 499 + index));
  expect((await registry.statistics()).results).toBe(500);
});

it('old results go by the time at which they were stored, and numbers are never used again', async () => {
  const { registry, dataFolder } = await openRegistry();
  for (let count = 0; count < 700; count += 1) {
    void registry.appendResult(sampleResult({ capturedAtMs: 1000 }), stream);
  }
  await registry.appendResult(sampleResult(), stream);
  expect((await registry.applyRetention(limits)).resultsDeleted).toBe(0);
  const all = await registry.applyRetention({ ...limits, resultsMaxAgeHours: -0.01 });
  expect(all.resultsDeleted).toBe(701);
  expect((await registry.results({ limit: 1, label: 'person' })).items).toEqual([]);
  await registry.close();
  const { registry: reopened } = await openRegistry(dataFolder);
  expect((await reopened.appendResult(sampleResult(), stream)).cameraSequence).toBe(702);
});

it('limits are applied at the start; a fault is reported', async () => {
  const { registry } = await openRegistry();
  await registry.appendResult(sampleResult(), stream);
  await registry.appendResult(sampleResult(), stream);
  const warned: string[] = [];
  const retention = new Retention({
    registry,
    retention: { ...limits, resultsMaxCount: 1 },
    faults: { warn: (key) => warned.push(key) },
  });
  retention.start();
  await expect.poll(async () => (await registry.statistics()).results).toBe(1);
  await registry.close();
  retention.start();
  await expect.poll(() => warned.at(-1)).toBe('retention/SHUTTING_DOWN');
  await retention.close();
});
