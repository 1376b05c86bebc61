import { expect, it, vi } from 'vitest';
import { Worker } from 'node:worker_threads';
import { sampleResult } from './sample-result.ts';
import { openRegistry } from './temporary-registry.ts';

it('a lost worker is replaced; what was under way is refused as worth trying again', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  const { registry, notices } = await openRegistry();
  const first = await registry.appendResult(sampleResult(), { durability: 'promised' });
  expect(first.cameraSequence).toBe(1);
  const worker = post.mock.contexts[0] as Worker;
  post.mockRestore();
  const pending = Array.from({ length: 600 }, () =>
    registry.appendResult(sampleResult(), { durability: 'stream' }),
  );
  const settled = Promise.allSettled(pending);
  await worker.terminate();
  const refused = (await settled).filter(({ status }) => status === 'rejected');
  for (const one of refused) {
    expect(one).toMatchObject({ reason: { code: 'REGISTRY_UNAVAILABLE', retryable: true } });
  }
  await expect(registry.result(first.id)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  await expect.poll(() => registry.result(first.id).catch(() => undefined)).toEqual(first);
  expect(await registry.statistics()).toMatchObject({ restarts: 1, pending: 0 });
  expect(notices.map(({ error }) => error.code)).toEqual(['REGISTRY_UNAVAILABLE']);
});
