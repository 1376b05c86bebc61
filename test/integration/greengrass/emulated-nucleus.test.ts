import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { recipeAccessControl } from '../../support/nucleus/recipe-access-control.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';
import { sdkClient } from '../../support/nucleus/sdk-client.ts';
import { ShadowService } from '../../support/nucleus/shadow-service.ts';

interface Heard {
  readonly topic: string;
  readonly text: string;
  readonly isRetained: boolean;
}

let broker: MqttBroker;
let cloud: MqttClient;
let heard: Heard[] = [];
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  broker = await MqttBroker.start();
  cloud = await broker.client();
  cloud.on('message', (topic, payload, { retain }) =>
    heard.push({ topic, text: payload.toString(), isRetained: retain }),
  );
  await cloud.subscribeAsync(['vedette/#', '$aws/#'], { qos: 1, rap: true });
});
afterAll(() => broker.close());
beforeEach(() => (heard = []));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const texts = () => heard.map(({ text }) => text);

async function start(personality: typeof LITE): Promise<{
  readonly nucleus: EmulatedNucleus;
  readonly connection: IpcConnection;
}> {
  const nucleus = await EmulatedNucleus.start(personality, {}, broker);
  closing.push(() => nucleus.close());
  const { socketFile, token: authToken } = nucleus;
  const connection = await IpcConnection.open({ socketFile, authToken });
  closing.push(() => connection.close());
  return { nucleus, connection };
}

/** What comes to a component that subscribed. */
async function subscribe(nucleus: EmulatedNucleus, filter: string): Promise<string[]> {
  const { socketFile, token: authToken } = nucleus;
  const connection = await IpcConnection.open({ socketFile, authToken });
  closing.push(() => connection.close());
  const came: string[] = [];
  await connection.subscribe(filter, ({ payload }) => came.push(Buffer.from(payload).toString()));
  return came;
}

describe.each([CLASSIC, LITE])('the broker behind nucleus $name', (personality) => {
  test('gets what a component publishes, and a component what others publish', async () => {
    const { nucleus, connection } = await start(personality);
    const came = await subscribe(nucleus, 'vedette/station-7/command/+');
    await connection.publish('vedette/station-7/dock/result', Buffer.from('up'), 1);
    await expect.poll(texts).toEqual(['up']);
    await cloud.publishAsync('vedette/station-7/command/snapshot', 'down', { qos: 1 });
    await expect.poll(() => came).toEqual(['down']);
  });

  test('never gets an accepted message that the nucleus loses', async () => {
    const { nucleus, connection } = await start(personality);
    for (const text of ['first', 'lost', 'last']) {
      nucleus.losesNext = text === 'lost' ? 1 : 0;
      await connection.publish('vedette/t', Buffer.from(text), 1);
    }
    await expect.poll(texts).toEqual(['first', 'last']);
    expect(nucleus.lost.length).toBe(1);
  });

  test('does not tell a component whose subscription died that it did', async () => {
    const { nucleus } = await start(personality);
    const dead = await subscribe(nucleus, 'vedette/station-7/command/+');
    nucleus.killSubscriptions();
    const alive = await subscribe(nucleus, 'vedette/station-7/command/+');
    await cloud.publishAsync('vedette/station-7/command/snapshot', 'one', { qos: 1 });
    await expect.poll(() => alive).toEqual(['one']);
    expect(dead).toEqual([]);
  });

  test('is reached only through topics that accessControl names', async () => {
    const { nucleus, connection } = await start(personality);
    const policy = {
      operations: ['aws.greengrass#PublishToIoTCore'],
      resources: ['vedette/{iot:thingName}/*', '$aws/things/{iot:thingName}/shadow/name/v/update'],
    };
    const accessControl = { 'aws.greengrass.ipc.mqttproxy': { one: policy } };
    nucleus.mergeConfiguration({ accessControl });
    await connection.publish('vedette/station-7/dock/result', Buffer.from('allowed'), 0);
    await connection.publish(
      policy.resources[1]!.replace('{iot:thingName}', 'station-7'),
      Buffer.from('{}'),
      0,
    );
    for (const topic of ['vedette/station-8/dock/result', 'other']) {
      await expect(connection.publish(topic, Buffer.from('x'), 0)).rejects.toMatchObject({
        code: 'GREENGRASS_REFUSED',
        details: { shape: 'UnauthorizedError' },
      });
    }
    await expect(subscribe(nucleus, 'vedette/station-7/dock/result')).rejects.toThrow();
    await expect.poll(texts).toEqual(['allowed', '{}']);
  });

  test('lets the recipe’s component send what it sends, and command no device', async () => {
    const { nucleus, connection } = await start(personality);
    nucleus.mergeConfiguration({ accessControl: await recipeAccessControl() });
    const ends = ['dock/result', 'dock/event', 'health', 'echo', 'command/snapshot/ack'];
    for (const end of ends) {
      await connection.publish(`vedette/station-7/${end}`, Buffer.from(end), 0);
    }
    for (const end of ['command/snapshot', 'acknowledge', 'dock', 'dock/x/result']) {
      const publishing = connection.publish(`vedette/station-7/${end}`, Buffer.from('x'), 0);
      await expect(publishing).rejects.toMatchObject({ code: 'GREENGRASS_REFUSED' });
    }
  });

  test(`${personality.keepsOffline ? 'gets after' : 'does not get after'} an outage what was published in it`, async () => {
    const { nucleus, connection } = await start(personality);
    nucleus.staysAway = true;
    await broker.interrupt();
    await expect.poll(() => nucleus.isOnline).toBe(false);
    const publishing = connection.publish('vedette/t', Buffer.from('in the outage'), 1);
    if (personality.keepsOffline) await publishing;
    else await expect(publishing).rejects.toMatchObject({ code: 'GREENGRASS_REFUSED' });
    await broker.resume();
    // Who listens must be back before the nucleus sends what it kept.
    await expect
      .poll(async () => {
        if (cloud.connected) await cloud.publishAsync('vedette/listening', 'listening', { qos: 1 });
        return texts().includes('listening');
      })
      .toBe(true);
    nucleus.staysAway = false;
    await expect.poll(() => nucleus.isOnline).toBe(true);
    await expect
      .poll(async () => {
        await connection.publish('vedette/t', Buffer.from('after'), 1);
        return texts().includes('after');
      })
      .toBe(true);
    expect(texts().includes('in the outage')).toBe(personality.keepsOffline);
  });

  test(`${personality.takesRetain ? 'keeps' : 'does not keep'} a message that is to be retained`, async () => {
    const { nucleus } = await start(personality);
    const client = await sdkClient(nucleus);
    closing.push(() => client.close());
    const message = { topicName: 'vedette/kept', payload: Buffer.from('kept'), qos: '1' as never };
    await client.publishToIoTCore({ ...message, retain: true });
    await expect.poll(texts).toContain('kept');
    await cloud.unsubscribeAsync('vedette/#');
    await cloud.subscribeAsync('vedette/#', { qos: 1, rap: true });
    await cloud.publishAsync('vedette/end', 'end', { qos: 1 });
    await expect.poll(texts).toContain('end');
    expect(heard.filter(({ isRetained }) => isRetained).length).toBe(
      personality.takesRetain ? 1 : 0,
    );
    await cloud.publishAsync('vedette/kept', '', { qos: 1, retain: true });
  });
});

test('lite never delivers a message larger than its buffer', async () => {
  const { nucleus } = await start(LITE);
  const came = await subscribe(nucleus, 'vedette/+');
  await cloud.publishAsync('vedette/a', 'x'.repeat(5100), { qos: 1 });
  await cloud.publishAsync('vedette/b', 'y'.repeat(4950), { qos: 1 });
  await expect.poll(() => came.map((text) => text[0])).toEqual(['y']);
});

describe('the shadow service', () => {
  const base = '$aws/things/station-7/shadow/name/vedette';
  const answers = () =>
    heard
      .filter(({ topic }) => topic.startsWith(base) && !/\/(get|update|delete)$/.test(topic))
      .map(({ topic, text }) => ({
        is: topic.slice(base.length + 1),
        ...(JSON.parse(text) as { code?: number; [key: string]: unknown }),
      }));
  const ask = (verb: string, document: string | object) =>
    cloud.publishAsync(
      `${base}/${verb}`,
      typeof document === 'string' ? document : JSON.stringify(document),
      { qos: 1 },
    );
  let service: ShadowService;
  beforeAll(async () => (service = await ShadowService.start(broker)));

  test('merges, numbers and answers updates, and says what differs', async () => {
    await ask('update', { state: { reported: { a: { b: 1 }, c: 2 } }, clientToken: 'one' });
    await expect
      .poll(() => answers().map(({ is }) => is))
      .toEqual(['update/accepted', 'update/documents']);
    expect(answers()[0]).toMatchObject({
      version: 1,
      clientToken: 'one',
      state: { reported: { c: 2 } },
    });
    heard = [];
    await ask('update', { state: { desired: { a: { b: 5 }, c: 2 }, reported: { c: null } } });
    await expect.poll(() => answers().length).toBe(3);
    expect(answers()[2]).toMatchObject({
      is: 'update/delta',
      version: 2,
      state: { a: { b: 5 }, c: 2 },
    });
    expect(service.state('station-7', 'vedette')).toEqual({
      reported: { a: { b: 1 } },
      desired: { a: { b: 5 }, c: 2 },
    });
    heard = [];
    await ask('get', '');
    await expect.poll(() => answers()[0]).toMatchObject({ is: 'get/accepted', version: 2 });
  });

  test('refuses stale versions, what is too large and what is no document', async () => {
    await ask('update', { state: { reported: { z: 1 } }, version: 1 });
    await ask('update', { state: { reported: { z: 'x'.repeat(8200) } } });
    await ask('update', { reported: {} });
    await ask('update', '{');
    await expect
      .poll(() => answers().map(({ is }) => is))
      .toEqual(Array(4).fill('update/rejected'));
    expect(answers().map(({ code }) => code)).toEqual([409, 413, 400, 400]);
  });

  test('goes on counting after a shadow was deleted', async () => {
    await ask('delete', '');
    await expect.poll(() => answers()[0]).toMatchObject({ is: 'delete/accepted', version: 2 });
    await ask('get', '');
    await expect.poll(() => answers()[1]).toMatchObject({ is: 'get/rejected', code: 404 });
    await ask('update', { state: { reported: { a: 1 } } });
    await expect.poll(() => answers()[2]).toMatchObject({ is: 'update/accepted', version: 3 });
  });
});
