import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { CounterLedger } from '../../../component/pipeline/space/counter-ledger.ts';
import { openRegistry } from '../registry/temporary-registry.ts';

const faults = new FaultLog(pino({ level: 'silent' }));

async function loaded(store: ConstructorParameters<typeof CounterLedger>[1]) {
  const ledger = new CounterLedger('dock', store, faults);
  await ledger.load();
  return ledger;
}

describe('a counter ledger', () => {
  it('goes on where it stood after an orderly stop', async () => {
    const { registry } = await openRegistry();
    const before = await loaded(registry);
    for (let i = 0; i < 5; i += 1) before.increment('line/gate/forward');
    await before.close();
    const after = await loaded(registry);
    expect(after.valueOf('line/gate/forward')).toBe(5);
  });

  it('never gives a number twice, also when it was not closed', async () => {
    const { registry } = await openRegistry();
    const given: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const ledger = await loaded(registry);
      for (let i = 0; i < 350; i += 1) {
        given.push(ledger.nextTrackId());
        // Numbers are promised in the database while others are still in hand.
        if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    expect(new Set(given).size).toBe(given.length);
    expect(given[0]).toBe(1);
  });

  it('keeps what the registry refuses, and stores it when it takes it again', async () => {
    const { registry } = await openRegistry();
    let isDown = false;
    const refused = () =>
      Promise.reject(new VedetteError('REGISTRY_UNAVAILABLE', 'The database is away'));
    const ledger = await loaded({
      counters: (camera) => registry.counters(camera),
      raiseCounters: (camera, values) =>
        isDown ? refused() : registry.raiseCounters(camera, values),
    });
    isDown = true;
    ledger.increment('zone/press/entered');
    await ledger.close();
    expect((await registry.counters('dock'))['zone/press/entered']).toBeUndefined();
    isDown = false;
    ledger.increment('zone/press/entered');
    await ledger.close();
    expect((await registry.counters('dock'))['zone/press/entered']).toBe(2);
  });

  it('never gives a number twice when promises were refused and the process was killed', async () => {
    const { registry } = await openRegistry();
    let isDown = false;
    const store = {
      counters: (camera: string) => registry.counters(camera),
      raiseCounters: (camera: string, values: Readonly<Record<string, number>>) =>
        isDown
          ? Promise.reject(new VedetteError('REGISTRY_UNAVAILABLE', 'away'))
          : registry.raiseCounters(camera, values),
    };
    const given: number[] = [];
    const give = async (ledger: CounterLedger, count: number) => {
      for (let i = 0; i < count; i += 1) {
        given.push(ledger.nextTrackId());
        if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    for (let run = 0; run < 3; run += 1) {
      isDown = false;
      const ledger = await loaded(store);
      await give(ledger, 10);
      isDown = true;
      // Far more than were promised; then the process dies, and nothing more is written.
      await give(ledger, 6000);
    }
    expect(new Set(given).size).toBe(given.length);
    expect(given.every(Number.isSafeInteger)).toBe(true);
    isDown = false;
    const after = await loaded(store);
    expect(given).not.toContain(after.nextTrackId());
    await after.close();
  });

  it('gives numbers above all earlier ones when the registry cannot tell them', async () => {
    const { registry } = await openRegistry();
    const before = await loaded(registry);
    const earlier = before.nextTrackId();
    await before.close();
    const ledger = await loaded({
      counters: () => Promise.reject(new VedetteError('REGISTRY_UNAVAILABLE', 'away')),
      raiseCounters: (camera, values) => registry.raiseCounters(camera, values),
    });
    const next = ledger.nextTrackId();
    expect(next).toBeGreaterThan(earlier + 1_000_000);
    await ledger.close();
    expect((await loaded(registry)).nextTrackId()).toBeGreaterThan(next);
  });
});
