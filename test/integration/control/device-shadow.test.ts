import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DeviceShadow } from '../../../component/control/device-shadow.ts';
import type { ShadowTree } from '../../../component/control/shadow-diff.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { CLASSIC, LITE, type Personality } from '../../support/nucleus/personality.ts';
import { ShadowService } from '../../support/nucleus/shadow-service.ts';
import { openChannel, silent, THING } from './open-channel.ts';

let broker: MqttBroker;
let service: ShadowService;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  broker = await MqttBroker.start();
  service = await ShadowService.start(broker);
});
afterAll(() => broker.close());
beforeEach(() => service.remove(THING, 'vedette'));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const reported = () => service.state(THING, 'vedette')?.reported;

async function start(personality: Personality, earlier?: ShadowTree) {
  const { nucleus, channel, close } = await openChannel(personality, broker);
  closing.push(close);
  const deltas: ShadowTree[] = [];
  const shadow = new DeviceShadow({
    thing: THING,
    channel,
    logger: silent,
    ...(earlier ? { earlier } : {}),
    onDelta: (state) => deltas.push(state),
    answerTimeoutMs: 300,
    firstRetryMs: 30,
  });
  closing.push(() => shadow.close());
  await shadow.open();
  return { nucleus, shadow, deltas };
}

const cameras = (count: number, state = 'running') =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `camera-${index}`,
      { state, figures: { pass: index, fail: 1, p50Ms: 17.5, p95Ms: 40.1 } },
    ]),
  );

describe.each([CLASSIC, LITE])('the device shadow through nucleus $name', (personality) => {
  test('comes to hold what is reported, however large, and then only what changes is sent', async () => {
    const { shadow } = await start(personality);
    const document = { version: '1.0.0', cameras: cameras(40) };
    expect(JSON.stringify(document).length).toBeGreaterThan(3000);
    shadow.report(document);
    await expect.poll(reported).toEqual(document);
    const before = service.updates;
    const changed = { ...document, cameras: { ...cameras(40), 'camera-3': { state: 'failed' } } };
    shadow.report(changed);
    await expect.poll(reported).toEqual(changed);
    expect(service.updates).toBe(before + 1);
    shadow.report(changed);
    shadow.report({ ...changed, version: '2.0.0' });
    await expect.poll(() => reported()?.['version']).toBe('2.0.0');
    expect(service.updates).toBe(before + 2);
  });

  test('hears what is desired and not reported, at once and when it starts later', async () => {
    service.desire(THING, 'vedette', { cameras: { dock: { isEnabled: false } } });
    const { shadow, deltas } = await start(personality);
    shadow.report({ cameras: { dock: { isEnabled: true } } });
    await expect.poll(() => deltas).toEqual([{ cameras: { dock: { isEnabled: false } } }]);
    service.desire(THING, 'vedette', { models: { bricks: { package: 'a@2.0.0' } } });
    await expect
      .poll(() => deltas.at(-1))
      .toEqual({
        cameras: { dock: { isEnabled: false } },
        models: { bricks: { package: 'a@2.0.0' } },
      });
    const count = deltas.length;
    service.repeatDelta(THING, 'vedette');
    shadow.report({
      cameras: { dock: { isEnabled: false } },
      models: { bricks: { package: 'a@2.0.0' } },
    });
    await expect.poll(() => reported()?.['models']).toEqual({ bricks: { package: 'a@2.0.0' } });
    expect(deltas.slice(count).every((delta) => !('cameras' in delta && 'models' in delta))).toBe(
      true,
    );
  });

  test('sends again what was accepted and lost, and what an outage swallowed', async () => {
    const { nucleus, shadow } = await start(personality);
    nucleus.losesNext = 1;
    shadow.report({ version: '1.0.0' });
    await expect.poll(() => nucleus.lost.length).toBe(1);
    await expect.poll(reported).toEqual({ version: '1.0.0' });
    await broker.interrupt();
    shadow.report({ version: '2.0.0' });
    await expect.poll(() => nucleus.isOnline).toBe(false);
    await broker.resume();
    await expect.poll(reported).toEqual({ version: '2.0.0' });
  });

  test('goes on after the shadow was deleted, and removes what an earlier process reported', async () => {
    const first = await start(personality);
    first.shadow.report({ cameras: { dock: { state: 'running' }, gone: { state: 'running' } } });
    await expect.poll(() => Object.keys(reported()?.['cameras'] ?? {})).toEqual(['dock', 'gone']);
    await first.shadow.close();
    const { shadow } = await start(personality, { cameras: { dock: '', gone: '' } });
    shadow.report({ cameras: { dock: { state: 'failed' } } });
    await expect.poll(reported).toEqual({ cameras: { dock: { state: 'failed' } } });
    service.remove(THING, 'vedette');
    await expect.poll(reported).toEqual({ cameras: { dock: { state: 'failed' } } });
  });
});

test('a shadow that is full is tried again, and taken when there is room', async () => {
  service.desire(THING, 'vedette', { notes: 'x'.repeat(7900) });
  const { shadow } = await start(CLASSIC);
  shadow.report({ version: '1.0.0', cameras: cameras(10) });
  await expect.poll(() => service.refusals.some(({ code }) => code === 413)).toBe(true);
  service.desire(THING, 'vedette', { notes: null });
  await expect.poll(() => Object.keys(reported()?.['cameras'] ?? {}).length).toBe(10);
});
