import { describe, expect, it } from 'vitest';
import { openStore } from './open-store.ts';
import { sampleResult } from './sample-result.ts';

const NORMAL = 1;
const FULL = 2;

describe('the connection', () => {
  it('writes ahead, checks references and waits for a lock', async () => {
    const { store } = await openStore();
    const pragma = (name: string) => store.db.pragma(name, { simple: true });
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('foreign_keys')).toBe(1);
    expect(pragma('busy_timeout')).toBe(2000);
    expect(pragma('auto_vacuum')).toBe(2);
  });

  it('syncs a group that holds a promised result, and only such a group', async () => {
    const { store, append } = await openStore();
    const synchronous = () => store.db.pragma('synchronous', { simple: true });
    await append(sampleResult(), 'stream');
    expect(synchronous()).toBe(NORMAL);
    await append(sampleResult(), 'promised');
    expect(synchronous()).toBe(FULL);
    await Promise.all([append(sampleResult(), 'stream'), append(sampleResult(), 'stream')]);
    expect(synchronous()).toBe(NORMAL);
    await Promise.all([append(sampleResult(), 'stream'), append(sampleResult(), 'promised')]);
    expect(synchronous()).toBe(FULL);
  });

  it('syncs models, cameras and probes', async () => {
    const { store, append } = await openStore();
    const synchronous = () => store.db.pragma('synchronous', { simple: true });
    const identity = { sha256: 'a'.repeat(64), variant: 'fp32' };
    for (const write of [
      () => store.upsertCamera('walkway', '{}'),
      () => store.upsertModel({ ...identity, name: 'm', version: '1.0.0', manifest: '{}' }),
      () =>
        store.recordProbe({ fingerprint: 'f'.repeat(64), runtimeVersion: '1.30.0', probedAtMs: 1 }),
    ]) {
      await append(sampleResult(), 'stream');
      expect(synchronous()).toBe(NORMAL);
      write();
      expect(synchronous()).toBe(FULL);
    }
  });
});

it('a result that does not fit is refused alone, its group is stored', async () => {
  const { store, append } = await openStore();
  const bad = sampleResult();
  const settled = await Promise.allSettled([
    append(sampleResult(), 'stream'),
    append({ ...bad, verdict: { ...bad.verdict, outcome: 'maybe' as 'pass' } }, 'stream'),
    append(sampleResult(), 'stream'),
  ]);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(store.statistics().results).toBe(2);
});
