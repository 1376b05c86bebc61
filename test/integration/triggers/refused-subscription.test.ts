import { afterAll, beforeAll, expect, it } from 'vitest';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { openMqttTrigger } from '../../../component/pipeline/triggers/mqtt-trigger.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';

const WAIT = { timeout: 15_000, interval: 5 };

let broker: ScriptedBroker;
let channel: MqttChannel;
beforeAll(async () => {
  broker = await ScriptedBroker.start('cut');
  channel = await MqttChannel.open({ url: broker.url, clientId: 'line', onFault: () => {} });
});
afterAll(async () => {
  await channel.close();
  await broker.close();
});

function openTrigger(topic: string) {
  const heard = { states: [] as string[], fired: [] as (string | undefined)[] };
  const trigger = openMqttTrigger({ topic }, channel, {
    fire: ({ id }) => heard.fired.push(id),
    refuse: () => {},
    listening: () => heard.states.push('listening'),
    lost: ({ code }) => heard.states.push(code),
  });
  return { heard, trigger };
}

it('what a broker cut off or refused is asked for over each connection, and listens once it is granted', async () => {
  const { heard: early, trigger: first } = openTrigger('line/early');
  // The connection ends while the first SUBSCRIBE is not answered.
  await expect.poll(() => broker.asked[0], WAIT).toEqual(['line/early']);
  broker.answer = 'refuse';
  await expect.poll(() => early.states, WAIT).toContain('MESSAGE_REFUSED');
  const { heard: late, trigger: second } = openTrigger('line/late');
  await expect.poll(() => late.states, WAIT).toContain('MESSAGE_REFUSED');
  expect([...early.states, ...late.states]).not.toContain('listening');

  broker.answer = 'grant';
  broker.cut();
  for (const heard of [early, late]) {
    await expect.poll(() => heard.states.at(-1), WAIT).toBe('listening');
  }
  expect(broker.asked.at(-1)?.toSorted()).toEqual(['line/early', 'line/late']);
  broker.publish('line/early', '{"id":"1"}');
  broker.publish('line/late', '{"id":"2"}');
  await expect.poll(() => [...early.fired, ...late.fired], WAIT).toEqual(['1', '2']);
  await first.close();
  await second.close();
});
