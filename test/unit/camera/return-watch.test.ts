import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { SourceLogin } from '../../../component/camera/source-login.ts';
import {
  askSource,
  saidBy,
  sourceAddress,
  untilBack,
} from '../../../component/camera/return-watch.ts';

const CLOSES = 'Connection: close\r\n';
const never = new AbortController().signal;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers what it is asked by `answer`, and what it was told. */
async function listen(
  answer: () => string,
  port = 0,
  refusal: (told: string) => string | undefined = () => undefined,
) {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard.push(text);
      const said = refusal(text) ?? answer();
      socket.write(said, () => said.includes(CLOSES) && socket.end());
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
      const ofChannel = `${protocol}://cam/realmonitor?channel=1&subtype=0`;
      expect(sourceAddress(ofChannel)?.question).toContain('/realmonitor?channel=1&subtype=0 ');
    }
  });
});

describe('saidBy', () => {
  it('says nothing of what has no address', async () => {
    expect(await saidBy('/dev/video0', 'connection', never)).toBeUndefined();
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

  it('waits until a port that sends anything else speaks as a camera does', async () => {
    let answer = '$\0\0\x08 no answer';
    const { port, heard } = await listen(() => answer);
    const url = `rtsp://127.0.0.1:${port}/live`;
    expect(await saidBy(url, 'question', never)).toBe('garbled');
    const back = untilBack(url, never, false);
    while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
    answer = 'RTSP/1.0 200 OK\r\n\r\n';
    await back;
    expect(heard.length).toBeGreaterThan(2);
    expect(await saidBy(url, 'question', never)).toBe('200');
  });

  const loginOf = (password: string) => {
    const login = new SourceLogin();
    login.use({ username: 'ann', password });
    return login;
  };
  /** A camera that asks for a login; what it answers to one that has the password. */
  const guarded = (answer: () => string, headers = '') =>
    listen(
      () => answer(),
      0,
      (told) =>
        told.includes('Authorization: Basic YW5uOnNlY3JldA==')
          ? undefined
          : `RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\n${headers}\r\n`,
    );

  it.each(['404 Not Found', '503 Service Unavailable'])(
    'asks on with the login while it is answered by %s',
    async (unready) => {
      let status = unready;
      const { port, heard } = await guarded(() => `RTSP/1.0 ${status}\r\n\r\n`);
      const back = untilBack(`rtsp://127.0.0.1:${port}/live`, never, false, loginOf('secret'));
      while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
      status = '200 OK';
      await back;
      expect(heard.length).toBeGreaterThanOrEqual(4);
      expect(heard[1]).toMatch(/^DESCRIBE \S+ RTSP\/1.0\r\nCSeq: 2\r\n/);
    },
  );

  it('logs in over a new connection where the first is closed', async () => {
    const { port, heard } = await guarded(() => 'RTSP/1.0 200 OK\r\n\r\n', CLOSES);
    await untilBack(`rtsp://127.0.0.1:${port}/live`, never, true, loginOf('secret'));
    expect(heard.map((told) => told.includes('Authorization'))).toEqual([false, true]);
  });

  it('tries a login that is refused once, and no more until there is another', async () => {
    const { port, heard } = await guarded(() => 'RTSP/1.0 200 OK\r\n\r\n');
    const address = sourceAddress(`rtsp://127.0.0.1:${port}/live`)!;
    const login = loginOf('word');
    const stop = new AbortController();
    const back = untilBack(`rtsp://127.0.0.1:${port}/live`, stop.signal, true, login);
    while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(await askSource(address, never, loginOf('other'))).toBe('refused');
    stop.abort();
    await back;
    expect(await askSource(address, never, login)).toBe('401');
    login.use({ username: 'ann', password: 'word' });
    expect(await askSource(address, never, login)).toBe('401');
    login.use({ username: 'ann', password: 'secret' });
    expect(await askSource(address, never, login)).toBe('200');
    expect(heard.filter((told) => told.includes('Authorization'))).toHaveLength(3);
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
