import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { openMqttTrigger } from '../../../component/pipeline/triggers/mqtt-trigger.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';

const MEGABYTE = 1_048_576;

let broker: MqttBroker;
let channel: MqttChannel;
beforeAll(async () => {
  broker = await MqttBroker.start(6 * MEGABYTE);
  channel = await MqttChannel.open({ url: broker.url, clientId: 'line', onFault: () => {} });
});
afterAll(async () => {
  await channel.close();
  await broker.close();
});

it('a message of 5 MB is refused by its size, and the next one triggers', async () => {
  const fired: unknown[] = [];
  const refused: VedetteError[] = [];
  let isListening = false;
  const trigger = openMqttTrigger({ topic: 'line/trigger' }, channel, {
    fire: (request) => fired.push(request),
    refuse: (error) => refused.push(error),
    listening: () => (isListening = true),
    lost: () => (isListening = false),
  });
  await vi.waitFor(() => expect(isListening).toBe(true), 10_000);
  const client = await broker.client();
  const large = JSON.stringify({ context: { text: 'x'.repeat(5 * MEGABYTE) } });
  await client.publishAsync('line/trigger', large, { qos: 1 });
  await client.publishAsync('line/trigger', '{"id":"next"}', { qos: 1 });
  await vi.waitFor(() => expect(fired).toEqual([{ id: 'next' }]), 10_000);
  expect(refused).toMatchObject([{ code: 'REQUEST_INVALID' }]);
  expect(refused[0]?.message).toMatch(/has 52\d{5} bytes, at most 65536 are read/);
  await trigger.close();
});
