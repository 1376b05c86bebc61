import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploymentFileSchema } from '../../../cloud-publisher/deployment/deployment-file.ts';
import type { PlannedStep } from '../../../cloud-publisher/deployment/rollout.ts';
import { RolloutRecords } from '../../../cloud-publisher/registry/rollout-records.ts';
import { WAVES } from '../../support/rollout-turns.ts';
import type { PlaceUnderTest } from './publisher-records.contract.ts';

const PROCESSES = 4;

const step = (title: string, kind: PlannedStep['kind'] = 'wave'): PlannedStep => ({
  ...{ kind, title, targetArn: 'arn:aws:iot:eu-west-1:123456789012:thinggroup/line' },
  ...{ isGroupMade: false, soakMs: 1, deviceTimeoutMs: 2, baseDeploymentId: null },
  base: { components: { a: { componentVersion: '1.0.0' } } },
  document: { components: { a: { componentVersion: '2.0.0' } } },
  changes: [],
  devices: ['käfer-1', 'b "quoted"'],
});

/** What is kept of roll-outs, whatever the database: several processes carry one on. */
export function describeRolloutRecords(name: string, open: () => Promise<PlaceUnderTest>): void {
  describe(`roll-outs in ${name}`, { timeout: 60_000 }, () => {
    let place: PlaceUnderTest;
    let all: RolloutRecords[] = [];
    beforeAll(async () => {
      place = await open();
      const address = await place.fresh();
      for (let index = 0; index < PROCESSES; index += 1)
        all.push(await RolloutRecords.open(address));
    });
    afterAll(async () => {
      for (const records of all) await records.close();
      all = [];
      await place.close();
    });

    async function planned(steps = [step('10 %'), step('all')]): Promise<string> {
      const id = randomUUID().slice(0, 8);
      const file = deploymentFileSchema.parse({ ...WAVES, name: 'Ä — caps' });
      await all[0]!.plan({ id, file, account: '123456789012', region: 'eu-west-1', steps });
      return id;
    }

    it('are read by another process as they were planned', async () => {
      const id = await planned();
      const found = await all[1]!.rollout(id);
      expect(found).toMatchObject({ id, name: 'Ä — caps', state: 'planned', region: 'eu-west-1' });
      expect(found.steps).toMatchObject([
        { ...step('10 %'), position: 0, state: 'waiting', reached: [], touched: [], baseline: {} },
        { ...step('all'), position: 1, state: 'waiting' },
      ]);
      expect(typeof found.createdAtMs).toBe('number');
      expect(new Set(found.steps.map(({ clientToken }) => clientToken)).size).toBe(2);
      expect((await all[2]!.newest(1))[0]!.id).toBe(id);
      await expect(all[1]!.rollout('none')).rejects.toMatchObject({ code: 'ROLLOUT_NOT_FOUND' });
    });

    it('enter a state once, whoever wants it at the same time', async () => {
      const id = await planned();
      const entered = await Promise.all(
        all.map((records) => records.enter(id, ['planned'], 'running', '')),
      );
      expect(entered.filter(Boolean)).toHaveLength(1);
      expect(await all[0]!.enter(id, ['planned', 'held'], 'running', '')).toBe(false);
      expect(await all[0]!.enter(id, ['running'], 'held', 'asked for')).toBe(true);
      expect(await all[1]!.rollout(id)).toMatchObject({ state: 'held', reason: 'asked for' });
      expect((await all[1]!.events(id)).map(({ text }) => text)).toEqual([
        'running',
        'held: asked for',
      ]);
    });

    it('are listed newest first up to a number, those to carry on by themselves', async () => {
      const ids = [await planned(), await planned(), await planned()];
      await all[0]!.enter(ids[1]!, ['planned'], 'running', '');
      await all[0]!.enter(ids[2]!, ['planned'], 'rolling-back', 'worse');
      const mine = (await all[1]!.open()).filter(({ id }) => ids.includes(id));
      expect(mine.map(({ id, state }) => [id, state])).toEqual([
        [ids[1], 'running'],
        [ids[2], 'rolling-back'],
      ]);
      // What a list is made of: not the file, which may be large.
      expect(Object.keys(mine[0]!)).not.toContain('file');
      const newest = await all[1]!.newest(2);
      expect(newest).toHaveLength(2);
      expect(newest[0]!.createdAtMs).toBeGreaterThanOrEqual(newest[1]!.createdAtMs);
      expect(await all[2]!.count()).toBeGreaterThanOrEqual(3);
      for (const id of ids) await all[0]!.enter(id, ['running', 'rolling-back'], 'failed', '');
    });

    it('let a deployment be asked for while they go on, and tell a hold of one that was', async () => {
      const id = await planned();
      await all[0]!.enter(id, ['planned'], 'running', '');
      await all[0]!.change(id, 0, 'waiting', { state: 'creating' });
      // One of both comes first, and the other one knows.
      const [isAsked, isHeld] = await Promise.all([
        all[1]!.requestDeployment(id, 0),
        all[2]!.enter(id, ['running'], 'held', 'asked for'),
      ]);
      expect(isHeld).toBe(true);
      const [first] = (await all[3]!.rollout(id)).steps;
      expect(first!.requestedAtMs !== undefined).toBe(isAsked);
      expect(await all[1]!.requestDeployment(id, 0)).toBe(false);
      await all[0]!.enter(id, ['held'], 'running', '');
      expect(await all[1]!.requestDeployment(id, 0)).toBe(true);
      expect(await all[1]!.requestDeployment(id, 1)).toBe(false);
    });

    it('move a step on once, with all that is known of it', async () => {
      const id = await planned();
      const moved = await Promise.allSettled(
        all.map((records) => records.change(id, 0, 'waiting', { state: 'creating' })),
      );
      expect(moved.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of moved) {
        if (one.status === 'rejected') {
          expect(one.reason).toMatchObject({ code: 'ROLLOUT_STATE_CHANGED' });
        }
      }
      const change = { deploymentId: 'd', reached: ['x'], touched: ['x', 'y'], beganAtMs: 2 ** 41 };
      await all[1]!.change(id, 0, 'creating', { state: 'deploying', ...change });
      const [first, second] = (await all[2]!.rollout(id)).steps;
      expect(first).toMatchObject({ state: 'deploying', ...change });
      expect(second!.state).toBe('waiting');
    });

    it('are carried on by one process at a time', async () => {
      const id = await planned();
      const owners = all.map((_, index) => `owner-${index}`);
      const holders = await Promise.all(
        all.map((records, index) => records.lease(id, owners[index]!, 60_000)),
      );
      const winner = holders.indexOf(undefined);
      expect(holders.filter((holder) => holder === undefined)).toHaveLength(1);
      expect(await all[0]!.lease(id, owners[winner]!, 60_000)).toBeUndefined();
      const other = owners[(winner + 1) % PROCESSES]!;
      expect(await all[0]!.lease(id, other, 60_000)).toBe(owners[winner]);
      await all[0]!.release(id, other);
      expect(await all[1]!.lease(id, other, 60_000)).toBe(owners[winner]);
      expect(await all[1]!.lease(id, other, 60_000, owners[winner])).toBeUndefined();
      await all[1]!.release(id, other);
      expect(await all[2]!.lease(id, owners[winner]!, -1)).toBeUndefined();
      expect(await all[3]!.lease(id, other, 60_000)).toBeUndefined();
    });

    it('keep every note, in the order of one list, also of processes that note at once', async () => {
      const id = await planned();
      const texts = Array.from({ length: 8 * PROCESSES }, (_, index) => `note ${index}`);
      await Promise.all(texts.map((text, index) => all[index % PROCESSES]!.note(id, text)));
      const events = await all[0]!.events(id);
      expect(events.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
      await all[3]!.note(id, 'last');
      expect((await all[1]!.events(id)).at(-1)!.text).toBe('last');
      const last = await all[2]!.lastEvent(id);
      expect(await all[2]!.events(id, last)).toEqual([]);
      expect((await all[2]!.events(id, last - 2)).map(({ position }) => position)).toEqual([
        last - 1,
        last,
      ]);
    });

    it('get their way back behind the waves, and what was under way is stopped with it', async () => {
      const id = await planned();
      await all[0]!.change(id, 0, 'waiting', { state: 'passed' });
      await all[0]!.change(id, 1, 'waiting', { state: 'soaking' });
      await all[1]!.addRollBack(id, [
        step('back: all', 'roll-back'),
        step('back: 10 %', 'roll-back'),
      ]);
      const { steps } = await all[2]!.rollout(id);
      expect(steps.map(({ title, state, position }) => [position, title, state])).toEqual([
        [0, '10 %', 'passed'],
        [1, 'all', 'stopped'],
        [2, 'back: all', 'waiting'],
        [3, 'back: 10 %', 'waiting'],
      ]);
    });

    it('remember what ran on a device once, newest first', async () => {
      const id = await planned();
      const thing = randomUUID();
      const row = {
        thing,
        deploymentId: 'd-1',
        rolloutId: id,
        step: 0,
        outcome: 'SUCCEEDED',
        atMs: 1,
      };
      // One after the other: here all are in one process, where one that waits for a lock holds up who has it.
      for (const records of all) await records.devices.record([row]);
      await all[0]!.devices.record([{ ...row, deploymentId: 'd-2', step: 1, atMs: 2 }]);
      const found = await all[1]!.devices.of(thing);
      expect(found.map(({ deploymentId }) => deploymentId)).toEqual(['d-2', 'd-1']);
      expect(found[0]).toMatchObject({ rollout: 'Ä — caps', rolloutId: id, atMs: 2 });
      const many = Array.from({ length: 1200 }, (_, index) => ({
        ...row,
        thing: `${thing}-${index}`,
      }));
      await all[2]!.devices.record(many);
      expect(await all[3]!.devices.of(`${thing}-1199`)).toHaveLength(1);
    });
  });
}
