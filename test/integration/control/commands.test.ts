import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CommandMemory } from '../../../component/control/command-memory.ts';
import { CommandService, type CommandActions } from '../../../component/control/command-service.ts';
import {
  commandAnswerSchema,
  type CommandAnswer,
} from '../../../component/contract/device-command.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';
import { openChannel, silent, THING } from './open-channel.ts';

let broker: MqttBroker;
let cloud: MqttClient;
let folder: string;
let answers: CommandAnswer[] = [];
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  broker = await MqttBroker.start(8 * 1024 * 1024);
  cloud = await broker.client();
  cloud.on('message', (_, payload) =>
    answers.push(commandAnswerSchema.parse(JSON.parse(payload.toString()))),
  );
  await cloud.subscribeAsync(`vedette/${THING}/command/+/ack`, { qos: 1 });
});
afterAll(() => broker.close());
beforeEach(async () => {
  answers = [];
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-commands-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(folder, { recursive: true });
});

async function start(personality = LITE) {
  const { nucleus, channel, close } = await openChannel(personality, broker);
  closing.push(close);
  const done: string[] = [];
  const never = new Promise<never>(() => {});
  const actions: CommandActions = {
    snapshot: async ({ id, camera }) => {
      done.push(id);
      if (camera === 'silent') return never;
      if (camera === 'dock') return { captureId: 'c1' };
      throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${camera}`);
    },
    'upload-capture': async () => ({}),
    'label-result': async () => ({}),
    'restart-camera': async () => ({}),
    'change-model': async () => ({}),
    'report-health': async () => ({}),
  };
  const memory = await CommandMemory.open(folder);
  const state = { isEnabled: true };
  const options = { thing: THING, channel, logger: silent, memory, actions };
  const service = new CommandService({ ...options, isEnabled: () => state.isEnabled });
  closing.push(() => service.close());
  await service.open();
  return { nucleus, done, state, service };
}

const send = (command: string, request: object | string | Buffer) =>
  cloud.publishAsync(
    `vedette/${THING}/command/${command}`,
    typeof request === 'object' && !Buffer.isBuffer(request) ? JSON.stringify(request) : request,
    { qos: 1 },
  );
const answerTo = (id: string) => answers.find((answer) => answer.id === id);

describe.each([CLASSIC, LITE])('a command through nucleus $name', (personality) => {
  test('is done once and answered, also when it comes twice and after a restart', async () => {
    const { done, service } = await start(personality);
    await send('snapshot', { id: 'one', camera: 'dock' });
    await expect
      .poll(() => answerTo('one'))
      .toMatchObject({
        thing: THING,
        command: 'snapshot',
        state: 'done',
        result: { captureId: 'c1' },
      });
    await send('snapshot', { id: 'one', camera: 'dock' });
    const ofOne = () => answers.filter(({ id }) => id === 'one');
    await expect.poll(() => ofOne().length).toBe(2);
    await service.close();
    const again = await start(personality);
    await send('snapshot', { id: 'one', camera: 'dock' });
    await expect.poll(() => ofOne().length).toBe(3);
    expect(ofOne()[2]).toEqual(ofOne()[0]);
    expect([...done, ...again.done]).toEqual(['one']);
  });

  test('that fails says why, and one that is too slow is given up', async () => {
    await start(personality);
    await send('snapshot', { id: 'wrong', camera: 'nobody' });
    await send('snapshot', { id: 'slow', camera: 'silent', timeoutSeconds: 1 });
    await expect
      .poll(() => answerTo('wrong'))
      .toMatchObject({
        state: 'failed',
        error: {
          code: 'CAMERA_NOT_FOUND',
          message: 'No camera is named nobody',
          isRetryable: false,
        },
      });
    await expect
      .poll(() => answerTo('slow'))
      .toMatchObject({
        state: 'failed',
        error: { code: 'COMMAND_TIMEOUT', isRetryable: true },
      });
  });

  test('that is late, unknown or no command is refused with its id where it has one', async () => {
    const { done, state } = await start(personality);
    const expiresAt = new Date(Date.now() - 1000).toISOString();
    await send('snapshot', { id: 'late', camera: 'dock', expiresAt });
    await send('explode', { id: 'unknown' });
    await send('snapshot', { id: 'odd', camera: 7 });
    await send('snapshot', '{"id": "cut');
    const refusals = () => answers.filter((answer) => answer.state === 'refused');
    await expect.poll(() => refusals().length).toBe(4);
    expect(answers.some(({ id, state }) => id !== 'back' && state !== 'refused')).toBe(false);
    expect(answerTo('late')?.error?.code).toBe('COMMAND_EXPIRED');
    expect(answerTo('unknown')?.error?.message).toContain('there are snapshot');
    expect(answerTo('odd')?.error?.message).toContain('camera:');
    expect(answers.find(({ id }) => id === null)?.error?.message).toContain('not JSON');
    state.isEnabled = false;
    await send('snapshot', { id: 'forbidden', camera: 'dock' });
    await expect.poll(() => answerTo('forbidden')?.error?.code).toBe('COMMAND_REFUSED');
    expect(done).toEqual([]);
  });

  test('is heard after the nucleus’ connection to the broker was away', async () => {
    const { nucleus } = await start(personality);
    await broker.interrupt();
    await expect.poll(() => nucleus.isOnline).toBe(false);
    await broker.resume();
    await expect.poll(() => nucleus.isOnline && cloud.connected).toBe(true);
    await expect
      .poll(async () => {
        await send('report-health', { id: 'back' });
        return answerTo('back')?.state;
      })
      .toBe('done');
  });
});

test('five megabytes are no command, and those that run at once are bounded', async () => {
  const { done } = await start(CLASSIC);
  await send('snapshot', Buffer.alloc(5 * 1024 * 1024, 'x'));
  await expect.poll(() => answers.some(({ error }) => error?.code === 'BODY_TOO_LARGE')).toBe(true);
  for (let index = 0; index < 9; index++) {
    await send('snapshot', { id: `running-${index}`, camera: 'silent', timeoutSeconds: 600 });
  }
  await expect.poll(() => answerTo('running-8')?.error?.code).toBe('OVERLOADED');
  expect(done.length).toBe(8);
});

test('a flood of what is refused costs no more than its limit while answers cannot be sent', async () => {
  const { nucleus, done } = await start(LITE);
  nucleus.holdsAcknowledgements = true;
  const asked = () => nucleus.asked.filter((one) => one === 'PublishToIoTCore').length;
  for (let index = 0; index < 100; index++) await send('explode', { id: `flood-${index}` });
  await send('snapshot', { id: 'after', camera: 'dock' });
  await expect.poll(() => done).toEqual(['after']);
  // Ten are in the queue of the nucleus, eight wait, each tried a few times.
  expect(asked()).toBeLessThan(60);
  nucleus.holdsAcknowledgements = false;
  nucleus.acknowledge();
  await send('explode', { id: 'heard' });
  await expect
    .poll(
      async () => {
        await send('explode', { id: 'heard' });
        return answerTo('heard')?.state;
      },
      { interval: 300, timeout: 15_000 },
    )
    .toBe('refused');
});

test('a damaged memory is begun anew', async () => {
  await writeFile(path.join(folder, 'commands.json'), '[{"id":');
  const { done } = await start();
  await send('snapshot', { id: 'one', camera: 'dock' });
  await expect.poll(() => answerTo('one')?.state).toBe('done');
  expect(done).toEqual(['one']);
});
