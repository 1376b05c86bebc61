import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { ResultQuery } from '../../../component/contract/ports.ts';
import type { Registry } from '../../../component/registry/registry.ts';
import { openStore } from './open-store.ts';
import { sampleResult } from './sample-result.ts';
import { everyResult, openRegistry } from './temporary-registry.ts';

const stream = { durability: 'stream' } as const;
const promised = { durability: 'promised' } as const;

async function idsOf(registry: Registry, query: Omit<ResultQuery, 'limit'>): Promise<string[]> {
  return (await everyResult(registry, query)).map(({ id }) => id);
}

describe('results', () => {
  it('are numbered per camera from 1 without gaps, in the order in which they were sent', async () => {
    const { registry } = await openRegistry();
    const stored = await Promise.all(
      Array.from({ length: 700 }, (_, index) =>
        registry.appendResult(
          sampleResult({ camera: index % 2 === 0 ? 'even' : 'odd' }),
          index % 50 === 0 ? promised : stream,
        ),
      ),
    );
    const expected = Array.from({ length: 350 }, (_, index) => index + 1);
    const numbers = (camera: string) =>
      stored.filter((result) => result.camera === camera).map((result) => result.cameraSequence);
    expect(numbers('even')).toEqual(expected);
    expect(numbers('odd')).toEqual(expected);
  });

  it('come back as they were, with their number; those over HTTP have none', async () => {
    const { registry } = await openRegistry();
    const fromCamera = sampleResult({ labels: ['person', 'bicycle'] });
    const overHttp = { ...sampleResult({ camera: undefined }), context: { partId: 'A-113' } };
    await registry.appendResult(fromCamera, stream);
    expect(await registry.appendResult(overHttp, promised)).toEqual(overHttp);
    expect(await registry.result(fromCamera.id)).toEqual({ ...fromCamera, cameraSequence: 1 });
    expect(await registry.result(overHttp.id)).toEqual(overHttp);
  });

  it('keep their number when they are sent again after a lost answer', async () => {
    const { registry } = await openRegistry();
    const result = sampleResult();
    const first = await registry.appendResult(result, stream);
    const second = await registry.appendResult(sampleResult(), stream);
    const again = await registry.appendResult(result, promised);
    expect([first, second, again].map((stored) => stored.cameraSequence)).toEqual([1, 2, 1]);
    expect((await registry.statistics()).results).toBe(2);
  });

  it('go on counting after a restart', async () => {
    const { registry, dataFolder } = await openRegistry();
    await registry.appendResult(sampleResult(), stream);
    await registry.close();
    const { registry: reopened } = await openRegistry(dataFolder);
    const next = await reopened.appendResult(sampleResult(), stream);
    expect(next.cameraSequence).toBe(2);
  });

  it('are found by camera, model, label, outcome and time, newest first', async () => {
    const { registry } = await openRegistry();
    const samples = [
      { camera: 'a', model: 'm', outcome: 'pass', labels: ['x'], capturedAtMs: 1000 },
      { camera: 'a', model: 'm', outcome: 'fail', labels: ['x', 'y'], capturedAtMs: 2000 },
      { camera: 'b', model: 'm', outcome: 'fail', labels: ['y', 'y'], capturedAtMs: 3000 },
      { camera: undefined, model: 'n', outcome: 'review', labels: [], capturedAtMs: 4000 },
      { camera: 'a', model: 'n', outcome: 'fail', labels: ['y'], capturedAtMs: 5000 },
    ] as const;
    const results = samples.map((sample) => sampleResult(sample));
    for (const result of results) await registry.appendResult(result, stream);
    const at = (...indexes: number[]) => indexes.map((index) => results[index]?.id);

    expect(await idsOf(registry, {})).toEqual(at(4, 3, 2, 1, 0));
    expect(await idsOf(registry, { camera: 'a' })).toEqual(at(4, 1, 0));
    expect(await idsOf(registry, { camera: 'a', outcome: 'fail' })).toEqual(at(4, 1));
    expect(await idsOf(registry, { camera: 'a', model: 'm' })).toEqual(at(1, 0));
    expect(await idsOf(registry, { model: 'n' })).toEqual(at(4, 3));
    expect(await idsOf(registry, { model: 'm', outcome: 'fail' })).toEqual(at(2, 1));
    expect(await idsOf(registry, { outcome: 'review' })).toEqual(at(3));
    expect(await idsOf(registry, { label: 'y' })).toEqual(at(4, 2, 1));
    expect(await idsOf(registry, { label: 'y', camera: 'a', model: 'm' })).toEqual(at(1));
    expect(
      await idsOf(registry, { label: 'y', outcome: 'fail', fromMs: 2000, toMs: 5000 }),
    ).toEqual(at(2, 1));
    expect(await idsOf(registry, { fromMs: 2000, toMs: 4000 })).toEqual(at(2, 1));
    expect(await idsOf(registry, { camera: 'nobody' })).toEqual([]);
  });

  it.each([{}, { camera: 'walkway' }, { label: 'person' }])(
    'are paged without repeating or losing any while others come in (%o)',
    async (filter) => {
      const { registry } = await openRegistry();
      const capturedAtMs = Date.now();
      const before: string[] = [];
      for (let index = 0; index < 25; index += 1) {
        // Several share a time, so that the time alone cannot be the cursor.
        const result = sampleResult({ capturedAtMs: capturedAtMs + Math.floor(index / 3) });
        before.unshift((await registry.appendResult(result, stream)).id);
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await registry.results({ ...filter, limit: 4, ...(cursor ? { cursor } : {}) });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
        const newer = sampleResult({ capturedAtMs: capturedAtMs + 60_000 });
        await registry.appendResult(newer, stream);
      } while (cursor !== undefined);
      expect(seen).toEqual(before);
    },
  );

  it('make a page end early when they are large, with a cursor; a larger one comes alone', async () => {
    const { registry } = await openRegistry();
    for (let index = 0; index < 5; index += 1) {
      await registry.appendResult(sampleResult({ reason: 'x'.repeat(40_000) }), stream);
    }
    const first = await registry.results({ limit: 100 });
    expect(first.items).toHaveLength(3);
    const second = await registry.results({ limit: 100, cursor: first.nextCursor ?? '' });
    expect(second.items).toHaveLength(2);
    expect(second.nextCursor).toBeUndefined();
    await registry.appendResult(sampleResult({ reason: 'x'.repeat(300_000) }), stream);
    expect((await registry.results({ limit: 100 })).items).toHaveLength(1);
  });

  it('name their capture only while it exists', async () => {
    const { registry } = await openRegistry();
    const captureId = uuidv7();
    const result = sampleResult({ captureId });
    await registry.appendResult(result, stream);
    expect((await registry.result(result.id)).captureId).toBeUndefined();
    const capture = {
      id: captureId,
      resultId: result.id,
      camera: 'walkway',
      capturedAtMs: 1000,
      imagePath: `walkway/1970/01/01/${captureId}.jpg`,
      byteLength: 10,
      rule: 'all',
      outcome: 'pass',
    } as const;
    await registry.appendCapture(capture, 20);
    expect((await registry.result(result.id)).captureId).toBe(captureId);
    expect(await registry.capture(captureId)).toEqual(capture);
    expect((await registry.results({ limit: 1 })).items[0]?.captureId).toBe(captureId);
  });
});

describe('calls that cannot be answered', () => {
  it.each([
    [{ limit: 0 }, /limit.*1 to 1000.*0/],
    [{ limit: 1001 }, /limit.*1 to 1000.*1001/],
    [{ limit: 1, cursor: 'nonsense' }, /cursor.*nonsense/],
  ])('say what was expected of %o', async (query, message) => {
    const { registry } = await openRegistry();
    await expect(registry.results(query)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });

  it('name the result or capture that is not there', async () => {
    const { registry } = await openRegistry();
    await expect(registry.result('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(registry.capture('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuse reads beyond a bound and go on afterwards', async () => {
    const { registry } = await openRegistry();
    const reads = Array.from({ length: 100 }, () => registry.results({ limit: 1 }));
    const settled = await Promise.allSettled(reads);
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(36);
    expect(refused[0]).toMatchObject({ reason: { code: 'OVERLOADED' } });
    await expect(registry.results({ limit: 1 })).resolves.toEqual({ items: [] });
  });

  it('refuse a capture that leads out of its folder', async () => {
    const { registry } = await openRegistry();
    const capture = {
      id: uuidv7(),
      resultId: 'r',
      camera: 'walkway',
      capturedAtMs: 1,
      imagePath: '../../etc/passwd',
      byteLength: 1,
      rule: 'all',
      outcome: 'pass',
    } as const;
    await expect(registry.appendCapture(capture, 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('closing', () => {
  it('finishes what was asked before, refuses what comes after, and leaves no log behind', async () => {
    const { registry, dataFolder } = await openRegistry();
    const pending = Array.from({ length: 1500 }, () =>
      registry.appendResult(sampleResult(), stream),
    );
    const closed = registry.close();
    await expect(registry.appendResult(sampleResult(), stream)).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
    await closed;
    const stored = await Promise.all(pending);
    expect(stored.at(-1)?.cameraSequence).toBe(1500);
    const { registry: reopened } = await openRegistry(dataFolder);
    expect((await reopened.statistics()).results).toBe(1500);
  });

  it('may be asked twice', async () => {
    const { registry } = await openRegistry();
    await Promise.all([registry.close(), registry.close()]);
  });
});

describe('models and cameras', () => {
  const model = {
    name: 'coco-detector',
    version: '1.0.0',
    sha256: 'b'.repeat(64),
    variant: 'fp32',
    manifest: '{}',
  };

  it('trusts exactly the package and ONNX Runtime that passed the probe, over restarts', async () => {
    const { registry, dataFolder } = await openRegistry();
    const fingerprint = 'f'.repeat(64);
    expect(await registry.hasPassedProbe(fingerprint, '1.30.0')).toBe(false);
    await registry.recordProbe({ fingerprint, runtimeVersion: '1.30.0', probedAtMs: 12_345 });
    await registry.close();
    const { registry: reopened } = await openRegistry(dataFolder);
    expect(await reopened.hasPassedProbe(fingerprint, '1.30.0')).toBe(true);
    expect(await reopened.hasPassedProbe(fingerprint, '1.31.0')).toBe(false);
    expect(await reopened.hasPassedProbe('c'.repeat(64), '1.30.0')).toBe(false);
  });

  it('keeps each version of a model and the newest configuration of a camera', async () => {
    const { store, append } = await openStore();
    store.upsertModel(model);
    store.upsertModel({ ...model, version: '1.1.0', sha256: 'd'.repeat(64) });
    store.upsertModel({ ...model, manifest: '{"v":2}' });
    const models = store.db.prepare('SELECT version, manifest FROM models ORDER BY version');
    expect(models.all()).toEqual([
      { version: '1.0.0', manifest: '{"v":2}' },
      { version: '1.1.0', manifest: '{}' },
    ]);
    store.upsertCamera('walkway', '{"v":1}');
    await append(sampleResult(), 'stream');
    store.upsertCamera('walkway', '{"v":2}');
    const cameras = store.db.prepare('SELECT name, config, last_sequence FROM cameras');
    expect(cameras.all()).toEqual([{ name: 'walkway', config: '{"v":2}', last_sequence: 1 }]);
  });
});

describe('counters of a camera', () => {
  it('come back after a restart, each camera its own', async () => {
    const { registry, dataFolder } = await openRegistry();
    await registry.raiseCounters('dock', { track: 200, 'line/gate/forward': 7 });
    await registry.raiseCounters('gate', { track: 100 });
    await registry.close();
    const { registry: reopened } = await openRegistry(dataFolder);
    expect(await reopened.counters('dock')).toEqual({ track: 200, 'line/gate/forward': 7 });
    expect(await reopened.counters('gate')).toEqual({ track: 100 });
    expect(await reopened.counters('none')).toEqual({});
  });

  it('never go back', async () => {
    const { registry } = await openRegistry();
    await registry.raiseCounters('dock', { track: 200 });
    await registry.raiseCounters('dock', { track: 150, other: 1 });
    expect(await registry.counters('dock')).toEqual({ track: 200, other: 1 });
  });
});
