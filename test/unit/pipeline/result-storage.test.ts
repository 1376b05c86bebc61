import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NewResult } from '../../../component/contract/ports.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { ResultStorage, type ResultRecord } from '../../../component/pipeline/result-storage.ts';

const MEBIBYTE = 1024 * 1024;

/** A storage before a registry that answers nothing until `answer` is called. */
function open(mayWait = false) {
  const answering = Promise.withResolvers<void>();
  const stop = new AbortController();
  const stored: string[] = [];
  const captured: string[] = [];
  const told: string[] = [];
  const codes: string[] = [];
  const counts = { notStored: 0, failed: 0 };
  const logger = pino(
    { level: 'warn' },
    { write: (line) => codes.push(/"code":"(\w+)"/.exec(line)?.[1] ?? '') },
  );
  const storage = new ResultStorage({
    camera: 'line',
    registry: {
      appendResult: async (result) => {
        await answering.promise;
        stored.push(result.id);
        return { ...result, cameraSequence: stored.length };
      },
    },
    captureStore: {
      save: async ({ id, result, camera, capturedAtMs, rule }) => {
        captured.push(result.id);
        const { outcome } = result.verdict;
        return {
          id,
          resultId: result.id,
          camera,
          capturedAtMs,
          rule,
          outcome,
          imagePath: '',
          byteLength: 1,
        };
      },
    },
    driver: {},
    snapshots: { settle: () => {} },
    metrics: {
      countNotStored: () => (counts.notStored += 1),
      countCapture: (_camera, outcome) => (counts.failed += outcome === 'failed' ? 1 : 0),
    },
    faults: new FaultLog(logger),
    onStored: (id) => told.push(`${id} stored`),
    onNotStored: (id) => told.push(`${id} not stored`),
    mayWait,
    signal: stop.signal,
  });
  return { storage, answer: answering.resolve, stop, stored, captured, told, codes, counts };
}

function record(id: string, pictureBytes?: number): ResultRecord {
  const result = { id, verdict: { outcome: 'fail', reason: '' } } as NewResult;
  const judged = { frame: { sequence: 0, capturedAtMs: 0 }, result, end: 'judged' as const };
  if (pictureBytes === undefined) return { judged };
  const bytes = new Uint8Array(pictureBytes);
  const encoded = Promise.resolve({ bytes, format: 'jpeg' as const });
  return {
    judged,
    picture: { captureId: `capture of ${id}`, capturedAtMs: 0, rule: 'fails', encoded },
  };
}

/** What a promise comes to, though it may take its time. */
async function later<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => (isSettled = true);
  promise.then(settle, settle);
  await vi.advanceTimersByTimeAsync(0);
  while (!isSettled) await vi.advanceTimersByTimeAsync(100);
  return promise;
}

describe('ResultStorage', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('gives results without their numbers while the disk hangs, and stores them later', async () => {
    const { storage, answer, stored, told, counts, codes } = open();
    for (const id of ['a', 'b', 'c']) {
      const kept = (await later(storage.store(record(id), 'stream'))) as InferenceResult;
      expect(kept).toMatchObject({ id });
      expect(kept.cameraSequence).toBeUndefined();
    }
    expect([stored, told]).toEqual([[], []]);
    answer();
    await later(storage.ended());
    expect(stored).toEqual(['a', 'b', 'c']);
    expect(told).toEqual(['a stored', 'b stored', 'c stored']);
    expect(await later(storage.store(record('d'), 'stream'))).toMatchObject({ cameraSequence: 4 });
    expect(counts).toEqual({ notStored: 0, failed: 0 });
    expect(codes).toEqual(['REGISTRY_UNAVAILABLE']);
  });

  it('keeps pictures as long as there is room for them, and counts the others', async () => {
    const { storage, answer, stored, captured, counts, codes } = open();
    // The first is under way, eight more fit.
    for (let n = 0; n < 12; n += 1) {
      await later(storage.store(record(`part-${n}`, 4 * MEBIBYTE), 'stream'));
    }
    answer();
    await later(storage.ended());
    expect(stored).toHaveLength(12);
    expect(captured).toEqual(Array.from({ length: 9 }, (_, n) => `part-${n}`));
    expect(counts).toEqual({ notStored: 0, failed: 3 });
    expect(codes).toEqual(['REGISTRY_UNAVAILABLE', 'OVERLOADED']);
    // What was stored has given its room back.
    await later(storage.store(record('later', 4 * MEBIBYTE), 'stream'));
    expect(captured).toContain('later');
  });

  it('counts results that it has no memory for', async () => {
    const { storage, answer, stored, told, counts } = open();
    for (let n = 0; n < 2101; n += 1) await later(storage.store(record(`part-${n}`), 'stream'));
    answer();
    await later(storage.ended());
    expect(counts.notStored).toBe(100);
    expect(stored).toHaveLength(2001);
    expect(new Set(stored).size).toBe(2001);
    expect(told.filter((one) => one.endsWith('not stored'))).toHaveLength(100);
    expect(new Set(told).size).toBe(2101);
  });

  it('tells who was promised a stored result that the disk has not taken it', async () => {
    const { storage, answer, stored, counts } = open();
    const kept = await later(storage.store(record('pushed'), 'promised'));
    expect(kept).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(stored).toEqual([]);
    answer();
    await later(storage.ended());
    expect(stored).toEqual(['pushed']);
    expect(counts.notStored).toBe(0);
  });

  it('a source that can wait does, however long', async () => {
    const { storage, answer, stored } = open(true);
    const keeping = storage.store(record('file'), 'stream');
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(stored).toEqual([]);
    answer();
    expect(await keeping).toMatchObject({ id: 'file', cameraSequence: 1 });
    expect(stored).toEqual(['file']);
  });
});
