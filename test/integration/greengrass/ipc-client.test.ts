import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeFrame } from '../../../component/greengrass/eventstream-frames.ts';
import { IpcClient } from '../../../component/greengrass/ipc-client.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const ROUNDS = isDeep ? 1000 : 60;
const ACCEPTED = { type: 5, flags: 1, streamId: 0, headers: {}, payload: Buffer.alloc(0) };
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** It is looked at later. */
function handled<T>(call: Promise<T>): Promise<T> {
  call.catch(() => {});
  return call;
}

const descriptors = () => readdirSync('/proc/self/fd').length;

test(
  `calls that are begun around the end of a connection all end, ${ROUNDS} times`,
  { timeout: ROUNDS * 1000 },
  async () => {
    const nucleus = await EmulatedNucleus.start(LITE, {});
    closing.push(() => nucleus.close());
    const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
    const before = descriptors();
    const ends = { answered: 0, lost: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = await IpcClient.open(address, 5000);
      let ended = 0;
      const begin = (index: number): Promise<unknown> =>
        index % 3 === 0
          ? client.subscribe(
              'SubscribeToConfigurationUpdate',
              { keyPath: [] },
              { onEvent: () => {}, onEnded: () => (ended += 1) },
            )
          : client.call('GetConfiguration', { keyPath: [] });
      const calls: Promise<unknown>[] = [];
      for (let index = 0; index < 12; index += 1) {
        if (index === round % 12) nucleus.dropConnections();
        calls.push(handled(begin(index)));
        if (index % 4 === round % 4) await pause(0);
      }
      const settled = await Promise.allSettled(calls);
      const refused = settled.filter((one) => one.status === 'rejected');
      for (const { reason } of refused) {
        expect(reason).toMatchObject({ code: 'GREENGRASS_UNAVAILABLE' });
      }
      ends.answered += settled.length - refused.length;
      ends.lost += refused.length;
      await expect.poll(() => client.lost.aborted).toBe(true);
      // Who subscribed is told that nothing more comes, once.
      const subscribed = settled.filter(
        (one, index) => one.status === 'fulfilled' && index % 3 === 0,
      );
      expect(ended).toBe(subscribed.length);
    }
    expect(ends.lost).toBeGreaterThan(ROUNDS);
    await expect.poll(descriptors).toBeLessThanOrEqual(before + 1);
  },
);

test('a connection that is closed here ends what waits, and answers nothing more', async () => {
  const nucleus = await EmulatedNucleus.start(CLASSIC, {});
  closing.push(() => nucleus.close());
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const client = await IpcClient.open(address, 5000);
  nucleus.isSilent = true;
  const waiting = client.call('GetConfiguration', { keyPath: [] });
  client.close();
  await expect(waiting).rejects.toMatchObject({ code: 'GREENGRASS_UNAVAILABLE' });
  await expect(client.call('GetConfiguration', {})).rejects.toMatchObject({
    code: 'GREENGRASS_UNAVAILABLE',
  });
});

test('a nucleus that answers nothing is asked a bounded number of times at once', async () => {
  const nucleus = await EmulatedNucleus.start(CLASSIC, {});
  closing.push(() => nucleus.close());
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const client = await IpcClient.open(address, 60_000);
  nucleus.isSilent = true;
  const calls = Array.from({ length: 300 }, () =>
    handled(client.call('GetConfiguration', { keyPath: [] })),
  );
  await expect(calls.at(-1)).rejects.toMatchObject({
    code: 'GREENGRASS_UNAVAILABLE',
    message: 'GetConfiguration: 256 calls wait for the nucleus',
  });
  client.close();
  const settled = await Promise.allSettled(calls);
  expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
});

describe('what is no nucleus', () => {
  /** Answers each connection with these bytes. */
  async function liar(answer: (socket: Socket) => void): Promise<string> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-liar-'));
    const socketFile = path.join(folder, 'ipc.socket');
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(socketFile, resolve));
    closing.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    });
    return socketFile;
  }

  const corrupt = Buffer.from(encodeFrame(ACCEPTED));
  corrupt[20]! ^= 1;
  const tooLong = Buffer.alloc(12);
  tooLong.writeUInt32BE(0x7fff_ffff, 0);
  test.each([
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a frame with a wrong sum', corrupt],
    ['a frame of two gigabytes', tooLong],
    ['nothing, and hangs up', undefined],
  ])('%s is a coded error', async (_what, bytes) => {
    const socketFile = await liar((socket) => (bytes ? socket.write(bytes) : socket.destroy()));
    await expect(IpcClient.open({ socketFile, authToken: 'x' }, 5000)).rejects.toMatchObject({
      code: 'GREENGRASS_UNAVAILABLE',
    });
  });

  test('silence is a time-out', async () => {
    const socketFile = await liar(() => {});
    await expect(IpcClient.open({ socketFile, authToken: 'x' }, 100)).rejects.toMatchObject({
      code: 'GREENGRASS_TIMEOUT',
    });
  });

  test('an answer that is no JSON ends the connection and the call', async () => {
    const socketFile = await liar((socket) => {
      socket.once('data', () => {
        socket.write(encodeFrame(ACCEPTED));
        socket.once('data', () => {
          socket.write(
            encodeFrame({
              ...ACCEPTED,
              type: 0,
              flags: 2,
              streamId: 1,
              payload: Buffer.from('{"a"'),
            }),
          );
        });
      });
    });
    const client = await IpcClient.open({ socketFile, authToken: 'x' }, 5000);
    await expect(client.call('GetConfiguration', {})).rejects.toMatchObject({
      code: 'GREENGRASS_UNAVAILABLE',
    });
    expect(client.lost.aborted).toBe(true);
  });
});
