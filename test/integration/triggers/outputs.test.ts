import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { samplesFolder, startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';
import { connectAsync, type MqttClient } from 'mqtt';

interface Received {
  readonly key: string;
  readonly signature: string;
  readonly body: string;
}

let running: RunningRuntime;
let broker: MqttBroker;
let client: MqttClient;
let receiver: Server;
let silent: Server;
const received: Received[] = [];
const messages: Record<string, unknown>[] = [];
/** Requests that the receiver refuses before it takes any. */
let refusals = 0;

const listening = (server: Server) =>
  new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      if (refusals > 0) {
        refusals -= 1;
        response.writeHead(503).end();
        return;
      }
      const key = String(request.headers['idempotency-key']);
      received.push({ key, signature: String(request.headers['vedette-signature']), body });
      response.writeHead(204).end();
    });
  });
  silent = createServer(() => {});
  const [port, silentPort] = await Promise.all([listening(receiver), listening(silent)]);
  broker = await MqttBroker.start();
  client = await connectAsync(broker.url);
  await client.subscribeAsync('line/verdict', { qos: 1 });
  client.on('message', (_topic, payload) => messages.push(JSON.parse(payload.toString())));
  const folder = await mkdtemp(join(tmpdir(), 'vedette-outputs-'));
  const pictures = join(folder, 'pictures');
  await cp(join(samplesFolder, 'images', 'brick', 'defect-00.png'), join(pictures, 'a.png'));
  running = await startRuntime(folder, {
    models: { brick: { package: join(samplesFolder, 'models', 'brick-anomaly') } },
    cameras: {
      line: {
        policy: 'triggered',
        source: { kind: 'folder', path: pictures, framesPerSecond: 25 },
        model: 'brick',
        trigger: { deadlineMs: 20_000, afterMs: 5000 },
      },
    },
    rules: { surface: { camera: 'line', kind: 'anomaly' } },
    delivery: { mqtt: { url: broker.url } },
    triggers: { belt: { camera: 'line', kind: 'mqtt', topic: 'line/trigger' } },
    outputs: {
      hook: { kind: 'webhook', url: `http://127.0.0.1:${port}/v`, secret: { env: 'KEY' } },
      deaf: {
        ...{ kind: 'webhook', url: `http://127.0.0.1:${silentPort}/v` },
        ...{ maxQueued: 2, timeoutMs: 1000, giveUpAfterMs: 1000 },
      },
      passes: {
        ...{ kind: 'webhook', url: `http://127.0.0.1:${port}/never` },
        outcomes: { pass: true, fail: false, review: false, error: false },
      },
      bus: { kind: 'mqtt', topic: 'line/verdict' },
    },
  });
}, 60_000);
afterAll(async () => {
  await running.close();
  await client.endAsync();
  await broker.close();
  for (const server of [receiver, silent]) {
    server.closeAllConnections();
    server.close();
  }
});

const status = (name: string) => running.runtime.outputs().find((one) => one.name === name)!;

describe('a trigger over MQTT', () => {
  it('is answered over MQTT and by a signed webhook, each of which is recorded', async () => {
    // The subscription may come after the runtime's start.
    await vi.waitFor(async () => {
      await client.publishAsync('line/trigger', '{"id":"p-1","context":{"partId":"A"}}', {
        qos: 1,
      });
      expect(running.runtime.camera('line').triggers!.answered).toBe(1);
    }, 10_000);
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);
    expect(messages[0]).toMatchObject({
      ...{ triggerId: 'p-1', context: { partId: 'A' }, outcome: 'fail' },
      transaction: { source: 'belt', isFailSafe: false },
    });
    await vi.waitFor(() => expect(received).toHaveLength(1), 10_000);
    const [{ key, signature, body }] = received as [Received];
    const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
    expect(mac).toBe(createHmac('sha256', '').update(`${seconds}.${body}`).digest('hex'));
    expect(JSON.parse(body)).toMatchObject({ id: key, outcome: 'fail' });
    await vi.waitFor(async () => {
      const records = await running.runtime.outputRecords(key, 10);
      const ends = records.map(({ output, end }) => `${output} ${end}`);
      expect(ends).toEqual(expect.arrayContaining(['hook acknowledged', 'bus acknowledged']));
    });
  });

  it('does not begin by what is no trigger: too large, no JSON, unknown parts', async () => {
    const before = running.runtime.camera('line').triggers!;
    for (const bad of ['x'.repeat(100_000), '{', '[]', '{"part":1}', '{"id":""}']) {
      await client.publishAsync('line/trigger', bad, { qos: 1 });
    }
    await client.publishAsync('line/trigger', '{"id":"p-2"}', { qos: 1 });
    await vi.waitFor(
      () => expect(running.runtime.camera('line').triggers!.answered).toBe(before.answered + 1),
      10_000,
    );
  });
});

describe('a webhook', () => {
  it('is tried again until it is taken, with the same key', async () => {
    // What was told before has no part in this.
    await vi.waitFor(() => expect(status('hook').waiting).toBe(0), 10_000);
    refusals = 2;
    const { id } = await running.runtime.trigger('line', { source: 'http' }).answer;
    await vi.waitFor(() => expect(received.at(-1)!.key).toBe(id), 10_000);
    await vi.waitFor(async () => {
      const records = await running.runtime.outputRecords(id, 10);
      expect(records.find(({ output }) => output === 'hook')).toMatchObject({ attempts: 3 });
    });
  });

  it('that never answers delays no verdict, and what it does not take is counted', async () => {
    for (let n = 0; n < 6; n += 1) {
      await running.runtime.trigger('line', { source: 'http' }).answer;
    }
    await vi.waitFor(() => expect(status('deaf').givenUp).toBeGreaterThanOrEqual(3), 15_000);
    expect(status('deaf')).toMatchObject({ acknowledged: 0 });
    expect(status('passes')).toMatchObject({ acknowledged: 0, givenUp: 0, waiting: 0 });
  }, 30_000);
});
