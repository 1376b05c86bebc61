import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { MqttChannel } from '../../../component/delivery/mqtt-channel.ts';
import { openDeliveringDevice, waiting } from '../../support/delivering-device.ts';
import { Receiver, upTo } from '../../support/delivery-parts.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { mountSmall, unmount } from '../../support/small-disk.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openBroker(settings: readonly string[] = []) {
  const broker = await MqttBroker.start(undefined, settings);
  closing.push(() => broker.close());
  return broker;
}

async function openChannel(url: string, ca?: string) {
  const faults: VedetteError[] = [];
  const channel = await MqttChannel.open({
    url,
    clientId: 'station-7',
    ...(ca === undefined ? {} : { ca }),
    onFault: (error) => faults.push(error),
  });
  closing.push(() => channel.close());
  return { channel, faults };
}

async function receiverOf(broker: MqttBroker, filter = 'vedette/+/+/+'): Promise<Receiver> {
  const receiver = new Receiver();
  const cloud = await broker.client();
  cloud.on('message', (_topic, payload) => receiver.receive(payload));
  await cloud.subscribeAsync(filter, { qos: 1 });
  return receiver;
}

/** A certificate authority of one's own, with a certificate for a broker on loopback. */
function makeAuthority(folder: string, name: string) {
  const file = (suffix: string) => path.join(folder, `${name}-${suffix}`);
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const authority = ['-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', `/CN=${name}`];
  openssl('req', '-x509', ...newKey, '-days', '2', ...authority);
  const request = ['-keyout', file('key.pem'), '-out', file('csr.pem'), '-subj', '/CN=broker'];
  openssl('req', ...newKey, ...request);
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1');
  const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  const signed = ['-in', file('csr.pem'), '-out', file('cert.pem'), '-extfile', file('names')];
  openssl('x509', '-req', ...signer, ...signed, '-days', '2');
  return {
    pem: readFileSync(file('ca.pem'), 'utf8'),
    broker: [`certfile ${file('cert.pem')}`, `keyfile ${file('key.pem')}`],
  };
}

test('a broker with a certificate of its own authority is trusted by who knows it, and by nobody else', async () => {
  const folder = await temporaryFolder();
  const own = makeAuthority(folder, 'plant');
  const other = makeAuthority(folder, 'elsewhere');
  // mosquitto drops root, and the folder is the test's alone.
  const broker = await openBroker([...own.broker, 'user root']);
  const url = `mqtts://127.0.0.1:${broker.port}`;
  for (const ca of [other.pem, undefined]) {
    const { channel, faults } = await openChannel(url, ca);
    await expect.poll(() => faults.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(faults[0]).toMatchObject({ code: 'CHANNEL_OFFLINE', retryable: true });
    expect(faults[0]!.message).toMatch(/cannot be reached: .*certificate/);
    expect(channel.isConnected).toBe(false);
    const refused = channel.publish('vedette/station-7/dock/result', Buffer.from('{}'));
    await expect(refused).rejects.toMatchObject({ code: 'CHANNEL_OFFLINE' });
  }
  const { channel, faults } = await openChannel(url, own.pem);
  const device = await openDeliveringDevice(closing, channel);
  for (const _ of upTo(5)) await device.append({ camera: 'dock' });
  await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
  expect(faults).toEqual([]);
});

/** The way to a broker, whose answers can be held up. */
async function openSlowWay(broker: MqttBroker) {
  const way = { isHeld: false, release: () => undefined as void };
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(broker.port, '127.0.0.1');
    const held: Buffer[] = [];
    far.on('data', (bytes: Buffer) => (way.isHeld ? held.push(bytes) : near.write(bytes)));
    near.pipe(far);
    way.release = () => {
      way.isHeld = false;
      for (const bytes of held.splice(0)) near.write(bytes);
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => [near, far].map((one) => one.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { way, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a broker that confirms late has at most ten messages, and alarms of meanwhile come next', async () => {
  const broker = await openBroker();
  const receiver = await receiverOf(broker);
  const { way, url } = await openSlowWay(broker);
  const { channel } = await openChannel(url);
  await expect.poll(() => channel.isConnected, { timeout: 10_000 }).toBe(true);
  way.isHeld = true;
  const device = await openDeliveringDevice(closing, channel);
  for (const _ of upTo(40)) await device.append({ camera: 'dock' });
  await expect.poll(() => receiver.messages.size, { timeout: 10_000 }).toBe(10);
  for (const _ of upTo(5)) await device.append({ camera: 'dock', outcome: 'fail' });
  expect(await waiting(device)).toBe(45);
  expect(device.sender.statistics.inFlight).toBe(10);
  expect(receiver.messages.size).toBe(10);
  way.release();
  await expect.poll(() => receiver.messages.size, { timeout: 10_000 }).toBe(45);
  const order = receiver.of('dock').map(({ sequence }) => sequence);
  const after = (first: number) => upTo(30).map((count) => first + count);
  expect(order).toEqual([...upTo(10), 41, 42, 43, 44, 45, ...after(10)]);
  expect(Math.max(...receiver.copies.values())).toBe(1);
  await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
});

test('a topic that a broker refuses is named, waits, and holds up no other', async () => {
  const folder = await temporaryFolder();
  const rules = path.join(folder, 'acl');
  writeFileSync(rules, 'topic readwrite vedette/+/gate/#\n', { mode: 0o600 });
  const broker = await openBroker([`acl_file ${rules}`, 'user root']);
  const receiver = await receiverOf(broker, 'vedette/+/gate/+');
  const { channel } = await openChannel(broker.url);
  const device = await openDeliveringDevice(closing, channel);
  for (const _ of upTo(15)) {
    await device.append({ camera: 'dock', outcome: 'fail' });
    await device.append({ camera: 'gate' });
  }
  await expect.poll(() => receiver.sequences('gate'), { timeout: 10_000 }).toEqual(upTo(15));
  await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(15);
  const refused = () => device.sender.statistics.refusedTopics;
  await expect
    .poll(() => Object.keys(refused()), { timeout: 10_000 })
    .toEqual(['vedette/station-7/dock/result']);
  expect(channel.isConnected).toBe(true);
});

const probe = mountSmall();
if (probe !== undefined) unmount(probe);

test.skipIf(probe === undefined)(
  'a disk that is full holds up what is new, sends what waits, and then everything once (skipped where mounting is not permitted)',
  async () => {
    const folder = mountSmall()!;
    closing.push(async () => unmount(folder));
    const broker = await openBroker();
    const receiver = await receiverOf(broker);
    const { channel } = await openChannel(broker.url);
    const device = await openDeliveringDevice(closing, channel, {}, folder);
    await device.append({ camera: 'dock' });
    await expect.poll(() => receiver.messages.size, { timeout: 10_000 }).toBe(1);
    const { bavail, bsize } = statfsSync(folder);
    const ballast = path.join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 65_536));
    let offered = 1;
    let queued = 0;
    while (queued < 20) {
      offered += 1;
      const attempt = device.append({ camera: 'dock', reason: 'x'.repeat(20_000) });
      await attempt.catch((thrown: VedetteError) => {
        expect(thrown).toMatchObject({ code: 'STORAGE_FULL', details: { isQueued: true } });
        queued += 1;
      });
    }
    rmSync(ballast);
    await expect.poll(() => receiver.sequences('dock'), { timeout: 20_000 }).toEqual(upTo(offered));
    await expect.poll(() => waiting(device), { timeout: 10_000 }).toBe(0);
    expect(Math.max(...receiver.copies.values())).toBe(1);
  },
);
