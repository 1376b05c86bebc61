import { afterEach, describe, expect, test } from 'vitest';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';

const accessControl = {
  'aws.greengrass.ipc.mqttproxy': {
    'io.vedette.EdgeRuntime:mqttproxy:1': {
      operations: ['aws.greengrass#PublishToIoTCore', 'aws.greengrass#SubscribeToIoTCore'],
      resources: ['vedette/{iot:thingName}/*', 't'],
    },
  },
};
const settings = { server: { port: 9000 }, models: {}, accessControl };
const closing: (() => Promise<void>)[] = [];

async function connect(nucleus: EmulatedNucleus, timeoutMs?: number): Promise<IpcConnection> {
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const connection = await IpcConnection.open(address, timeoutMs);
  closing.push(() => connection.close());
  return connection;
}

async function start(personality: typeof LITE): Promise<EmulatedNucleus> {
  const nucleus = await EmulatedNucleus.start(personality, structuredClone(settings));
  closing.push(() => nucleus.close());
  return nucleus;
}

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe.each([CLASSIC, LITE])('the connection to nucleus $name', (personality) => {
  test('reads the whole configuration without what the component may access', async () => {
    const connection = await connect(await start(personality));
    const port = personality.name === 'lite' ? '9000' : 9000;
    expect(await connection.configuration()).toEqual({ server: { port }, models: {} });
  });

  test('hears that something changed', async () => {
    const nucleus = await start(personality);
    const connection = await connect(nucleus);
    let heard = 0;
    await connection.watchConfiguration(() => (heard += 1));
    nucleus.mergeConfiguration({ server: { port: 9001 } });
    await expect.poll(() => heard).toBe(1);
    expect(await connection.configuration()).toMatchObject({
      server: { port: personality.name === 'lite' ? '9001' : 9001 },
    });
  });

  test('ends when the nucleus ends the subscription to changes: the next one has it again', async () => {
    const nucleus = await start(personality);
    const connection = await connect(nucleus);
    await connection.watchConfiguration(() => undefined);
    nucleus.endSubscriptions('SubscribeToConfigurationUpdate');
    await expect.poll(() => connection.lost.aborted).toBe(true);
  });

  test('publishes bytes and tells the state', async () => {
    const nucleus = await start(personality);
    const connection = await connect(nucleus);
    await connection.publish('vedette/station-7/dock/result', Buffer.from('{"a":1}'), 1);
    await connection.report('RUNNING');
    const [first] = nucleus.published;
    expect(first).toMatchObject({ topicName: 'vedette/station-7/dock/result', qos: '1' });
    expect(first?.payload.toString()).toBe('{"a":1}');
    expect(nucleus.states).toEqual(['RUNNING']);
    expect(nucleus.connections).toBe(1);
  });

  test('ends every call when the nucleus falls silent, goes away or is not there', async () => {
    const nucleus = await start(personality);
    const connection = await connect(nucleus, 300);
    nucleus.isSilent = true;
    await expect(connection.configuration()).rejects.toMatchObject({ code: 'GREENGRASS_TIMEOUT' });
    const patient = await connect(nucleus, 60_000);
    const waiting = expect(patient.configuration()).rejects.toMatchObject({
      code: 'GREENGRASS_UNAVAILABLE',
    });
    await expect.poll(() => nucleus.asked.length).toBe(2);
    nucleus.dropConnections();
    await waiting;
    expect(patient.lost.aborted).toBe(true);
    await expect(patient.report('RUNNING')).rejects.toMatchObject({
      code: 'GREENGRASS_UNAVAILABLE',
      message: 'UpdateState: the connection to the nucleus ended',
    });
    const address = { socketFile: `${nucleus.socketFile}.none`, authToken: 'x' };
    await expect(IpcConnection.open(address, 2000)).rejects.toMatchObject({
      code: 'GREENGRASS_UNAVAILABLE',
    });
  });

  test('cannot come back with the token of before a restart', async () => {
    const nucleus = await start(personality);
    const old = { socketFile: nucleus.socketFile, authToken: nucleus.token };
    await connect(nucleus);
    nucleus.restart();
    await expect(IpcConnection.open(old)).rejects.toMatchObject({ code: 'GREENGRASS_UNAVAILABLE' });
    await expect(connect(nucleus)).resolves.toBeInstanceOf(IpcConnection);
  });
});

describe('what only one nucleus does', () => {
  test('an answer that classic does not hear is told', async () => {
    const nucleus = await start(CLASSIC);
    const connection = await connect(nucleus, 300);
    const unheard: string[] = [];
    await connection.judgeConfiguration(
      async () => {
        nucleus.isSilent = true;
        return undefined;
      },
      ({ code }) => unheard.push(code),
    );
    nucleus.proposeConfiguration('one', { models: {} });
    await expect.poll(() => unheard).toEqual(['GREENGRASS_TIMEOUT']);
  });

  test('classic asks before it changes the configuration and hears why not', async () => {
    const nucleus = await start(CLASSIC);
    const connection = await connect(nucleus);
    await connection.judgeConfiguration(
      async ({ values }) => (values['thing'] === undefined ? undefined : 'thing: no'),
      () => undefined,
    );
    nucleus.proposeConfiguration('one', { accessControl: {}, models: {} });
    nucleus.proposeConfiguration('two', { thing: '?' });
    await expect.poll(() => nucleus.reports.length).toBe(2);
    expect(nucleus.reports).toEqual(
      expect.arrayContaining([
        { deploymentId: 'one', status: 'ACCEPTED' },
        { deploymentId: 'two', status: 'REJECTED', message: 'thing: no' },
      ]),
    );
  });

  test('lite refuses that, by name and without a reason', async () => {
    const connection = await connect(await start(LITE));
    await expect(
      connection.judgeConfiguration(
        async () => undefined,
        () => undefined,
      ),
    ).rejects.toMatchObject({
      code: 'GREENGRASS_REFUSED',
      message: 'The nucleus refused SubscribeToValidateConfigurationUpdates: ServiceError',
    });
  });

  test('lite closes the connection on a payload that is too large for its frames', async () => {
    const nucleus = await start(LITE);
    const connection = await connect(nucleus);
    await connection.publish('t', Buffer.alloc(7300), 0);
    expect(nucleus.published.length).toBe(1);
    await expect(connection.publish('t', Buffer.alloc(7500), 0)).rejects.toMatchObject({
      code: 'GREENGRASS_UNAVAILABLE',
    });
    expect(connection.lost.aborted).toBe(true);
  });

  test('lite takes ten unacknowledged messages or 15,000 bytes of them', async () => {
    const nucleus = await start(LITE);
    nucleus.holdsAcknowledgements = true;
    const connection = await connect(nucleus);
    for (let index = 0; index < 10; index++) await connection.publish('t', Buffer.alloc(10), 1);
    await expect(connection.publish('t', Buffer.alloc(10), 1)).rejects.toMatchObject({
      code: 'GREENGRASS_REFUSED',
      message: 'The nucleus refused PublishToIoTCore: Failed to publish the message.',
    });
    nucleus.acknowledge();
    for (let index = 0; index < 2; index++) await connection.publish('t', Buffer.alloc(7000), 1);
    await expect(connection.publish('t', Buffer.alloc(7000), 1)).rejects.toMatchObject({
      code: 'GREENGRASS_REFUSED',
    });
  });
});
