import { afterEach, describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { MessageChannel } from '../../../component/contract/message-channel.ts';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { IpcChannel } from '../../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import {
  openDeliveringDevice,
  waiting,
  type DeviceOptions,
} from '../../support/delivering-device.ts';
import { Receiver, upTo } from '../../support/delivery-parts.ts';
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
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const connection = await IpcConnection.open(address);
  closing.push(() => connection.close());
  await channel.attach(connection);
  return { nucleus, channel };
}

async function openBroker(
  maxPacketBytes?: number,
): Promise<{ receiver: Receiver; channel: MqttChannel }> {
  const broker = await MqttBroker.start(maxPacketBytes);
  closing.push(() => broker.close());
  const receiver = new Receiver();
  const cloud = await broker.client();
  cloud.on('message', (_topic, payload) => receiver.receive(payload));
  await cloud.subscribeAsync('vedette/+/+/+', { qos: 1 });
  const onFault = () => undefined;
  const channel = await MqttChannel.open({ url: broker.url, clientId: 'station-7', onFault });
  closing.push(() => channel.close());
  return { receiver, channel };
}

/**
 * The channel, but that payloads with `text` are answered busy: the first time only when one that was
 * given later has been confirmed, unless told otherwise.
 */
class BusyForOne implements MessageChannel {
  readonly description = 'busy for one';
  readonly confirmsReceipt = true;
  readonly keepsOrder = true;
  readonly maxPayloadBytes: number;
  refusals = 0;
  isBusy = true;
  waitsForLater = true;
  readonly #channel: MqttChannel;
  readonly #text: string;
  #confirmLater: () => void = () => undefined;
  readonly #later = new Promise<void>((resolve) => (this.#confirmLater = resolve));
  #isUnderWay = false;

  constructor(channel: MqttChannel, text: string, maxPayloadBytes: number) {
    this.#channel = channel;
    this.#text = text;
    this.maxPayloadBytes = maxPayloadBytes;
  }

  get isConnected(): boolean {
    return this.#channel.isConnected;
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    if (this.isBusy && Buffer.from(payload).includes(this.#text)) {
      this.#isUnderWay = true;
      if (this.waitsForLater) await this.#later;
      this.refusals += 1;
      throw new VedetteError('CHANNEL_BUSY', 'quota exceeded');
    }
    const isLater = this.#isUnderWay;
    await this.#channel.publish(topic, payload);
    if (isLater) this.#confirmLater();
  }

  subscribe(filter: string, listener: Parameters<MqttChannel['subscribe']>[1]) {
    return this.#channel.subscribe(filter, listener);
  }

  watch(listener: (isConnected: boolean) => void): () => void {
    return this.#channel.watch(listener);
  }

  async close(): Promise<void> {
    // The channel is closed by who opened it.
  }
}

describe('a broker that is too busy for one message', () => {
  test('gets it from the process that starts again, though later ones were confirmed', async () => {
    const { receiver, channel } = await openBroker();
    const folder = await temporaryFolder();
    const busy = new BusyForOne(channel, '"sequence":5,"id"', channel.maxPayloadBytes);
    const device = await openDevice(busy, {}, folder);
    for (const _ of upTo(30)) await device.append({ camera: 'dock' });
    await expect.poll(() => busy.refusals, { timeout: 10_000 }).toBeGreaterThan(3);
    // Those that were under way with it have passed it, no more.
    await expect.poll(() => receiver.sequences('dock').at(-1)).toBeGreaterThan(5);
    const early = receiver.sequences('dock');
    expect(early.slice(0, 4)).toEqual(upTo(4));
    expect(early.includes(5)).toBe(false);
    expect(early.at(-1)).toBeLessThan(20);
    await device.close();
    const again = await openDevice(channel, {}, folder);
    await expect.poll(() => receiver.sequences('dock'), { timeout: 10_000 }).toEqual(upTo(30));
    await expect.poll(() => waiting(again), { timeout: 10_000 }).toBe(0);
  });

  test('gets every part of one whose last part was confirmed before the first', async () => {
    const { receiver, channel } = await openBroker();
    const folder = await temporaryFolder();
    const busy = new BusyForOne(channel, '"part":1,', 1024);
    const device = await openDevice(busy, {}, folder);
    await device.append({ camera: 'dock', labels: upTo(30).map((count) => `person ${count}`) });
    await expect.poll(() => busy.refusals, { timeout: 10_000 }).toBeGreaterThan(3);
    expect(receiver.messages.size).toBe(0);
    await device.close();
    await openDevice(channel, {}, folder);
    await expect.poll(() => receiver.sequences('dock'), { timeout: 10_000 }).toEqual([1]);
  });

  test('does not get one that became too old meanwhile, which is counted', async () => {
    const { receiver, channel } = await openBroker();
    const busy = new BusyForOne(channel, '"sequence":1,"id"', channel.maxPayloadBytes);
    busy.waitsForLater = false;
    const device = await openDevice(busy, { timeToLiveMs: 300 });
    for (const _ of upTo(5)) await device.append({ camera: 'dock' });
    const expired = async () => (await device.registry.outboxStatistics()).givenUp.expired;
    await expect.poll(expired, { timeout: 10_000 }).toBeGreaterThan(0);
    busy.isBusy = false;
    await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
    const results = receiver.of('dock').filter(({ kind }) => kind === 'result');
    expect(results.map(({ sequence }) => sequence)).not.toContain(1);
    expect(results.length + (await expired())).toBe(5);
  });
});

test('a broker that takes small packets gets large messages in more parts, and the others', async () => {
  const { receiver, channel } = await openBroker(3000);
  const device = await openDevice(channel);
  await device.append({ camera: 'dock', labels: upTo(100).map((count) => `person ${count}`) });
  await device.append({ camera: 'dock' });
  await expect.poll(() => receiver.sequences('dock'), { timeout: 10_000 }).toEqual([1, 2]);
  expect(channel.maxPayloadBytes).toBeLessThan(3000);
  const tooLarge = channel.publish('vedette/station-7/health', Buffer.alloc(2990));
  await expect(tooLarge).rejects.toMatchObject({ code: 'MESSAGE_REFUSED' });
  expect(channel.isConnected).toBe(true);
});

test('what lite’s queue lost with the nucleus’ own connection is sent again before what came since', async () => {
  const { nucleus, channel } = await openNucleus();
  const states: boolean[] = [];
  channel.watch((isConnected) => states.push(isConnected));
  const device = await openDevice(channel);
  for (const _ of upTo(20)) await device.append({ camera: 'dock' });
  await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(20);
  nucleus.losesNext = 10;
  for (const _ of upTo(10)) await device.append({ camera: 'dock' });
  await expect.poll(() => nucleus.lost.length, { timeout: 10_000 }).toBe(10);
  await nucleus.broker.interrupt();
  await expect.poll(() => nucleus.isOnline).toBe(false);
  for (const _ of upTo(15)) await device.append({ camera: 'dock' });
  // All the while the nucleus answers: its queue has no room, as far as it says.
  await expect.poll(() => states, { timeout: 10_000 }).toEqual([false]);
  expect(channel.isConnected).toBe(true);
  await nucleus.broker.resume();
  await expect.poll(() => nucleus.published.length, { timeout: 10_000 }).toBe(45);
  expect(states).toEqual([false, true]);
  const receiver = new Receiver();
  for (const { payload } of nucleus.published) receiver.receive(payload);
  expect(receiver.of('dock').map(({ sequence }) => sequence)).toEqual(upTo(45));
});

test('messages that were too old are counted though the registry refused to write it at first', async () => {
  const { receiver, channel } = await openBroker();
  await expect.poll(() => channel.isConnected, { timeout: 10_000 }).toBe(true);
  let refusals = 0;
  const device = await openDevice(channel, { timeToLiveMs: -1 }, undefined, 'full', (registry) => ({
    outboxState: () => registry.outboxState(),
    takeMessages: (request) => registry.takeMessages(request),
    settleMessages: async (...settlement) => {
      if (refusals++ === 0) throw new VedetteError('STORAGE_FULL', 'no space is left');
      return registry.settleMessages(...settlement);
    },
  }));
  for (const _ of upTo(5)) await device.append({ camera: 'dock' });
  const expired = async () => (await device.registry.outboxStatistics()).givenUp.expired;
  await expect.poll(expired, { timeout: 10_000 }).toBe(5);
  expect(refusals).toBeGreaterThan(1);
  expect(receiver.of('dock').filter(({ kind }) => kind === 'result')).toEqual([]);
});
