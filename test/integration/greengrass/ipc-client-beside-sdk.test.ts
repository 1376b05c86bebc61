import { afterEach, describe, expect, test } from 'vitest';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus, type Json } from '../../support/nucleus/emulated-nucleus.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';
import { sdkClient, type SdkClient } from '../../support/nucleus/sdk-client.ts';

const SETTINGS = { server: { port: 9000 }, models: { 'käse 1': { package: 'a/b' } } };
const PROPOSED = { deploymentId: 'one', configuration: { models: {} } };
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** The same through our client and through AWS' own. */
interface Asker {
  readonly configuration: () => Promise<unknown>;
  readonly publish: (topic: string, payload: Buffer) => Promise<unknown>;
  readonly running: () => Promise<unknown>;
  readonly defer: () => Promise<unknown>;
  readonly judge: (listener: (deploymentId: string) => void) => Promise<unknown>;
  readonly watchUpdates: (listener: (deploymentId: string) => void) => Promise<unknown>;
}

function ours(connection: IpcConnection): Asker {
  return {
    configuration: () => connection.configuration(),
    publish: (topic, payload) => connection.publish(topic, payload, 1),
    running: () => connection.report('RUNNING'),
    defer: () => connection.deferUpdate({ deploymentId: 'd', recheckAfterMs: 0 }),
    judge: (listener) =>
      connection.judgeConfiguration(
        async ({ deploymentId }) => {
          listener(deploymentId);
          return 'no';
        },
        (error) => expect.unreachable(error.message),
      ),
    watchUpdates: (listener) =>
      connection.watchUpdates(({ deploymentId }) => listener(deploymentId)),
  };
}

function sdks(client: SdkClient): Asker {
  return {
    configuration: async () => (await client.getConfiguration({ keyPath: [] })).value,
    publish: (topicName, payload) =>
      client.publishToIoTCore({ topicName, payload, qos: '1' as never }),
    running: () => client.updateState({ state: 'RUNNING' as never }),
    defer: () => client.deferComponentUpdate({ deploymentId: 'd', recheckAfterMs: 0 }),
    judge: async (listener) => {
      const stream = client.subscribeToValidateConfigurationUpdates({});
      stream.on('message', ({ validateConfigurationUpdateEvent: event }) => {
        listener(event!.deploymentId);
        void client.sendConfigurationValidityReport({
          configurationValidityReport: {
            deploymentId: event!.deploymentId,
            status: 'REJECTED' as never,
            message: 'no',
          },
        });
      });
      await stream.activate();
    },
    watchUpdates: async (listener) => {
      const stream = client.subscribeToComponentUpdates({});
      stream.on('message', ({ preUpdateEvent }) => listener(preUpdateEvent!.deploymentId));
      await stream.activate();
    },
  };
}

/** Everything that the nucleus saw and the asker heard. */
async function talk(nucleus: EmulatedNucleus, asker: Asker): Promise<Json> {
  const heard: string[] = [];
  const refusals: boolean[] = [];
  const configuration = await asker.configuration();
  await asker.publish('vedette/t', Buffer.from([0, 255, 1, 254]));
  await asker.running();
  for (const begin of [
    () => asker.judge((id) => heard.push(`judge ${id}`)),
    () => asker.watchUpdates((id) => heard.push(`update ${id}`)),
    () => asker.defer(),
  ]) {
    refusals.push(
      await begin().then(
        () => false,
        () => true,
      ),
    );
  }
  if (nucleus.personality.name === 'classic') {
    nucleus.proposeConfiguration(PROPOSED.deploymentId, PROPOSED.configuration);
    nucleus.proposeUpdate('two');
    await expect.poll(() => heard.length).toBe(2);
    await expect.poll(() => nucleus.reports.length).toBe(1);
  }
  return {
    ...{ configuration, refusals, heard: heard.toSorted() },
    ...{ asked: nucleus.asked, published: nucleus.published, states: nucleus.states },
    ...{ reports: nucleus.reports, deferrals: nucleus.deferrals },
  };
}

describe.each([CLASSIC, LITE])('beside nucleus $name', (personality) => {
  test('our client asks and hears what AWS’ own does', async () => {
    const first = await EmulatedNucleus.start(personality, structuredClone(SETTINGS));
    const second = await EmulatedNucleus.start(personality, structuredClone(SETTINGS));
    closing.push(
      () => first.close(),
      () => second.close(),
    );
    const connection = await IpcConnection.open({
      socketFile: first.socketFile,
      authToken: first.token,
    });
    closing.push(() => connection.close());
    const client = await sdkClient(second);
    closing.push(() => client.close());
    const said = await talk(first, ours(connection));
    expect(said).toEqual(await talk(second, sdks(client)));
    expect(said['published']).toHaveLength(1);
  });
});
