import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import type { NewJob } from '../../../cloud-publisher/registry/publication-job-records.ts';
import type { PlaceUnderTest } from './publisher-records.contract.ts';

/** What is kept of publications that servers are asked for, whatever the database. */
export function describePublicationJobRecords(
  name: string,
  open: () => Promise<PlaceUnderTest>,
): void {
  describe(`publications in ${name}`, { timeout: 60_000 }, () => {
    let place: PlaceUnderTest;
    let both: RolloutRecords[] = [];
    beforeAll(async () => {
      place = await open();
      const address = await place.fresh();
      both = [await RolloutRecords.open(address), await RolloutRecords.open(address)];
    });
    afterAll(async () => {
      for (const records of both) await records.close();
      await place.close();
    });

    const newJob = (settings: string): NewJob => ({
      ...{ id: uuidv7(), settings, source: 'Käfer "7"' },
      ...{ command: ['publish', 'model', '/a b'], input: '{"a":1}' },
    });
    const SOON = 2 ** 41;

    it('are begun one after the other by their owner, and read by others', async () => {
      const [mine, other] = both.map(({ jobs }) => jobs);
      const [first, second] = [newJob('s-1'), newJob('s-1')];
      await mine!.add(first, 'me', SOON);
      await mine!.add(second, 'me', SOON);
      expect(await other!.countWaiting('me')).toBe(2);
      expect(await other!.begin('you')).toBeUndefined();
      const begun = await mine!.begin('me');
      expect(begun!.request).toEqual({
        ...{ source: first.source, command: first.command, input: first.input },
      });
      expect(await other!.get(first.id)).toMatchObject({ state: 'running', attempts: 1 });
      await mine!.end(first.id, 'me', { state: 'done', outcome: { a: ['ä'] } });
      expect(await other!.get(first.id)).toMatchObject({ state: 'done', outcome: { a: ['ä'] } });
      expect((await mine!.begin('me'))!.job.id).toBe(second.id);
      await mine!.end(second.id, 'me', { state: 'failed', error: 'AWS_ACCESS_DENIED: no' });
      expect((await other!.newest(1))[0]).toMatchObject({ error: 'AWS_ACCESS_DENIED: no' });
      expect(await other!.get('none')).toBeUndefined();
    });

    it('are begun in the order in which they were asked for, even within a millisecond', async () => {
      const { jobs } = both[0]!;
      const asked = Array.from({ length: 20 }, () => newJob('s-5'));
      await Promise.all(asked.map((job) => jobs.add(job, 'quick', SOON)));
      const newest = await jobs.newest(20);
      expect(newest.map(({ id }) => id)).toEqual(asked.map(({ id }) => id).toReversed());
      for (const { id } of asked) {
        expect((await jobs.begin('quick'))!.job.id).toBe(id);
        await jobs.end(id, 'quick', { state: 'done', outcome: null });
      }
    });

    it('are taken once from an owner, by one with the same settings', async () => {
      const [mine, other] = both.map(({ jobs }) => jobs);
      const job = newJob('s-2');
      await mine!.add(job, 'gone', SOON);
      await mine!.begin('gone');
      expect(await other!.ofOthers('s-3', 'you')).toEqual([]);
      const [left] = await other!.ofOthers('s-2', 'you');
      expect(left).toEqual({ id: job.id, owner: 'gone', attempts: 1, leaseUntilMs: SOON });
      const taken = [await other!.take(left!, 'you', SOON), await mine!.take(left!, 'she', SOON)];
      expect(taken).toEqual([true, false]);
      // Who had it may still believe so.
      await mine!.end(job.id, 'gone', { state: 'failed', error: 'late' });
      expect(await mine!.get(job.id)).toMatchObject({ state: 'waiting' });
      expect((await other!.begin('you'))!.job).toMatchObject({ id: job.id, attempts: 2 });
      await other!.release('you');
      expect(await mine!.ofOthers('s-2', 'me')).toEqual([
        { id: job.id, owner: 'you', attempts: 1, leaseUntilMs: 0 },
      ]);
    });

    it('are forgotten when they ended before many others', async () => {
      const { jobs } = both[0]!;
      const open = newJob('s-4');
      await jobs.add(open, 'last', SOON);
      await jobs.forgetEnded(0);
      const left = await jobs.newest(10);
      expect(left.map(({ id }) => id)).toContain(open.id);
      expect(left.every(({ state }) => state === 'waiting')).toBe(true);
    });
  });
}
