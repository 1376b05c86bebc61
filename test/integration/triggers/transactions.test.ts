import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { Agent, request as requestHttp } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TriggerStatus } from '../../../component/contract/transaction.ts';
import { startServer, type RunningServer } from '../../support/local-server.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { startRuntime, samplesFolder, type RunningRuntime } from '../../support/real-runtime.ts';

const model = (name: string) => ({ package: join(samplesFolder, 'models', name) });
const triggered = { policy: 'triggered' as const };

const FLOOD = process.env['VEDETTE_DEEP'] === '1' ? 10_000 : 500;

let running: RunningRuntime;
let server: RunningServer;
let broker: MqttBroker;
beforeAll(async () => {
  // What its broker drops of a flood, by default what is beyond a thousand, no receiver can count.
  broker = await MqttBroker.start(undefined, ['max_queued_messages 0']);
  const folder = await mkdtemp(join(tmpdir(), 'vedette-triggers-'));
  const pictures = join(folder, 'pictures');
  for (const name of ['good-00.png', 'defect-00.png']) {
    await cp(join(samplesFolder, 'images', 'brick', name), join(pictures, name));
  }
  const source = { kind: 'folder' as const, path: pictures, framesPerSecond: 25 };
  running = await startRuntime(folder, {
    thing: 'test-station',
    models: { brick: model('brick-anomaly'), coco: model('coco-detector') },
    cameras: {
      line: {
        ...{ ...triggered, source, model: 'brick' },
        trigger: { deadlineMs: 20_000, afterMs: 5000, maxQueued: 4 },
        products: { other: { model: 'coco' } },
        unknownProduct: 'default',
      },
      hasty: { ...triggered, source, model: 'coco', trigger: { deadlineMs: 10, afterMs: 5000 } },
      dead: {
        ...{ ...triggered, model: 'brick' },
        source: { kind: 'folder', path: join(folder, 'absent') },
        trigger: { deadlineMs: 100, failSafe: 'review' },
      },
      free: { source, model: 'brick', isEnabled: false },
      parts: { ...triggered, source: { kind: 'push' }, model: 'brick' },
    },
    delivery: { mqtt: { url: broker.url } },
    outputs: {
      bus: { kind: 'mqtt', topic: 'line/verdict', camera: 'hasty', outcomes: { pass: true } },
    },
    triggers: { belt: { camera: 'line', kind: 'mqtt', topic: 'line/trigger' } },
  });
  server = await startServer(running.runtime);
}, 60_000);
afterAll(async () => {
  await server.close();
  await running.close();
  await broker.close();
});

const trigger = (camera: string, id?: string, context?: Record<string, unknown>) =>
  running.runtime.trigger(camera, {
    source: 'http',
    isPromised: true,
    ...(id === undefined ? {} : { id }),
    ...(context ? { context } : {}),
  });

describe('a camera that waits for triggers', () => {
  it('shows what it sees before any comes', async () => {
    const seen: Uint8Array[] = [];
    const stop = running.runtime.watchCamera('line', (jpeg) => seen.push(jpeg));
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    stop();
    for (const jpeg of seen) expect(jpeg.subarray(0, 2)).toEqual(Uint8Array.of(0xff, 0xd8));
  });
});

describe('a trigger', () => {
  it('gets the verdict on the first frame after it, stored with its id and context', async () => {
    const opened = trigger('line', 'part-1', { partId: 'A-113' });
    const result = await opened.answer;
    expect(result).toMatchObject({
      triggerId: 'part-1',
      context: { partId: 'A-113' },
      transaction: { id: opened.transaction.id, source: 'http', isFailSafe: false },
    });
    expect(Date.parse(result.frame.capturedAt)).toBeGreaterThanOrEqual(
      opened.transaction.openedAtMs - 1,
    );
    expect(result.transaction!.frameDelayMs).toBeGreaterThan(-1);
    expect(result.transaction!.frameDelayMs).toBeLessThan(result.transaction!.elapsedMs);
    expect(await running.runtime.result(result.id)).toEqual(result);
    expect(await running.runtime.transaction(opened.transaction.id)).toMatchObject({
      ...{ end: 'answered', resultId: result.id, outcome: result.verdict.outcome },
    });
  });

  it('chooses by its product what judges the part', async () => {
    const result = await trigger('line', undefined, { product: 'other' }).answer;
    expect(result.model.name).toBe('coco');
    expect(result.product).toEqual({ code: 'other', isKnown: true });
  });

  it('gets the same answer when it is repeated, and opens nothing', async () => {
    const first = trigger('line', 'twice');
    const second = trigger('line', 'twice');
    expect([first.isRepeated, second.isRepeated]).toEqual([false, true]);
    const answers = await Promise.all([
      first.answer,
      second.answer,
      trigger('line', 'twice').answer,
    ]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    // Later it is read from where it is stored.
    expect(await trigger('line', 'twice').answer).toEqual(
      await running.runtime.result(answers[0].id),
    );
    expect(running.runtime.camera('line').triggers).toMatchObject({ repeated: 3 });
  });

  it('is refused by a camera that takes none', () => {
    expect(() => trigger('free')).toThrow(/disabled/);
    expect(() => trigger('parts')).toThrow(/its frames are its triggers/);
    expect(() => trigger('nowhere')).toThrow(/No camera/);
    expect(() => trigger('line', 'x'.repeat(129))).toThrow(/1 to 128 characters/);
  });
});

describe('the fail-safe verdict', () => {
  it('is given in time when the camera is dead, once, and says why', async () => {
    const opened = trigger('dead', 'lost');
    const verdict = await opened.verdict;
    expect(verdict).toMatchObject({
      verdict: { outcome: 'review', rule: 'fail-safe' },
      error: { code: 'TRIGGER_DEADLINE_PASSED' },
      transaction: { isFailSafe: true },
      frame: { sequence: -1 },
    });
    expect(verdict.transaction).not.toHaveProperty('frameDelayMs');
    expect(verdict.verdict.reason).toMatch(/no verdict within 100 ms: no frame .* camera is/);
    await vi.waitFor(async () =>
      expect(await running.runtime.transaction(opened.transaction.id)).toMatchObject({
        ...{ end: 'fail-safe', outcome: 'review', resultId: verdict.id },
      }),
    );
    const stored = await running.runtime.results({ camera: 'dead', limit: 10 });
    expect(stored.items.filter(({ triggerId }) => triggerId === 'lost')).toHaveLength(1);
  });

  it('stands when the model answers later, which is counted', async () => {
    const opened = trigger('hasty', 'slow');
    expect((await opened.verdict).transaction).toMatchObject({ isFailSafe: true });
    // A frame that is there in time, for a model that is not.
    for (let n = 0; running.runtime.camera('hasty').triggers!.late === 0; n += 1) {
      await trigger('hasty', `slow-${n}`).verdict;
    }
    const status = running.runtime.camera('hasty');
    expect(status.triggers).toMatchObject({ answered: 0, open: 0 });
    expect(status.framesDropped.late).toBeGreaterThan(0);
    await vi.waitFor(async () => {
      const { items } = await running.runtime.results({ camera: 'hasty', limit: 1000 });
      expect(items).toHaveLength(running.runtime.camera('hasty').triggers!.failSafe);
      expect(items.every(({ verdict }) => verdict.rule === 'fail-safe')).toBe(true);
      // Nor was an output told more than once of any.
      const records = await running.runtime.outputRecords(undefined, 1000);
      const told = records.filter(({ output }) => output === 'bus').map(({ resultId }) => resultId);
      expect(told.toSorted()).toEqual(items.map(({ id }) => id).toSorted());
    });
  });
});

describe('the answer over HTTP', () => {
  const recordOf = async (id: string) => {
    await vi.waitFor(async () =>
      expect(await running.runtime.outputRecords(id, 10)).toHaveLength(1),
    );
    return (await running.runtime.outputRecords(id, 10))[0]!;
  };

  it('is recorded as what outputs are told, of a trigger and of a picture that is one', async () => {
    const picture = await readFile(join(samplesFolder, 'images', 'brick', 'defect-00.png'));
    for (const [path, body, type] of [
      ['line/trigger', '{"id":"recorded"}', 'application/json'],
      ['parts/frames', picture, 'image/png'],
    ] as const) {
      const response = await fetch(`${server.address}/api/v1/cameras/${path}`, {
        ...{ method: 'POST', body: body as BodyInit, headers: { 'content-type': type } },
      });
      const result = (await response.json()) as { id: string; verdict: { outcome: string } };
      expect(await recordOf(result.id)).toMatchObject({
        ...{ output: 'http answer', resultId: result.id, camera: path.split('/')[0] },
        ...{
          outcome: result.verdict.outcome,
          end: 'acknowledged',
          detail: 'HTTP 200 to 127.0.0.1',
        },
      });
    }
  });

  it('that nobody waits for any more is recorded as given up', async () => {
    const asked = requestHttp(`${server.address}/api/v1/cameras/dead/trigger`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    });
    asked.on('error', () => {}).end('{"id":"left"}');
    await vi.waitFor(() => expect(running.runtime.camera('dead').triggers!.open).toBe(1));
    asked.destroy();
    const { transaction } = trigger('dead', 'left');
    expect(await recordOf(transaction.id)).toMatchObject({
      ...{ output: 'http answer', outcome: 'review', end: 'given-up' },
      detail: 'who asked had gone before the answer',
    });
  });
});

describe('a flood', () => {
  /** What became of triggers since `before`, of which each that was taken has its end in the registry. */
  const since = async (before: TriggerStatus) => {
    await vi.waitFor(() => expect(running.runtime.camera('line').triggers!.open).toBe(0), 20_000);
    const { answered, dropped } = running.runtime.camera('line').triggers!;
    const taken = answered - before.answered;
    await vi.waitFor(async () => {
      const newest = await running.runtime.transactions('line', taken);
      expect(newest.map(({ triggerId }) => triggerId).filter((id) => !/^flood/.test(id))).toEqual(
        [],
      );
      expect(newest.filter(({ end, id, resultId }) => !end || resultId !== id)).toEqual([]);
    }, 20_000);
    return { taken, refused: dropped['queue-full'] - before.dropped['queue-full'] };
  };

  it('is bounded, and each trigger of it is accounted for', async () => {
    const before = running.runtime.camera('line').triggers!;
    const answers: Promise<unknown>[] = [];
    let refused = 0;
    for (let n = 0; n < 10_000; n += 1) {
      try {
        answers.push(trigger('line', `flood-${n}`).answer);
      } catch {
        refused += 1;
      }
    }
    expect(running.runtime.busyReasons()).toContain('a trigger of camera line is open');
    expect(answers).toHaveLength(5);
    await Promise.all(answers);
    expect(await since(before)).toEqual({ taken: 5, refused });
    expect(refused).toBe(9995);
  });

  it('over HTTP has a verdict or a refusal for each trigger, and is counted as that', async () => {
    const before = running.runtime.camera('line').triggers!;
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const ask = (id: string) =>
      new Promise<{ status: number; body: string }>((resolve, reject) => {
        const url = `${server.address}/api/v1/cameras/line/trigger`;
        const headers = { 'content-type': 'application/json' };
        const request = requestHttp(url, { agent, method: 'POST', headers }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => (body += text));
          response.on('end', () => resolve({ status: response.statusCode!, body }));
        });
        request.on('error', reject).end(JSON.stringify({ id }));
      });
    const answers = await Promise.all(
      Array.from({ length: FLOOD }, (_, n) => ask(`flood-http-${n}`)),
    );
    agent.destroy();
    const verdicts = answers.filter(({ status }) => status === 200);
    const refusals = answers.filter(({ status }) => status === 429);
    expect(verdicts.length + refusals.length).toBe(FLOOD);
    expect(refusals.every(({ body }) => body.includes('TRIGGER_DROPPED'))).toBe(true);
    const ids = verdicts.map(({ body }) => (JSON.parse(body) as { id: string }).id);
    expect(new Set(ids).size).toBe(verdicts.length);
    expect(await since(before)).toEqual({ taken: verdicts.length, refused: refusals.length });
  }, 60_000);

  it('over MQTT is taken or refused message by message, and counted as that', async () => {
    const belt = () => running.runtime.triggerSources()[0]!;
    await vi.waitFor(() => expect(belt().state).toBe('listening'), 10_000);
    const before = running.runtime.camera('line').triggers!;
    const client = await broker.client();
    const send = (n: number) =>
      client.publishAsync('line/trigger', `{"id":"flood-mqtt-${n}"}`, { qos: 1 });
    await Promise.all(Array.from({ length: FLOOD }, (_, n) => send(n)));
    await vi.waitFor(() => expect(belt().taken + belt().refused).toBe(FLOOD), 20_000);
    expect(belt().lastRefusal?.code).toBe('TRIGGER_DROPPED');
    const { taken, refused } = belt();
    expect(await since(before)).toEqual({ taken, refused });
  }, 60_000);
});

it('a pushed picture is its own trigger', async () => {
  const picture = await readFile(join(samplesFolder, 'images', 'brick', 'defect-00.png'));
  const data = new Uint8Array(picture);
  const result = await running.runtime.pushFrame('parts', { data, context: { partId: 'B-2' } });
  expect(result).toMatchObject({
    context: { partId: 'B-2' },
    transaction: { source: 'frame', isFailSafe: false },
  });
});

it('every frame of a triggered camera is judged or dropped by reason', async () => {
  await vi.waitFor(() => {
    const { framesDelivered, framesDropped } = running.runtime.camera('line');
    expect(framesDropped['not-triggered']).toBeGreaterThan(0);
    expect(framesDelivered).toBeGreaterThan(framesDropped['not-triggered']!);
  });
  // Those that triggers shared, as of the flood, are counted once; without a frame nothing was judged.
  for (const name of ['line', 'hasty', 'parts']) {
    const { framesDelivered, framesDropped, framesJudged } = running.runtime.camera(name);
    const dropped = Object.values(framesDropped).reduce((sum, count) => sum + count, 0);
    const underWay = framesDelivered - framesJudged - dropped;
    expect([name, underWay >= 0 && underWay <= 8]).toEqual([name, true]);
  }
  expect(running.runtime.camera('dead')).toMatchObject({ framesDelivered: 0, framesJudged: 0 });
});
