import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModbusClient } from '../../../component/field-io/modbus-client.ts';
import type { ModbusRequest } from '../../../component/field-io/modbus-frame.ts';
import { ModbusDevice } from '../../support/modbus-device.ts';

const never = new AbortController().signal;
const at = (port: number, timeoutMs = 2000) =>
  ModbusClient.open({ host: '127.0.0.1', port, unitId: 1, timeoutMs }, never);
const read = (table: 'coil' | 'holding-register', address: number, count: number) =>
  ({ kind: 'read', table, address, count }) as const;

describe('a Modbus device', () => {
  let device: ModbusDevice;
  let client: ModbusClient;
  beforeAll(async () => {
    device = await ModbusDevice.start();
    client = await at(device.port);
  });
  afterAll(async () => {
    client.close();
    await device.close();
  });

  it('gives bits and words as they stand in it, at every offset of a byte', async () => {
    for (let address = 0; address < 40; address += 1) device.setCoil(address, address % 3 === 0);
    for (const start of [0, 1, 7, 8, 13]) {
      const bits = await client.ask(read('coil', start, 20));
      expect(bits).toEqual(Array.from({ length: 20 }, (_, n) => ((start + n) % 3 === 0 ? 1 : 0)));
    }
    const words = Array.from({ length: 125 }, (_, n) => (n * 40_503) % 65_536);
    words.forEach((word, n) => device.setRegister(n, word));
    expect(await client.ask(read('holding-register', 0, 125))).toEqual(words);
  });

  it('takes what is written', async () => {
    await client.ask({ kind: 'write', table: 'holding-register', address: 200, value: 65_535 });
    expect(await client.ask(read('holding-register', 200, 1))).toEqual([65_535]);
    for (const value of [1, 0]) {
      await client.ask({ kind: 'write', table: 'coil', address: 77, value });
      expect(await client.ask(read('coil', 77, 1))).toEqual([value]);
    }
  });

  it('that refuses an address says so, and the connection goes on', async () => {
    const refused = client.ask({
      ...{ kind: 'write', table: 'holding-register', address: 60_000, value: 1 },
    });
    await expect(refused).rejects.toMatchObject({ code: 'FIELD_DEVICE_REFUSED' });
    await expect(refused).rejects.toThrow(/exception 2, it has no such address/);
    expect(client.isOpen).toBe(true);
  });
});

describe('what is no Modbus device', () => {
  let server: Server;
  let answer: (socket: Socket, asked: Buffer) => void;
  let port: number;
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {}).on('data', (asked) => answer(socket, asked));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  const request: ModbusRequest = read('holding-register', 0, 2);
  const good = (asked: Buffer) =>
    Buffer.from([asked[0]!, asked[1]!, 0, 0, 0, 7, 1, 3, 4, 0, 1, 0, 2]);
  const changed = (index: number, value: number) => (socket: Socket, asked: Buffer) => {
    const frame = good(asked);
    frame[index] = value;
    socket.write(frame);
  };
  const wrongs: Record<string, typeof answer> = {
    'another protocol': (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    'another transaction': changed(0, 9),
    'another function': changed(7, 4),
    'fewer words than it says': changed(8, 2),
    'a frame that is too short': changed(5, 2),
    'a frame that is too long': changed(4, 9),
    'an answer twice': (socket, asked) => socket.write(Buffer.concat([good(asked), good(asked)])),
    nothing: () => {},
    'an end': (socket) => socket.destroy(),
  };

  it.each(Object.entries(wrongs))('is told by %s and used no more', async (_title, wrong) => {
    answer = wrong;
    const client = await at(port, 200);
    await client.ask(request).catch(() => {});
    await expect.poll(() => client.isOpen).toBe(false);
    await expect(client.ask(request)).rejects.toMatchObject({ code: 'FIELD_DEVICE_OFFLINE' });
  });

  it('an answer in pieces of a byte is one', async () => {
    answer = (socket, asked) => {
      for (const byte of good(asked)) socket.write(Buffer.from([byte]));
    };
    const client = await at(port);
    expect(await client.ask(request)).toEqual([1, 2]);
    client.close();
  });

  it('an address where nobody listens is an error at once', async () => {
    await expect(at(1)).rejects.toMatchObject({ code: 'FIELD_DEVICE_OFFLINE' });
  });
});
