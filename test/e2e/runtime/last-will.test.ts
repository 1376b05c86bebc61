import { afterAll, beforeAll, expect, it } from 'vitest';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { RuntimeFolder } from '../../support/runtime-process.ts';

let broker: MqttBroker;
let folder: RuntimeFolder;
beforeAll(async () => {
  broker = await MqttBroker.start();
  folder = await RuntimeFolder.create();
});
afterAll(async () => {
  await folder.close();
  await broker.close();
});

it('a broker says that a killed device is lost, and of one that stops what it says itself', async () => {
  const heard: string[] = [];
  const client = await broker.client();
  client.on('message', (_topic, payload) => {
    const { availability } = JSON.parse(payload.toString()) as { availability: string };
    if (heard.at(-1) !== availability) heard.push(availability);
  });
  await client.subscribeAsync('vedette/station-7/health', { qos: 1 });
  const config = { models: {}, thing: 'station-7', delivery: { mqtt: { url: broker.url } } };
  const killed = await folder.start(config);
  await expect.poll(() => heard).toEqual(['online']);
  await killed.stop('SIGKILL');
  await expect.poll(() => heard).toEqual(['online', 'lost']);
  const stopped = await folder.start(config);
  await expect.poll(() => heard.at(-1)).toBe('online');
  await stopped.stop('SIGTERM');
  await expect.poll(() => heard).toEqual(['online', 'lost', 'online', 'stopping']);
});
