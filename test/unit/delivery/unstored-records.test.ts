import { describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { MAX_CHARACTERS, UnstoredRecords } from '../../../component/delivery/unstored-records.ts';

function open(options: { mayWait?: boolean; limit?: number } = {}) {
  const stored: number[] = [];
  const lost: number[] = [];
  const stop = new AbortController();
  const registry: { refusal: VedetteError | undefined } = {
    refusal: new VedetteError('REGISTRY_UNAVAILABLE', 'the worker was lost'),
  };
  const results = new UnstoredRecords<number>({
    store: async (item) => {
      if (registry.refusal === undefined) stored.push(item);
      return registry.refusal;
    },
    onLost: (item) => lost.push(item),
    mayWait: options.mayWait ?? false,
    signal: stop.signal,
    limit: options.limit ?? 100,
  });
  return { results, stored, lost, stop, registry };
}

describe.concurrent('UnstoredRecords', () => {
  it('stores each once, oldest first, when the registry takes them again', async () => {
    const { results, stored, lost, registry } = open();
    for (let item = 0; item < 20; item += 1) await results.add(item);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(results.size).toBe(20);
    registry.refusal = undefined;
    await results.ended();
    expect(stored).toEqual(Array.from({ length: 20 }, (_, item) => item));
    expect(lost).toEqual([]);
  });

  it('stores at once, and takes over only what may be stored later', async () => {
    const { results, stored, lost, registry } = open();
    const refusal = registry.refusal!;
    expect(await results.store(1)).toBe(refusal);
    for (const code of ['INTERNAL', 'SHUTTING_DOWN'] as const) {
      registry.refusal = new VedetteError(code, 'refused for good');
      expect(await results.store(2)).toBeUndefined();
    }
    expect({ size: results.size, lost }).toEqual({ size: 1, lost: [2, 2] });
    registry.refusal = undefined;
    expect(await results.store(3)).toBeUndefined();
    // Behind the one that waits.
    await results.storeInOrder(4);
    expect(stored).toEqual([3]);
    await results.ended();
    expect(stored).toEqual([3, 1, 4]);
    await results.storeInOrder(5);
    expect(stored).toEqual([3, 1, 4, 5]);
    expect(lost).toEqual([2, 2]);
  });

  it('gives the oldest of a stream up at its limit', async () => {
    const { results, stored, lost, registry } = open({ limit: 3 });
    for (let item = 0; item < 5; item += 1) await results.add(item);
    registry.refusal = undefined;
    await results.ended();
    expect({ stored, lost }).toEqual({ stored: [2, 3, 4], lost: [0, 1] });
  });

  it('lets who may wait wait at its limit, and loses nothing', async () => {
    const { results, stored, lost, registry } = open({ limit: 3, mayWait: true });
    const adding = Promise.all([0, 1, 2, 3, 4].map((item) => results.add(item)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(results.size).toBe(3);
    registry.refusal = undefined;
    await adding;
    await results.ended();
    expect(stored).toEqual([0, 1, 2, 3, 4]);
    expect(lost).toEqual([]);
  });

  it('tries one last time when the camera stops, and counts what is lost then', async () => {
    const taken = open();
    await taken.results.add(1);
    taken.registry.refusal = undefined;
    taken.stop.abort();
    await taken.results.ended();
    expect(taken.stored).toEqual([1]);

    const refused = open({ limit: 1, mayWait: true });
    await refused.results.add(1);
    const waiting = refused.results.add(2);
    refused.stop.abort();
    await waiting;
    await refused.results.ended();
    expect(refused.lost.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  it('goes on after one that can never be stored', async () => {
    const { results, lost, registry } = open();
    registry.refusal = new VedetteError('INTERNAL', 'a row that does not fit');
    await results.add(1);
    await results.ended();
    expect(lost).toEqual([1]);
  });

  it('does not give up the one that the registry may be storing', async () => {
    const storing = Promise.withResolvers<undefined>();
    const offered = Promise.withResolvers<void>();
    const lost: [number, string][] = [];
    const stored: number[] = [];
    const stop = new AbortController();
    const results = new UnstoredRecords<number>({
      store: async (item) => {
        offered.resolve();
        await storing.promise;
        stored.push(item);
        return undefined;
      },
      onLost: (item, why) => lost.push([item, why.code]),
      mayWait: false,
      signal: stop.signal,
      limit: 2,
    });
    await results.add(0);
    await offered.promise;
    for (const item of [1, 2, 3]) await results.add(item);
    storing.resolve(undefined);
    await results.ended();
    expect(stored).toEqual([0, 3]);
    expect(lost).toEqual([
      [1, 'OVERLOADED'],
      [2, 'OVERLOADED'],
    ]);
  });

  it('keeps no more characters than it may, and always the newest', async () => {
    const lost: string[] = [];
    const stored: string[] = [];
    const stop = new AbortController();
    const results = new UnstoredRecords<{ name: string; characters: number }>({
      store: async ({ name }) => {
        stored.push(name);
        return undefined;
      },
      onLost: ({ name }) => lost.push(name),
      mayWait: false,
      signal: stop.signal,
      charactersOf: ({ characters }) => characters,
    });
    await results.add({ name: 'half', characters: MAX_CHARACTERS / 2 });
    await results.add({ name: 'other half', characters: MAX_CHARACTERS / 2 });
    await results.add({ name: 'small', characters: 1 });
    expect(lost).toEqual(['half']);
    await results.add({ name: 'too much', characters: 2 * MAX_CHARACTERS });
    expect(lost).toEqual(['half', 'other half', 'small']);
    stop.abort();
    await results.ended();
    expect(stored).toEqual(['too much']);
  });
});
