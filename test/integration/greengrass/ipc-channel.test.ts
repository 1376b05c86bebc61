import { afterEach, describe, expect, test } from 'vitest';
import type { IncomingMessage } from '../../../component/contract/message-channel.ts';
import { IpcChannel } from '../../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';

const TOPIC = 'vedette/station-7/dock/result';
const closing: (() => Promise<void>)[] = [];

async function connect(nucleus: EmulatedNucleus): Promise<IpcConnection> {
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const connection = await IpcConnection.open(address);
  closing.push(() => connection.close());
  return connection;
}

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe.each([CLASSIC, LITE])('messages through nucleus $name', (personality) => {
  async function start(): Promise<EmulatedNucleus> {
    const nucleus = await EmulatedNucleus.start(personality);
    closing.push(() => nucleus.close());
    return nucleus;
  }

  test('wait while there is no connection, and go over the one that comes', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    const states: boolean[] = [];
    channel.watch((isConnected) => states.push(isConnected));
    const offline = { code: 'CHANNEL_OFFLINE' };
    await expect(channel.publish(TOPIC, Buffer.from('1'))).rejects.toMatchObject(offline);
    await channel.attach(await connect(nucleus));
    await channel.publish(TOPIC, Buffer.alloc(channel.maxPayloadBytes, 'x'));
    expect(nucleus.published).toMatchObject([{ topicName: TOPIC, qos: '1' }]);
    nucleus.dropConnections();
    await expect.poll(() => channel.isConnected).toBe(false);
    await expect(channel.publish(TOPIC, Buffer.from('1'))).rejects.toMatchObject(offline);
    expect(states).toEqual([true, false]);
  });

  test('a payload of the longest kind fits under the longest topic', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    await channel.attach(await connect(nucleus));
    const topic = `vedette/${'t'.repeat(128)}/${'c'.repeat(64)}/result`;
    await channel.publish(topic, Buffer.alloc(channel.maxPayloadBytes, 0xff));
    expect(nucleus.published[0]?.payload.length).toBe(channel.maxPayloadBytes);
  });

  test('a topic that is refused is told from a queue that is full', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    await channel.attach(await connect(nucleus));
    nucleus.forbidden.add(TOPIC);
    await expect(channel.publish(TOPIC, Buffer.from('1'))).rejects.toMatchObject({
      code: 'MESSAGE_REFUSED',
    });
    nucleus.holdsAcknowledgements = true;
    const publish = () => channel.publish('vedette/station-7/dock/event', Buffer.from('1'));
    for (let index = 0; index < 10; index += 1) await publish();
    if (personality.keepsOffline) return await publish();
    await expect(publish()).rejects.toMatchObject({ code: 'CHANNEL_BUSY' });
    nucleus.acknowledge();
    await publish();
    return undefined;
  });

  test('a subscription that the nucleus ends is made anew, over the same connection', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    closing.push(() => channel.close());
    await channel.attach(await connect(nucleus));
    const heard: string[] = [];
    await channel.subscribe(TOPIC, ({ payload }) => heard.push(Buffer.from(payload).toString()));
    nucleus.deliver(TOPIC, Buffer.from('before'));
    await expect.poll(() => heard).toEqual(['before']);
    nucleus.endSubscriptions('SubscribeToIoTCore');
    await expect
      .poll(() => {
        nucleus.deliver(TOPIC, Buffer.from('after'));
        return heard.includes('after');
      })
      .toBe(true);
    expect(nucleus.connections).toBe(1);
  });

  test('what cannot be subscribed in passing is heard all the same, and no other topic with it', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    closing.push(() => channel.close());
    await channel.attach(await connect(nucleus));
    const heard = new Set<string>();
    const topics = ['one', 'two', 'three'].map((name) => `vedette/station-7/${name}`);
    const hear = ({ topic }: IncomingMessage) => void heard.add(topic);
    nucleus.failsSubscriptions = 1;
    for (const topic of topics) await channel.subscribe(topic, hear);
    const hearsAll = async (): Promise<void> => {
      heard.clear();
      await expect
        .poll(() => {
          for (const topic of topics) nucleus.deliver(topic, Buffer.from('x'));
          return [...heard].toSorted();
        })
        .toEqual(topics.toSorted());
    };
    await hearsAll();
    nucleus.killSubscriptions();
    nucleus.failsSubscriptions = 1;
    await channel.renewSubscriptions();
    await hearsAll();
    const refused = 'vedette/station-7/refused';
    nucleus.forbidden.add(refused);
    await expect(channel.subscribe(refused, hear)).rejects.toMatchObject({
      code: 'MESSAGE_REFUSED',
    });
  });

  test('what comes in is heard over every connection, also after streams died without a word', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    const heard: string[] = [];
    const listener = ({ topic, payload }: IncomingMessage) =>
      heard.push(`${topic} ${Buffer.from(payload).toString()}`);
    const subscription = await channel.subscribe('vedette/station-7/+/ack', listener);
    const hears = async (text: string): Promise<void> => {
      nucleus.deliver('vedette/station-7/dock/ack', Buffer.from(text));
      nucleus.deliver('vedette/station-8/dock/ack', Buffer.from('of another'));
      await expect.poll(() => heard.at(-1)).toBe(`vedette/station-7/dock/ack ${text}`);
    };
    await channel.attach(await connect(nucleus));
    await hears('first');
    nucleus.dropConnections();
    await expect.poll(() => channel.isConnected).toBe(false);
    await channel.attach(await connect(nucleus));
    await hears('second');
    nucleus.killSubscriptions();
    await channel.renewSubscriptions();
    await hears('third');
    expect(heard.length).toBe(3);
    await subscription.close();
  });

  test('a topic that is subscribed as the connection breaks is heard over the next one', async () => {
    const nucleus = await start();
    const channel = new IpcChannel();
    await channel.attach(await connect(nucleus));
    nucleus.dropsAt = 'SubscribeToIoTCore';
    const heard: string[] = [];
    await channel.subscribe('vedette/station-7/+/ack', ({ topic }) => heard.push(topic));
    await expect.poll(() => channel.isConnected).toBe(false);
    await channel.attach(await connect(nucleus));
    nucleus.deliver('vedette/station-7/dock/ack', Buffer.from('one'));
    await expect.poll(() => heard).toEqual(['vedette/station-7/dock/ack']);
  });
});
