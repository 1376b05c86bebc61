import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bundle } from '../../../cloud-publisher/bundle/bundle-schema.ts';
import { PublisherRecords } from '../../../cloud-publisher/registry/publisher-records.ts';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import { device } from '../../support/component-universe.ts';

export interface PlaceUnderTest {
  /** One that nothing was written to. */
  readonly fresh: () => Promise<string>;
  readonly close: () => Promise<void>;
}

const PUBLISHERS = 4;

const bundle = (version: string, description = ''): Bundle => ({
  schemaVersion: 1,
  name: 'line',
  version,
  description,
  devices: [device()],
  components: {
    people: {
      version: '1.0.0',
      isRequested: true,
      recipeSha256: 'a'.repeat(64),
      artifacts: [],
      merge: { text: 'Ä — "quoted" \u0001' },
    },
  },
});

/** What the publisher keeps, whatever the database. */
export function describePublisherRecords(name: string, open: () => Promise<PlaceUnderTest>): void {
  describe(`records in ${name}`, { timeout: 60_000 }, () => {
    let place: PlaceUnderTest;
    let address = '';
    let records: PublisherRecords;
    beforeAll(async () => {
      place = await open();
      address = await place.fresh();
      records = await PublisherRecords.open(address);
    });
    afterAll(async () => {
      await records.close();
      await place.close();
    });
    const key = (component: string = randomUUID()) => ({
      destination: 'there',
      component,
      version: '1.0.0',
      contentSha256: 'c'.repeat(64),
    });

    it('are made by several publishers at once, and opened again with what they hold', async () => {
      const at = await place.fresh();
      const all = await Promise.all(
        Array.from({ length: PUBLISHERS }, () => PublisherRecords.open(at)),
      );
      const one = key();
      await Promise.all(all.map((each) => each.setPublication(one, 'creating', 'token')));
      for (const each of all) {
        expect(await each.publication(one)).toMatchObject({ state: 'creating' });
        await each.close();
      }
      const again = await PublisherRecords.open(at);
      expect(await again.unfinished()).toHaveLength(1);
      await again.close();
    });

    it('tell how far each version came, with times as numbers', async () => {
      const one = key();
      expect(await records.publication(one)).toBeUndefined();
      const before = Date.now();
      for (const state of ['uploading', 'creating', 'waiting'] as const) {
        await records.setPublication(one, state, `token-${state}`);
      }
      const found = await records.publication(one);
      expect(found).toMatchObject({ ...one, state: 'waiting', clientToken: 'token-waiting' });
      expect(found!.updatedAtMs).toBeGreaterThanOrEqual(before);
      expect(found!.updatedAtMs).toBeLessThanOrEqual(Date.now());
      const unfinished = await records.unfinished();
      expect(unfinished.map(({ component }) => component)).toContain(one.component);
      await records.setPublication(one, 'deployable', 'token');
      expect((await records.unfinished()).map(({ component }) => component)).not.toContain(
        one.component,
      );
    });

    it('count neither what failed as unfinished, nor what another content took the number of', async () => {
      const [failed, late] = [key(), key()];
      for (const one of [failed, late]) await records.setPublication(one, 'creating', 'token');
      const begun = (await records.unfinished()).map(({ component }) => component);
      expect(begun).toEqual(expect.arrayContaining([failed.component, late.component]));
      await records.setPublication(failed, 'failed', 'token');
      const other = { ...late, contentSha256: 'd'.repeat(64) };
      await records.setPublication(other, 'deployable', 'token');
      const left = (await records.unfinished()).map(({ component }) => component);
      expect(left).not.toContain(failed.component);
      expect(left).not.toContain(late.component);
    });

    it('keep the phases of runs in their order, and why one failed', async () => {
      const run = await records.beginRun('vedette', 'a model', 'there');
      expect(await run.phase('prepare', () => Promise.resolve(7))).toBe(7);
      const failure = run.phase('create', () => Promise.reject(new Error('no')));
      await expect(failure).rejects.toThrow('no');
      await run.end(new Error('no'));
      expect(await records.phasesOf(run.id)).toEqual(['prepare: done', 'create: failed']);
    });

    it('keep a bundle as it was, once, whoever adds it at the same time', async () => {
      const others = await Promise.all(
        Array.from({ length: PUBLISHERS }, () => PublisherRecords.open(address)),
      );
      const added = await Promise.all(others.map(({ bundles }) => bundles.add(bundle('1.0.0'))));
      expect(added.filter(Boolean)).toHaveLength(1);
      const outcomes = await Promise.allSettled(
        others.map(({ bundles }, index) => bundles.add(bundle('2.0.0', `by ${index}`))),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toMatchObject({
            code: 'BUNDLE_EXISTS',
            details: { nextVersion: '2.0.1' },
          });
        }
      }
      for (const each of others) await each.close();
      expect((await records.bundles.get('line', '1.0.0')).bundle).toEqual(bundle('1.0.0'));
      expect(await records.bundles.versions('line')).toEqual(['2.0.0', '1.0.0']);
      expect(await records.bundles.using('people', '1.0.0')).toEqual(['line@2.0.0', 'line@1.0.0']);
    });

    it('stand beside those of roll-outs in one database', async () => {
      const rollouts = await RolloutRecords.open(address);
      await rollouts.close();
      expect(await records.bundles.list()).toHaveLength(2);
    });
  });
}
