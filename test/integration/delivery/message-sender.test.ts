import { afterEach, describe, expect, test } from 'vitest';
import { Acknowledgements } from '../../../component/delivery/acknowledgements.ts';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { IpcChannel } from '../../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { Receiver, upTo } from '../../support/delivery-parts.ts';
import {
  openDeliveringDevice,
  waiting,
  type DeviceOptions,
} from '../../support/delivering-device.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const openDevice = (...options: DeviceOptions) => openDeliveringDevice(closing, ...options);

async function openNucleus(): Promise<{ nucleus: EmulatedNucleus; channel: IpcChannel }> {
  const nucleus = await EmulatedNucleus.start(LITE);
  closing.push(() => nucleus.close());
  const channel = new IpcChannel();
  await attach(channel, nucleus);
  return { nucleus, channel };
}

async function attach(channel: IpcChannel, nucleus: EmulatedNucleus): Promise<void> {
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const connection = await IpcConnection.open(address);
  closing.push(() => connection.close());
  await channel.attach(connection);
}

/** Everything that the nucleus took and did not lose. */
function received(nucleus: EmulatedNucleus): Receiver {
  const receiver = new Receiver();
  for (const { payload } of nucleus.published) receiver.receive(payload);
  return receiver;
}

describe('messages through nucleus lite', () => {
  test('leave in the order of each camera, under its topic, numbered without a gap', async () => {
    const { nucleus, channel } = await openNucleus();
    const device = await openDevice(channel);
    for (const count of upTo(30)) {
      await device.append({ camera: count % 2 === 0 ? 'dock' : 'gate' });
    }
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(30);
    const receiver = received(nucleus);
    for (const camera of ['dock', 'gate']) {
      const messages = receiver.of(camera);
      expect(messages.map(({ sequence }) => sequence)).toEqual(upTo(15));
      expect(messages.map((one) => one.kind === 'result' && one.result.cameraSequence)).toEqual(
        upTo(15),
      );
    }
    const topics = new Set(nucleus.published.map(({ topicName }) => topicName));
    expect([...topics].sort()).toEqual([
      'vedette/station-7/dock/result',
      'vedette/station-7/gate/result',
    ]);
  });

  test('by default are fails, reviews and errors, and a count of all; results over HTTP stay', async () => {
    const { nucleus, channel } = await openNucleus();
    const device = await openDevice(channel, { results: 'notable', cameras: { gate: 'none' } });
    for (const outcome of ['pass', 'fail', 'pass', 'review', 'error'] as const) {
      await device.append({ camera: 'dock', outcome });
      await device.append({ camera: 'gate', outcome });
      await device.append({ camera: undefined, outcome });
    }
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(3);
    const outcomes = received(nucleus)
      .of('dock')
      .map((one) => one.kind === 'result' && one.result.verdict.outcome);
    expect(outcomes).toEqual(['fail', 'review', 'error']);
  });

  test('that were accepted and lost come again after a disconnection, as far back as a queue can reach', async () => {
    const { nucleus, channel } = await openNucleus();
    const device = await openDevice(channel);
    for (const _ of upTo(20)) await device.append({ camera: 'dock' });
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(20);
    nucleus.losesNext = 10;
    for (const _ of upTo(10)) await device.append({ camera: 'dock' });
    await expect.poll(() => nucleus.lost.length, { timeout: 10_000 }).toBe(10);
    nucleus.dropConnections();
    await expect.poll(() => channel.isConnected).toBe(false);
    await attach(channel, nucleus);
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(30);
    expect(received(nucleus).sequences('dock')).toEqual(upTo(30));
    expect(Math.max(...received(nucleus).copies.values())).toBe(1);
  });

  test('that may still be in a queue come once more from a process that starts again, others never', async () => {
    const { nucleus, channel } = await openNucleus();
    const folder = await temporaryFolder();
    const device = await openDevice(channel, {}, folder);
    for (const _ of upTo(40)) await device.append({ camera: 'dock' });
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(40);
    await device.close();
    const again = await openDevice(channel, {}, folder);
    expect(await waiting(again)).toBe(10);
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(50);
    await again.append({ camera: 'dock' });
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(51);
    const { copies } = received(nucleus);
    expect([...copies.values()]).toEqual([...upTo(30).map(() => 1), ...upTo(10).map(() => 2), 1]);
  });

  test('a topic that is refused holds up nobody else, and goes on when it is allowed', async () => {
    const { nucleus, channel } = await openNucleus();
    const device = await openDevice(channel);
    nucleus.forbidden.add('vedette/station-7/dock/result');
    for (const _ of upTo(12)) {
      await device.append({ camera: 'dock' });
      await device.append({ camera: 'gate' });
    }
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(12);
    expect(received(nucleus).sequences('gate')).toEqual(upTo(12));
    await expect
      .poll(() => Object.keys(device.sender.statistics.refusedTopics))
      .toEqual(['vedette/station-7/dock/result']);
    nucleus.forbidden.clear();
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(24);
    expect(
      received(nucleus)
        .of('dock')
        .map(({ sequence }) => sequence),
    ).toEqual(upTo(12));
    expect(device.sender.statistics.refusedTopics).toEqual({});
  });

  test('a full queue is waited for: nothing is lost, nothing twice', async () => {
    const { nucleus, channel } = await openNucleus();
    const device = await openDevice(channel);
    nucleus.holdsAcknowledgements = true;
    for (const _ of upTo(25)) await device.append({ camera: 'dock' });
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(10);
    nucleus.acknowledge();
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(20);
    nucleus.acknowledge();
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(25);
    const receiver = received(nucleus);
    expect(receiver.of('dock').map(({ sequence }) => sequence)).toEqual(upTo(25));
    expect(Math.max(...receiver.copies.values())).toBe(1);
  });

  test('alarms overtake everything else, and alarms of now overtake those of an outage', async () => {
    const nucleus = await EmulatedNucleus.start(LITE);
    closing.push(() => nucleus.close());
    const channel = new IpcChannel();
    const device = await openDevice(channel);
    for (const _ of upTo(300)) {
      await device.append({ camera: 'dock' });
      await device.append({ camera: 'dock', outcome: 'fail' });
    }
    await attach(channel, nucleus);
    await expect.poll(() => nucleus.published.length).toBeGreaterThan(0);
    await device.append({ camera: 'dock', outcome: 'review' });
    await expect.poll(() => nucleus.published.length, { timeout: 20_000 }).toBe(601);
    const outcomes = received(nucleus)
      .of('dock')
      .map((one) => (one.kind === 'result' ? one.result.verdict.outcome : one.kind));
    const last = (outcome: (typeof outcomes)[number]) => outcomes.lastIndexOf(outcome);
    expect(outcomes.indexOf('review')).toBeLessThan(last('fail'));
    // One that the nucleus was too busy for comes behind what was under way with it.
    expect(last('fail')).toBeLessThan(outcomes.indexOf('pass') + 10);
    expect(received(nucleus).sequences('dock')).toEqual(upTo(601));
  });

  test('a result that is too large goes in numbered parts and is whole again', async () => {
    const { nucleus, channel } = await openNucleus();
    const device = await openDevice(channel);
    const labels = upTo(400).map((count) => `person “${count}”`);
    await device.append({ camera: 'dock', labels });
    await device.append({ camera: 'dock' });
    await expect.poll(() => received(nucleus).messages.size, { timeout: 10_000 }).toBe(2);
    expect(nucleus.published.length).toBeGreaterThan(5);
    expect(Math.max(...nucleus.published.map(({ payload }) => payload.length))).toBeLessThan(7001);
    const [first] = received(nucleus).of('dock');
    expect(first?.kind === 'result' && first.result.detections?.map(({ label }) => label)).toEqual(
      labels,
    );
  });

  test('messages that are too old are passed by, counted and told', async () => {
    const { nucleus, channel } = await openNucleus();
    nucleus.dropConnections();
    await expect.poll(() => channel.isConnected).toBe(false);
    const device = await openDevice(channel, { timeToLiveMs: 1 });
    for (const _ of upTo(5)) await device.append({ camera: 'dock' });
    await expect
      .poll(async () => (await device.registry.outboxStatistics()).oldestAgeMs)
      .toBeGreaterThan(50);
    await attach(channel, nucleus);
    await expect
      .poll(async () => (await device.registry.outboxStatistics()).givenUp.expired, {
        timeout: 10_000,
      })
      .toBe(5);
    // Only what says so is left, which is never too old itself.
    await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const told = [...received(nucleus).messages.values()].map((one) =>
      one.kind === 'given-up' ? one.givenUp : one.kind,
    );
    const all = { reason: 'expired', firstSequence: 1, lastSequence: 5, messages: 5 };
    expect(told).toEqual([all]);
  });
});

describe('messages to a broker', () => {
  async function openBroker() {
    const broker = await MqttBroker.start();
    closing.push(() => broker.close());
    const receiver = new Receiver();
    const cloud = await broker.client();
    cloud.on('message', (_topic, payload) => receiver.receive(payload));
    await cloud.subscribeAsync('vedette/+/+/result', { qos: 1 });
    const channel = await MqttChannel.open({
      url: broker.url,
      clientId: 'station-7',
      onFault: () => undefined,
    });
    closing.push(() => channel.close());
    return { broker, receiver, cloud, channel };
  }

  test('arrive once each, leave the outbox when the broker has them, and wait while it is away', async () => {
    const { broker, receiver, cloud, channel } = await openBroker();
    const device = await openDevice(channel);
    for (const _ of upTo(100)) await device.append({ camera: 'dock' });
    await expect.poll(() => receiver.messages.size, { timeout: 20_000 }).toBe(100);
    await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
    await broker.interrupt();
    await expect.poll(() => channel.isConnected, { timeout: 10_000 }).toBe(false);
    for (const _ of upTo(100)) await device.append({ camera: 'dock' });
    await broker.resume();
    await expect.poll(() => cloud.connected, { timeout: 10_000 }).toBe(true);
    await expect.poll(() => receiver.messages.size, { timeout: 20_000 }).toBe(200);
    expect(receiver.of('dock').map(({ sequence }) => sequence)).toEqual(upTo(200));
    await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
  });

  test('stay in the outbox until a receiver confirms them, and come again when it does not', async () => {
    const { receiver, cloud, channel } = await openBroker();
    const device = await openDevice(channel, { hasAcknowledgements: true });
    const topic = 'vedette/station-7/acknowledge';
    const acknowledgements = new Acknowledgements({
      topic,
      channel,
      sender: device.sender,
      registry: device.registry,
      faults: { warn: () => undefined },
      firstPatienceMs: 300,
    });
    await acknowledgements.start();
    closing.push(() => acknowledgements.close());
    for (const _ of upTo(20)) await device.append({ camera: 'dock' });
    await expect.poll(() => receiver.messages.size, { timeout: 10_000 }).toBe(20);
    await cloud.publishAsync(topic, 'no JSON');
    await cloud.publishAsync(topic, JSON.stringify({ camera: 'dock', sequence: 15 }));
    await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(5);
    const ids = receiver.of('dock').map(({ id }) => id);
    await expect
      .poll(() => ids.slice(15).every((id) => receiver.copies.get(id)! >= 2), { timeout: 10_000 })
      .toBe(true);
    await cloud.publishAsync(topic, JSON.stringify({ camera: 'dock', sequence: 999 }));
    await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
  });
});
