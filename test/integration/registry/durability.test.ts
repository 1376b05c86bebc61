import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { DATABASE_NAME } from '../../../component/registry/open-database.ts';
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

describe('results that may wait', () => {
  const rowsOnDisk = (dataFolder: string): unknown => {
    const reader = new SqliteDatabase(join(dataFolder, DATABASE_NAME), { readonly: true });
    try {
      return reader.prepare('SELECT count(*) AS rows FROM results').pluck().get();
    } finally {
      reader.close();
    }
  };

  it('are committed with the next that may not, in the order in which they came', async () => {
    const { store, dataFolder, append } = await openStore();
    const answers: (number | null)[] = [];
    const noted = async (answer: Promise<number | null>) => answers.push(await answer);
    const early = [1, 2, 3].map(() => noted(append(sampleResult(), 'gathered')));
    await nextTurn();
    await nextTurn();
    expect([answers, rowsOnDisk(dataFolder)]).toEqual([[], 0]);
    await noted(append(sampleResult({ outcome: 'fail' }), 'stream'));
    expect(rowsOnDisk(dataFolder)).toBe(4);
    await Promise.all(early);
    expect(answers).toEqual([1, 2, 3, 4]);
    expect(store.db.pragma('synchronous', { simple: true })).toBe(NORMAL);
  });

  it('wait for a bounded number, and not for ever', async () => {
    const { dataFolder, append } = await openStore();
    const many = Array.from({ length: 8 }, () => append(sampleResult(), 'gathered'));
    await nextTurn();
    await nextTurn();
    expect(rowsOnDisk(dataFolder)).toBe(8);
    expect(await Promise.all(many)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await append(sampleResult(), 'gathered')).toBe(9);
  });

  it('are committed at the end', async () => {
    const { store, dataFolder, append } = await openStore();
    const waiting = append(sampleResult(), 'gathered');
    await store.close();
    expect([await waiting, rowsOnDisk(dataFolder)]).toEqual([1, 1]);
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
