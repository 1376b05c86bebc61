import { expect, it } from 'vitest';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { openMqttTrigger } from '../../../component/pipeline/triggers/mqtt-trigger.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';

const WAIT = { timeout: 15_000, interval: 5 };
/** The second lies within the first; the third and the first have topics in common and others not. */
const FILTERS = ['line/+/trigger', 'line/7/trigger', 'line/7/+', 'line/8/#'];

const openChannel = (url: string) => MqttChannel.open({ url, clientId: 'line', onFault: () => {} });

function openTrigger(topic: string, channel: MqttChannel) {
  const heard = { topic, states: [] as string[], fired: [] as (string | undefined)[] };
  const trigger = openMqttTrigger({ topic }, channel, {
    fire: ({ id }) => heard.fired.push(id),
    refuse: ({ message }) => heard.states.push(message),
    listening: () => heard.states.push('listening'),
    lost: ({ code }) => heard.states.push(code),
  });
  return { ...heard, close: () => trigger.close() };
}

it('a message triggers once for each filter that it matches, though the broker sends it once for each', async () => {
  const broker = await MqttBroker.start();
  const sender = await broker.client();
  const channel = await openChannel(broker.url);
  const triggers = FILTERS.map((filter) => openTrigger(filter, channel));
  await expect
    .poll(() => triggers.map(({ states }) => states.at(-1)), WAIT)
    .toEqual(FILTERS.map(() => 'listening'));
  await sender.publishAsync('line/7/trigger', '{"id":"part"}', { qos: 1 });
  // Comes after every copy of the one before.
  await sender.publishAsync('line/8/trigger', '{"id":"end"}', { qos: 1 });
  const [wide, narrow, partly, other] = triggers.map(({ fired }) => fired);
  await expect.poll(() => [wide!.at(-1), other!.at(-1)], WAIT).toEqual(['end', 'end']);
  expect(wide).toEqual(['part', 'end']);
  expect(narrow).toEqual(['part']);
  expect(partly).toEqual(['part']);
  expect(other).toEqual(['end']);
  await Promise.all(triggers.map((one) => one.close()));
  await channel.close();
  await broker.close();
});

it('a message that the broker sends once for several filters triggers for each of them', async () => {
  const broker = await ScriptedBroker.start('grant');
  const channel = await openChannel(broker.url);
  const triggers = FILTERS.map((filter) => openTrigger(filter, channel));
  await expect.poll(() => broker.identifiers.size, WAIT).toBe(4);
  const marks = FILTERS.slice(0, 3).map((filter) => broker.identifiers.get(filter)!);
  broker.publish('line/7/trigger', '{"id":"part"}', marks);
  await expect
    .poll(() => triggers.map(({ fired }) => fired), WAIT)
    .toEqual([['part'], ['part'], ['part'], []]);
  await channel.close();
  await broker.close();
});

it('where the broker has no identifiers, a filter that overlaps one before it is refused and says so', async () => {
  const broker = await ScriptedBroker.start('grant', false);
  const channel = await openChannel(broker.url);
  const [wide, narrow, partly] = FILTERS.map((filter) => openTrigger(filter, channel));
  const apart = openTrigger('line/7/product', channel);
  const same = openTrigger('line/+/trigger', channel);
  for (const { states } of [wide!, same]) {
    await expect.poll(() => states.at(-1), WAIT).toBe('listening');
  }
  for (const { states } of [narrow!, partly!]) {
    await expect.poll(() => states.at(-1), WAIT).toBe('MESSAGE_REFUSED');
  }
  // What was refused stands in nobody's way.
  await expect.poll(() => apart.states.at(-1), WAIT).toBe('listening');
  expect(broker.identifiers.size).toBe(0);
  expect(new Set(broker.asked.at(-1))).toEqual(new Set(['line/+/trigger', 'line/7/product']));
  broker.publish('line/7/trigger', '{"id":"part"}');
  await expect.poll(() => [wide!.fired, same.fired], WAIT).toEqual([['part'], ['part']]);
  expect([...narrow!.fired, ...partly!.fired]).toEqual([]);

  // The one before it is gone: the next connection asks for what it kept out.
  await wide!.close();
  await same.close();
  broker.cut();
  await expect.poll(() => narrow!.states.at(-1), WAIT).toBe('listening');
  expect(partly!.states.at(-1)).toBe('MESSAGE_REFUSED');
  await channel.close();
  await broker.close();
});
