import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import type { NewResult } from '../../../component/contract/ports.ts';
import { openStore } from './open-store.ts';
import { sampleResult } from './sample-result.ts';
import { openRegistry } from './temporary-registry.ts';
import { mountSmall, unmount } from '../../support/small-disk.ts';

const probe = mountSmall();
if (probe !== undefined) unmount(probe);

describe.skipIf(probe === undefined)(
  'on a full disk (skipped where mounting a tmpfs is not permitted; the page limit below covers it)',
  () => {
    it('promised results are refused, streamed ones wait, and storing resumes by itself', async () => {
      const dataFolder = mountSmall()!;
      onTestFinished(() => unmount(dataFolder));
      const { registry, notices } = await openRegistry(dataFolder);
      await registry.appendResult(sampleResult(), { durability: 'promised' });
      const { bavail, bsize } = statfsSync(dataFolder);
      const ballast = join(dataFolder, 'ballast');
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - 65_536));

      const big = { reason: 'x'.repeat(20_000) };
      const stored = [];
      let refusal: VedetteError | undefined;
      while (refusal === undefined) {
        await registry.appendResult(sampleResult(big), { durability: 'promised' }).then(
          (result) => stored.push(result),
          (error: VedetteError) => {
            refusal = error;
          },
        );
      }
      expect(refusal).toMatchObject({ code: 'STORAGE_FULL', retryable: true });
      expect(refusal.details).not.toHaveProperty('isQueued');
      for (let count = 0; count < 20; count += 1) {
        const attempt = registry.appendResult(sampleResult(big), { durability: 'stream' });
        await expect(attempt).rejects.toMatchObject({
          code: 'STORAGE_FULL',
          details: { isQueued: true },
        });
      }
      expect(await registry.statistics()).toMatchObject({ retained: 20, givenUp: 0 });
      expect((await registry.statistics()).refusedForMs).toBeGreaterThan(0);
      // Reading goes on.
      expect((await registry.results({ limit: 1 })).items).toHaveLength(1);

      rmSync(ballast);
      await expect
        .poll(async () => (await registry.statistics()).retained, { timeout: 15_000 })
        .toBe(0);
      const next = await registry.appendResult(sampleResult(), { durability: 'promised' });
      expect(next.cameraSequence).toBe(1 + stored.length + 20 + 1);
      expect((await registry.statistics()).refusedForMs).toBe(0);
      const told = notices.map(({ error }) => error.message);
      expect(told).toHaveLength(2);
      expect(told[0]).toContain('no space left');
      expect(told[1]).toContain('Storing resumed');
    });

    it('a registry can still be opened and says what is wrong when it cannot be made', async () => {
      const dataFolder = mountSmall()!;
      onTestFinished(() => unmount(dataFolder));
      const { bavail, bsize } = statfsSync(dataFolder);
      const ballast = join(dataFolder, 'ballast');
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
      await expect(openRegistry(dataFolder)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      rmSync(ballast);
      await openRegistry(dataFolder);
    });
  },
);

describe('at the page limit of the database', () => {
  it('streamed results are kept up to a bound, the oldest given up and counted', async () => {
    const { store, append, notices } = await openStore();
    store.db.pragma('max_page_count = 80');
    const big = { reason: 'x'.repeat(2000) };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 2400 }, () => append(sampleResult(big), 'stream')),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected').length;
    const { retained, givenUp } = store.statistics();
    expect(retained).toBe(2000);
    expect(givenUp).toBe(refused - 2000);
    expect(givenUp).toBeGreaterThan(0);
    const before = store.statistics().results;
    store.db.pragma('max_page_count = 1000000');
    await append(sampleResult(), 'promised');
    expect(store.statistics()).toMatchObject({ results: before + 2001, retained: 0, givenUp });
    expect(notices.map(({ error }) => error.code)).toEqual(['STORAGE_FULL', 'STORAGE_FULL']);
    expect(notices[1]?.error.message).toContain(`${givenUp} results were lost`);
  });

  it('a result that is offered again and again takes one place and is counted once', async () => {
    const { store, append } = await openStore();
    store.db.pragma('max_page_count = 1');
    const offer = (result: NewResult) =>
      expect(append(result, 'stream')).rejects.toMatchObject({ details: { isQueued: true } });
    const others = Array.from({ length: 1000 }, () => sampleResult({ camera: 'other' }));
    await Promise.all(others.map(offer));
    const watched = sampleResult({ camera: 'watched' });
    for (let count = 0; count < 1500; count += 1) await offer(watched);
    expect(store.statistics()).toMatchObject({ retained: 1001, givenUp: 0 });

    // Pushed out by others, offered again, pushed out again: one result is lost, not two.
    const flood = () => Array.from({ length: 2000 }, () => sampleResult({ camera: 'other' }));
    await Promise.all(flood().map(offer));
    expect(store.statistics()).toMatchObject({ retained: 2000, givenUp: 1001 });
    await offer(watched);
    expect(store.statistics()).toMatchObject({ retained: 2000, givenUp: 1001 });
    await Promise.all(flood().map(offer));
    expect(store.statistics()).toMatchObject({ retained: 2000, givenUp: 3001 });

    await offer(watched);
    store.db.pragma('max_page_count = 1000000');
    await append(sampleResult({ camera: 'other' }), 'promised');
    expect(store.statistics()).toMatchObject({ retained: 0, givenUp: 3001, results: 2001 });
    expect(store.results.byId(watched.id)).toMatchObject({ cameraSequence: 1 });
  });

  it('closing counts and reports what was never stored', async () => {
    const { store, append, notices } = await openStore();
    store.db.pragma('max_page_count = 1');
    await expect(append(sampleResult({ reason: 'x'.repeat(9000) }), 'stream')).rejects.toThrow();
    await store.close();
    expect(notices.at(-1)?.error.message).toContain('1 results could not be stored');
  });
});
