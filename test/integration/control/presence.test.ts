import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import {
  deviceHealthSchema,
  type DeviceHealth,
} from '../../../component/contract/device-health.ts';
import { DeviceControl, maintenanceOf } from '../../../component/control/device-control.ts';
import { InMemoryRuntime } from '../../support/in-memory-runtime.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { openChannel, silent, THING } from './open-channel.ts';

let broker: MqttBroker;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => (broker = await MqttBroker.start()));
afterAll(() => broker.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(maintenanceConfig: object) {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'vedette-presence-'));
  closing.push(() => rm(dataFolder, { recursive: true }));
  const { nucleus, channel, close } = await openChannel(LITE, broker);
  closing.push(close);
  const runtime = new InMemoryRuntime();
  runtime.config = runtimeConfigSchema.parse({
    ...{ thing: THING, dataFolder, maintenance: maintenanceConfig },
    remote: { heartbeatSeconds: 1 },
  });
  const maintenance = maintenanceOf(runtime);
  const control = new DeviceControl({ channel, logger: silent, runtime, maintenance });
  closing.push(() => control.close());
  const cloud = await broker.client();
  const beats: DeviceHealth[] = [];
  cloud.on('message', (_, payload) =>
    beats.push(deviceHealthSchema.parse(JSON.parse(payload.toString()))),
  );
  await cloud.subscribeAsync(`vedette/${THING}/health`, { qos: 1 });
  await control.open();
  return { nucleus, channel, runtime, maintenance, control, beats };
}

test('an update that has waited as long as it may passes, is shown and is told with the health', async () => {
  const { runtime, maintenance, beats } = await start({ maxDeferralHours: 0 });
  await expect.poll(() => beats.at(-1)?.availability).toBe('online');
  expect(beats.at(-1)?.overrun).toBeUndefined();
  runtime.inspections.set('part-7', 600);
  expect(maintenance.ask('deployment d-1', 'update')).toEqual({ mayPass: true, isForced: true });
  const message = 'deployment d-1 has waited 0 h and passes in spite of: part-7';
  expect(runtime.notices()).toMatchObject([
    { level: 'warn', error: { code: 'MAINTENANCE_OVERRUN', message } },
  ]);
  await expect.poll(() => beats.at(-1)?.overrun?.message).toBe(message);
});

test('a device ends though the nucleus answers nothing any more', async () => {
  const { nucleus, channel, control, beats } = await start({});
  await expect.poll(() => beats.length).toBeGreaterThan(0);
  nucleus.isSilent = true;
  const before = nucleus.asked.length;
  let isAnswered = false;
  const settled = () => void (isAnswered = true);
  await expect.poll(() => nucleus.asked.length).toBeGreaterThan(before);
  void channel.publish(`vedette/${THING}/health`, Buffer.from('{}')).then(settled, settled);
  await control.close();
  // Its time-out is the nucleus' own; nothing waits for it.
  expect(isAnswered).toBe(false);
});
