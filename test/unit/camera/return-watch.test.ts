import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { askSource, sourceAddress, untilBack } from '../../../component/camera/return-watch.ts';

const never = new AbortController().signal;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers what it is asked by `answer`, and what it was told. */
async function listen(answer: () => string, port = 0) {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard.push(text);
      socket.write(answer());
    });
  });
  servers.push(server);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { server, heard, port: (server.address() as { port: number }).port };
}

describe('sourceAddress', () => {
  it('knows the port of each protocol', () => {
    expect(sourceAddress('rtsp://cam/live')).toMatchObject({ host: 'cam', port: 554 });
    expect(sourceAddress('https://[::1]/x')).toEqual({ host: '::1', port: 443 });
    expect(sourceAddress('http://cam:8080/x')).toMatchObject({ host: 'cam', port: 8080 });
    expect(sourceAddress('/data/clip.mp4')).toBeUndefined();
  });

  it('never asks with a login', () => {
    expect(sourceAddress('rtsp://ann:secret@cam/live')?.question).toMatch(
      /^DESCRIBE rtsp:\/\/cam\/live RTSP/,
    );
    expect(sourceAddress('http://ann:secret@cam/live')?.question).toMatch(
      /^GET \/live HTTP\/1\.1\r\nHost: cam\r\n/,
    );
    for (const protocol of ['rtsp', 'http']) {
      const withLogin = `${protocol}://cam/live?user=ann&pwd=secret`;
      expect(sourceAddress(withLogin)?.question).toBeUndefined();
    }
  });
});

describe('untilBack', () => {
  it('resolves when the port is open again', async () => {
    const { server, port } = await listen(() => 'RTSP/1.0 200 OK\r\n\r\n');
    await new Promise((resolve) => server.close(resolve));
    const back = untilBack(`rtsp://127.0.0.1:${port}/live`, never, false);
    expect(await askSource({ host: '127.0.0.1', port }, never)).toBe('closed');
    const { heard } = await listen(() => 'RTSP/1.0 200 OK\r\n\r\n', port);
    await back;
    expect(heard.length).toBeGreaterThan(0);
  });

  it('waits for the stream behind an open port, and takes the wish for a login as there', async () => {
    let status = '404 Not Found';
    const { port, heard } = await listen(() => `RTSP/1.0 ${status}\r\n\r\n`);
    const back = untilBack(`rtsp://ann:secret@127.0.0.1:${port}/live`, never, false);
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    status = '401 Unauthorized';
    await back;
    expect(heard.length).toBeGreaterThan(1);
    expect(heard.join('')).not.toMatch(/secret|Authorization/);
  });

  it('does not wake what answered well all the time', async () => {
    const { port, heard } = await listen(() => 'RTSP/1.0 200 OK\r\n\r\n');
    const stop = new AbortController();
    let isOver = false;
    const back = untilBack(`rtsp://127.0.0.1:${port}/live`, stop.signal, false).then(() => {
      isOver = true;
    });
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await askSource({ host: '127.0.0.1', port }, never)).toBe('open');
    expect(isOver).toBe(false);
    stop.abort();
    await back;
    expect(heard).toHaveLength(1);
  });
});
