import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { outputSchema } from '../../../component/contract/output-config.ts';
import type { OutputRecord } from '../../../component/contract/output.ts';
import type { Outcome } from '../../../component/contract/result.ts';
import { gpioLine } from '../../../component/delivery/outputs/gpio-line.ts';
import { modbusLine } from '../../../component/delivery/outputs/modbus-line.ts';
import { OutputQueue } from '../../../component/delivery/outputs/output-queue.ts';
import { signalOutput } from '../../../component/delivery/outputs/signal-output.ts';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { sampleResult } from '../../integration/registry/sample-result.ts';
import { GpioStandIn } from '../../support/gpio-stand-in.ts';
import { ModbusDevice } from '../../support/modbus-device.ts';
import { OpcuaDevice } from '../../support/opcua-device.ts';
import { IpcLine } from '../../support/nucleus/ipc-line.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { describeOutput } from './output.contract.ts';

/** Whether a request was signed with the key that outputs here read (RFC 2104), and not long ago. */
function isSigned(body: string, signature: unknown): boolean {
  const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(signature)) ?? [];
  const isNow = Math.abs(Date.now() / 1000 - Number(seconds)) < 60;
  return isNow && mac === createHmac('sha256', 'key').update(`${seconds}.${body}`).digest('hex');
}

const outcomeOf = (body: string): Outcome => (JSON.parse(body) as { outcome: Outcome }).outcome;

describeOutput('a webhook', async () => {
  const received: Outcome[] = [];
  let server: Server;
  let port = 0;
  const resume = async () => {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const isTrue = isSigned(body, request.headers['vedette-signature']);
        if (isTrue) received.push(outcomeOf(body));
        response.writeHead(isTrue ? 204 : 401, { connection: 'close' }).end();
      });
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const lose = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await resume();
  return {
    settings: { kind: 'webhook', url: `http://127.0.0.1:${port}/v`, secret: { env: 'KEY' } },
    received: () => received,
    lose,
    resume,
    close: lose,
  };
});

describeOutput('a message', async () => {
  const broker = await MqttBroker.start();
  const channel = await MqttChannel.open({ url: broker.url, clientId: 'line', onFault: () => {} });
  const client = await broker.client();
  const received: Outcome[] = [];
  client.on('message', (_topic, payload) => received.push(outcomeOf(payload.toString())));
  await client.subscribeAsync('line/verdict', { qos: 1 });
  const connected = () =>
    channel.isConnected
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          const unwatch = channel.watch((isConnected) => {
            if (!isConnected) return;
            unwatch();
            resolve();
          });
        });
  await connected();
  return {
    settings: { kind: 'mqtt', topic: 'line/verdict' },
    channel,
    received: () => received,
    lose: () => broker.interrupt(),
    resume: async () => {
      await broker.resume();
      await connected();
    },
    close: async () => {
      await channel.close();
      await broker.close();
    },
  };
});

describeOutput('a message through Greengrass', async () => {
  const line = await IpcLine.start();
  return {
    settings: { kind: 'mqtt', topic: 'line/verdict' },
    channel: line.channel,
    received: () => line.nucleus.published.map(({ payload }) => outcomeOf(payload.toString())),
    lose: () => line.lose(),
    resume: () => line.resume(),
    close: () => line.close(),
  };
});

const WAIT = { timeout: 8000, interval: 5 };
const isDeep = process.env['VEDETTE_DEEP'] === '1';
/** Of libgpiod; they differ in their arguments alone. */
const VERSIONS = isDeep ? ([1, 2] as const) : ([1] as const);
const SIGNALS = { fail: 1, review: 0 };
const signalled = (values: readonly number[]): Outcome[] =>
  values.map((value) => (value === 1 ? 'fail' : 'review'));

describeOutput(
  'a coil of a Modbus device',
  async () => {
    const device = await ModbusDevice.start();
    return {
      settings: {
        ...{ kind: 'modbus', host: '127.0.0.1', port: device.port, table: 'coil', address: 5 },
        ...{ values: SIGNALS, timeoutMs: 300, giveUpAfterMs: 10_000 },
      },
      received: () => signalled(device.written),
      lose: () => device.interrupt(),
      resume: () => device.resume(),
      close: () => device.close(),
    };
  },
  { isQuick: true },
);

// Its server takes seconds to start.
if (isDeep) {
  describeOutput('a node of an OPC UA server', async () => {
    const device = await OpcuaDevice.start();
    return {
      settings: {
        ...{ kind: 'opcua', endpointUrl: device.url, nodeId: 'ns=1;s=Verdict' },
        ...{ values: SIGNALS, timeoutMs: 2000, giveUpAfterMs: 10_000 },
      },
      received: () => signalled(device.written),
      lose: () => device.interrupt(),
      resume: () => device.resume(),
      close: () => device.close(),
    };
  });
}

for (const version of VERSIONS) {
  describeOutput(`a line of a GPIO chip, libgpiod ${version}`, async () => {
    const gpio = await GpioStandIn.start(version);
    return {
      settings: { kind: 'gpio', line: 17, values: SIGNALS, giveUpAfterMs: 10_000 },
      // A line that has its level already is left alone.
      received: async () => {
        const levels = await gpio.levels();
        return signalled(levels.join() === '1,0' ? [1, 0, 0] : levels);
      },
      lose: () => gpio.unplug(),
      resume: () => gpio.plug(),
      close: () => gpio.close(),
    };
  });
}

it('a level whose holder ends by itself is told as lost once, and set again', async () => {
  const gpio = await GpioStandIn.start(2);
  const settings = { kind: 'gpio', line: 17, values: SIGNALS };
  const config = outputSchema.parse(settings);
  if (config.kind !== 'gpio') throw new Error('it is of another kind');
  const lost: string[] = [];
  const line = gpioLine(config, ({ message }) => lost.push(message));
  const signal = new AbortController().signal;
  await line.reach(signal);
  await line.write(1, signal);
  await gpio.unplug();
  await expect.poll(() => lost.length, WAIT).toBe(1);
  await gpio.plug();
  await expect.poll(() => gpio.levels(), WAIT).toEqual([1, 1]);
  // What is written then finds one holder.
  await line.write(0, signal);
  await expect.poll(() => gpio.levels(), WAIT).toEqual([1, 1, 0]);
  await line.close();
  expect(await gpio.holders()).toEqual([]);
  expect(lost).toEqual([expect.stringMatching(/^gpioset .* it ended with/)]);
  await gpio.close();
});

it('a machine is tried several times a second, however long it is away', async () => {
  let tries = 0;
  const server = createTcpServer((socket) => {
    tries += 1;
    socket.on('error', () => {}).destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port: tcpPort } = server.address() as AddressInfo;
  const config = outputSchema.parse({
    ...{ kind: 'modbus', host: '127.0.0.1', port: tcpPort, table: 'coil', address: 5 },
    ...{ values: SIGNALS, giveUpAfterMs: 60_000 },
  });
  if (config.kind !== 'modbus') throw new Error('it is of another kind');
  const port = signalOutput(config, modbusLine(config));
  const queue = new OutputQueue({ name: 'press', config, port, onEnd: () => {} });
  queue.add({ result: sampleResult(), outcome: 'fail' });
  // With pauses that double without end the seventh try comes after 7.8 s at the earliest.
  await expect.poll(() => tries, { timeout: 7000, interval: 5 }).toBeGreaterThan(6);
  await queue.close();
  await new Promise((resolve) => server.close(resolve));
});

describe('a value whose acknowledgement is lost', () => {
  const told = async (pulse: Record<string, unknown>) => {
    const device = await ModbusDevice.start();
    const config = outputSchema.parse({
      ...{ kind: 'modbus', host: '127.0.0.1', port: device.port, table: 'holding-register' },
      ...{ address: 3, values: { fail: 7 }, restValue: 2, giveUpAfterMs: 10_000, ...pulse },
    });
    if (config.kind !== 'modbus') throw new Error('it is of another kind');
    const records: OutputRecord[] = [];
    const port = signalOutput(config, modbusLine(config));
    const onEnd = (record: OutputRecord) => void records.push(record);
    const queue = new OutputQueue({ name: 'press', config, port, onEnd });
    device.answersToLose = 1;
    queue.add({ result: sampleResult(), outcome: 'fail' });
    await expect.poll(() => records.length, { timeout: 8000 }).toBe(1);
    return { device, queue, record: records[0]!, close: () => queue.close() };
  };

  it('is set again where it stays', async () => {
    const { device, record, close } = await told({});
    expect(record).toMatchObject({ end: 'acknowledged', attempts: 2 });
    expect(device.written).toEqual([7, 7]);
    await close();
    await device.close();
  });

  it('is not given again as a pulse, which ends and is told as what it is', async () => {
    const { device, queue, record, close } = await told({ pulseMs: 20 });
    expect(record).toMatchObject({ end: 'given-up', attempts: 1 });
    expect(record.detail).toMatch(/may have been set, and is not set again/);
    await expect.poll(() => device.written, { timeout: 8000 }).toEqual([7, 2]);
    queue.add({ result: sampleResult(), outcome: 'fail' });
    await expect.poll(() => device.written, { timeout: 8000 }).toEqual([7, 2, 7, 2]);
    await close();
    await device.close();
  });
});

it('a pulse that the holder of a GPIO line cannot give is no configuration', () => {
  const given = { kind: 'gpio', line: 17, values: { fail: 1 } };
  expect(outputSchema.safeParse({ ...given, pulseMs: 60 }).success).toBe(true);
  expect(outputSchema.safeParse({ ...given, pulseMs: 59 }).error?.issues[0]).toMatchObject({
    ...{ path: ['pulseMs'], code: 'too_small', minimum: 60 },
  });
});

describe('a pulse', () => {
  const settings = (port: number, rest: Record<string, unknown>) =>
    outputSchema.parse({
      ...{ kind: 'modbus', host: '127.0.0.1', port, table: 'holding-register', address: 3 },
      ...{ values: { fail: 7 }, pulseMs: 60_000, restValue: 2, ...rest },
    });

  it('is given once its delay is over, for as long as it is to be', async () => {
    const device = await ModbusDevice.start();
    const config = settings(device.port, { delayMs: 150, pulseMs: 100 });
    if (config.kind !== 'modbus') throw new Error('it is of another kind');
    const ended = Promise.withResolvers<OutputRecord>();
    const port = signalOutput(config, modbusLine(config));
    const queue = new OutputQueue({ name: 'press', config, port, onEnd: ended.resolve });
    const toldMs = performance.now();
    queue.add({ result: sampleResult(), outcome: 'fail' });
    await expect.poll(() => device.written, { timeout: 8000, interval: 5 }).toContain(7);
    // Timers count in whole milliseconds.
    expect(performance.now() - toldMs).toBeGreaterThan(148);
    expect(await ended.promise).toMatchObject({ end: 'acknowledged', attempts: 1 });
    expect(performance.now() - toldMs).toBeGreaterThan(247);
    expect(device.written).toEqual([7, 2]);
    await queue.close();
    await device.close();
  });

  it('that the end of the output cuts short ends at its value of rest', async () => {
    const device = await ModbusDevice.start();
    const config = settings(device.port, {});
    if (config.kind !== 'modbus') throw new Error('it is of another kind');
    const output = signalOutput(config, modbusLine(config));
    const stop = new AbortController();
    const sent = output.send(
      { result: sampleResult(), outcome: 'fail' },
      stop.signal,
      performance.now() + 5000,
    );
    await expect.poll(() => device.written).toEqual([7]);
    stop.abort();
    await output.close!();
    await sent;
    expect(device.written).toEqual([7, 2]);
    expect(device.holding.readUInt16BE(6)).toBe(2);
    await device.close();
  });
});
