import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, it } from 'vitest';
import { triggerSchema, type TriggerConfig } from '../../../component/contract/trigger-config.ts';
import { outputSchema } from '../../../component/contract/output-config.ts';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { opcuaLine } from '../../../component/delivery/outputs/opcua-line.ts';
import { signalOutput } from '../../../component/delivery/outputs/signal-output.ts';
import type { TriggerListener } from '../../../component/pipeline/triggers/trigger-source.ts';
import { openTrigger } from '../../../component/pipeline/triggers/open-trigger.ts';
import { TriggerSources } from '../../../component/pipeline/triggers/trigger-sources.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { FrameWatchers } from '../../../component/pipeline/triggers/frame-watchers.ts';
import { Pictures } from '../../../component/pipeline/pictures.ts';
import { sampleResult } from '../../integration/registry/sample-result.ts';
import { GpioStandIn } from '../../support/gpio-stand-in.ts';
import { ModbusDevice } from '../../support/modbus-device.ts';
import { MovingScene } from '../../support/moving-scene.ts';
import { OpcuaDevice } from '../../support/opcua-device.ts';
import { IpcLine } from '../../support/nucleus/ipc-line.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { describeTriggerSource, type TriggerFixture } from './trigger-source.contract.ts';

const trigger = (settings: Record<string, unknown>): TriggerConfig =>
  triggerSchema.parse({ camera: 'line', ...settings });
/** Of libgpiod; they differ in their arguments alone. */
const VERSIONS = process.env['VEDETTE_DEEP'] === '1' ? ([1, 2] as const) : ([2] as const);
const certificateFolder = mkdtempSync(path.join(tmpdir(), 'vedette-certificates-'));
afterAll(() => rmSync(certificateFolder, { recursive: true, force: true }));
const pictures = new Pictures(1_000_000);
afterAll(() => pictures.close());
const frames = new FrameWatchers(pictures);
const means = {
  ...{ channel: undefined, readSecret: async () => 'station-7', certificateFolder, frames },
};
const WAIT = { timeout: 20_000, interval: 5 };
const done = () => Promise.resolve();

describeTriggerSource('a message', async () => {
  const broker = await MqttBroker.start();
  const channel = await MqttChannel.open({ url: broker.url, clientId: 'line', onFault: () => {} });
  const client = await broker.client();
  return {
    open: (listener) =>
      openTrigger(trigger({ kind: 'mqtt', topic: 'line/trigger' }), listener, {
        ...means,
        channel,
      }),
    fire: async () => {
      await client.publishAsync('line/trigger', '{"context":{"lot":"7"}}', { qos: 1 });
    },
    context: { lot: '7' },
    peer: { lose: () => broker.interrupt(), resume: () => broker.resume() },
    close: async () => {
      await channel.close();
      await broker.close();
    },
  };
});

describeTriggerSource('a message through Greengrass', async () => {
  const line = await IpcLine.start();
  return {
    open: (listener) =>
      openTrigger(trigger({ kind: 'mqtt', topic: 'line/trigger' }), listener, {
        ...means,
        channel: line.channel,
      }),
    fire: async () => {
      line.nucleus.deliver('line/trigger', Buffer.from('{"context":{"lot":"7"}}'));
    },
    context: { lot: '7' },
    peer: line,
    close: () => line.close(),
  };
});

it('a retained message is told and triggers at no connection; the same one as it comes does', async () => {
  const broker = await MqttBroker.start();
  const client = await broker.client();
  await client.publishAsync('line/trigger', '{"id":"kept"}', { qos: 1, retain: true });
  const channel = await MqttChannel.open({ url: broker.url, clientId: 'line', onFault: () => {} });
  const [fired, refused]: [unknown[], string[]] = [[], []];
  const source = openTrigger(
    trigger({ kind: 'mqtt', topic: 'line/trigger' }),
    {
      fire: ({ id }) => void fired.push(id),
      refuse: ({ message }) => void refused.push(message),
      ...{ listening: () => {}, lost: () => {} },
    },
    { ...means, channel },
  );
  await expect.poll(() => refused.length, { timeout: 8000 }).toBe(1);
  expect(refused[0]).toMatch(/retained a message on line\/trigger/);
  await client.publishAsync('line/trigger', '{"id":"now"}', { qos: 1, retain: true });
  await expect.poll(() => fired, { timeout: 8000 }).toEqual(['now']);
  await source.close();
  await channel.close();
  await broker.close();
});

it('a configuration that comes in force as they are closed opens none', async () => {
  const faults = new FaultLog(pino({ level: 'silent' }));
  const fire = () => ({ transactionId: 'none', isKnown: false });
  const sources = new TriggerSources({ ...means, faults, trigger: fire as never });
  const every = (intervalMs: number) => ({ clock: trigger({ kind: 'schedule', intervalMs }) });
  await sources.use(every(60_000));
  const changed = sources.use(every(50_000));
  await Promise.all([sources.close(), changed]);
  expect(sources.statuses()).toEqual([]);
  await sources.use(every(60_000));
  expect(sources.statuses()).toEqual([]);
});

const clocks = {
  'an interval': { kind: 'schedule', intervalMs: 50 },
  'a cron expression': { kind: 'cron', expression: '* * * * * *' },
};
for (const [title, settings] of Object.entries(clocks)) {
  const open: TriggerFixture['open'] = (listener) =>
    openTrigger(trigger(settings), listener, means);
  const setUp = async () => ({ open, fire: done, close: done });
  describeTriggerSource(title, setUp, { isClock: true });
}

describeTriggerSource('a file that comes', async () => {
  const parent = await mkdtemp(path.join(tmpdir(), 'vedette-arrivals-'));
  const folder = path.join(parent, 'in');
  const away = path.join(parent, 'away');
  await mkdir(folder);
  await writeFile(path.join(folder, 'old.job'), '');
  let count = 0;
  return {
    open: (listener) =>
      openTrigger(
        trigger({ kind: 'folder', path: folder, suffix: '.job', pollMs: 20 }),
        listener,
        means,
      ),
    fire: async () => {
      count += 1;
      await writeFile(path.join(folder, 'other.txt'), '');
      await writeFile(path.join(folder, `part-${count}.job`), '');
    },
    context: { fileName: 'part-3.job' },
    peer: { lose: () => rename(folder, away), resume: () => rename(away, folder) },
    close: () => rm(parent, { recursive: true, force: true }),
  };
});

describeTriggerSource('a picture that changes', async () => {
  const scene = new MovingScene('line', frames);
  // The thread that measures is there before what is open is counted.
  await scene.start();
  return {
    open: (listener) =>
      openTrigger(
        trigger({
          ...{ kind: 'difference', sampleMs: 20, holdOffMs: 0, changedFraction: 0.2 },
          region: { x: 80, y: 0, width: 80, height: 90 },
        }),
        listener,
        means,
      ),
    // What changes outside of the region is not looked at.
    fire: async () => {
      scene.change('left');
      await scene.passed(4);
      scene.change('right');
      await scene.passed(4);
    },
    peer: { lose: async () => scene.lose(), resume: () => scene.start() },
    close: () => scene.close(),
  };
});

it('a camera that is lost while its picture is measured is lost, and that picture is compared with none', async () => {
  const scene = new MovingScene('line', frames);
  const [states, fired]: [string[], unknown[]] = [[], []];
  const source = openTrigger(
    trigger({ kind: 'difference', sampleMs: 20, holdOffMs: 0, changedFraction: 0.2 }),
    {
      fire: (request) => void fired.push(request),
      refuse: ({ message }) => void states.push(message),
      listening: () => void states.push('listening'),
      lost: ({ code }) => void states.push(code),
    },
    means,
  );
  // Told of each frame after the trigger, which measures it by then.
  const unwatch = frames.watch('line', { see: () => scene.lose(), lost: () => {} });
  await scene.start();
  unwatch();
  scene.change('left');
  await scene.start();
  await expect.poll(() => states.at(-1), WAIT).toBe('listening');
  await scene.passed(4);
  expect(states.indexOf('listening')).toBeGreaterThan(states.lastIndexOf('CAMERA_SOURCE_FAILED'));
  expect(fired).toEqual([]);
  scene.change('left');
  await expect.poll(() => fired.length, WAIT).toBe(1);
  await source.close();
  await scene.close();
});

describeTriggerSource('a coil of a Modbus device', async (): Promise<TriggerFixture> => {
  const device = await ModbusDevice.start();
  device.setRegister(20, 0x5032);
  device.setRegister(21, 0x3700);
  const settings = {
    ...{ kind: 'modbus', host: '127.0.0.1', table: 'coil', address: 9, edge: 'change' },
    ...{ pollMs: 2, timeoutMs: 500, productFrom: { address: 20, registers: 2, as: 'text' } },
  };
  let isOn = false;
  return {
    open: (listener) => openTrigger(trigger({ ...settings, port: device.port }), listener, means),
    fire: async () => device.setCoil(9, (isOn = !isOn)),
    context: { product: 'P27' },
    peer: { lose: () => device.interrupt(), resume: () => device.resume() },
    close: () => device.close(),
  };
});

for (const version of VERSIONS) {
  describeTriggerSource(`a line of a GPIO chip, libgpiod ${version}`, async () => {
    const gpio = await GpioStandIn.start(version);
    const settings = { kind: 'gpio', line: 17, edge: 'change', debounceMs: 20 };
    let level: 0 | 1 = 0;
    return {
      open: (listener) => openTrigger(trigger(settings), listener, means),
      // The contact bounces.
      fire: async () => {
        const before = level;
        level = level === 0 ? 1 : 0;
        for (const bounce of [level, before, level]) await gpio.edge(bounce, version);
      },
      peer: { lose: () => gpio.unplug(), resume: () => gpio.plug() },
      close: () => gpio.close(),
    };
  });
}

it('a node of an OPC UA server triggers, and another one gets the verdict', async () => {
  const device = await OpcuaDevice.start();
  const server = { kind: 'opcua', endpointUrl: device.url, timeoutMs: 10_000 };
  const fired: Parameters<TriggerListener['fire']>[0][] = [];
  let isListening = false;
  const node = { nodeId: 'ns=1;s=Trigger', edge: 'rising', productNodeId: 'ns=1;s=Product' };
  const source = openTrigger(
    trigger({ ...server, ...node, samplingMs: 10 }),
    {
      fire: (request) => void fired.push(request),
      refuse: () => {},
      listening: () => (isListening = true),
      lost: () => (isListening = false),
    },
    means,
  );
  await expect.poll(() => isListening, WAIT).toBe(true);
  device.set(true);
  await expect.poll(() => fired.length, WAIT).toBe(1);
  expect(await fired[0]!.arriving).toEqual({ product: 'P27' });

  const verdict = { nodeId: 'ns=1;s=Verdict', values: { fail: 2 } };
  const config = outputSchema.parse({ ...server, ...verdict });
  if (config.kind !== 'opcua') throw new Error('it is of another kind');
  const output = signalOutput(config, opcuaLine(config, means));
  const message = { result: sampleResult({ outcome: 'fail' }), outcome: 'fail' as const };
  const untilMs = performance.now() + 20_000;
  expect(await output.send(message, new AbortController().signal, untilMs)).toMatch(
    /Verdict .* = 2$/,
  );
  expect(device.written).toEqual([2]);
  await output.close?.();
  await source.close();
  await device.close();
}, 60_000);

// Its server takes seconds to start.
if (process.env['VEDETTE_DEEP'] === '1') {
  describeTriggerSource('a node of an OPC UA server', async () => {
    const device = await OpcuaDevice.start();
    const settings = {
      ...{ kind: 'opcua', endpointUrl: device.url, nodeId: 'ns=1;s=Trigger', edge: 'change' },
      ...{ samplingMs: 10, productNodeId: 'ns=1;s=Product', timeoutMs: 2000 },
      ...{ username: OpcuaDevice.user.name, password: { env: 'PASSWORD' } },
    };
    let isOn = false;
    return {
      open: (listener) => openTrigger(trigger(settings), listener, means),
      fire: async () => device.set((isOn = !isOn)),
      context: { product: 'P27' },
      peer: { lose: () => device.interrupt(), resume: () => device.resume() },
      close: () => device.close(),
    };
  });

  it('an OPC UA trigger outlives bad values in its session, and the end of its subscription', async () => {
    const device = await OpcuaDevice.start();
    const settings = {
      ...{ kind: 'opcua', endpointUrl: device.url, nodeId: 'ns=1;s=Trigger', edge: 'rising' },
      ...{ samplingMs: 10, productNodeId: 'ns=1;s=Product', timeoutMs: 3000 },
    };
    const fired: Parameters<TriggerListener['fire']>[0][] = [];
    const states: string[] = [];
    const state = () => states.at(-1);
    const source = openTrigger(
      trigger(settings),
      {
        fire: (request) => void fired.push(request),
        refuse: ({ message }) => void states.push(message),
        listening: () => void states.push('listening'),
        lost: ({ message }) => void states.push(message),
      },
      means,
    );
    const rise = async () => {
      const before = fired.length;
      device.set(true);
      await expect.poll(() => fired.length, WAIT).toBe(before + 1);
      device.set(false);
    };
    await expect.poll(state, WAIT).toBe('listening');
    await rise();
    expect(await fired[0]!.arriving).toEqual({ product: 'P27' });

    device.isBad = true;
    await expect.poll(state, WAIT).toMatch(/BadSensorFailure/);
    device.isBad = false;
    await expect.poll(state, WAIT).toBe('listening');
    await rise();
    expect(device.sessions).toBe(1);

    expect(device.dropSubscriptions()).toBe(1);
    await expect.poll(() => states.join(), WAIT).toMatch(/subscription/);
    await expect.poll(() => device.sessions, WAIT).toBe(2);
    await expect.poll(state, WAIT).toBe('listening');
    device.product = '';
    await rise();
    expect(await fired.at(-1)!.arriving).toEqual({});
    await source.close();
    await device.close();
  }, 60_000);
}
