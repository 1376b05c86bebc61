import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { InMemoryRuntime, sampleModel } from '../../support/in-memory-runtime.ts';
import { rawExchange, startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let runtime: InMemoryRuntime;
let server: RunningServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-page-'));
  await mkdir(join(folder, 'page', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'TOP SECRET');
  await writeFile(join(folder, 'page', 'secret.txt'), 'TOP SECRET');
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><title>Vedette</title>');
  await writeFile(join(folder, 'page', 'assets', 'main-ABC.js'), 'let page;');
  runtime = new InMemoryRuntime();
  runtime.modelList = [sampleModel('m')];
  server = await startServer(runtime, { dashboardFolder: join(folder, 'page') });
});
afterEach(async () => {
  expect((await fetch(`${server.address}/health/live`)).status).toBe(200);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const head = (first: string, headers: Record<string, string | number>) =>
  [first, 'Host: 127.0.0.1', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
    .join('\r\n')
    .concat('\r\n\r\n');
const POST = 'POST /api/v1/models/m/infer HTTP/1.1';
const V2_POST = 'POST /v2/models/m/infer HTTP/1.1';

it.each([POST, V2_POST])(
  'refuses an announced body over the limit before it comes: %s',
  async (first) => {
    const headers = { 'Content-Type': 'image/jpeg', 'Content-Length': 5_000_000_000 };
    const answer = await rawExchange(server.port, head(first, headers));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/connection: close/i);
  },
);

it.each([POST, V2_POST])('stops a body of unknown length at the limit: %s', async (first) => {
  const headers = { 'Content-Type': 'image/jpeg', 'Transfer-Encoding': 'chunked' };
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  const answer = await rawExchange(server.port, head(first, headers) + chunk.repeat(17));
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
});

it('stops a compressed body that swells over the limit', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  expect(bomb.length).toBeLessThan(100_000);
  const response = await fetch(`${server.address}/v2/models/m/infer`, {
    method: 'POST',
    headers: { 'content-encoding': 'gzip' },
    body: bomb,
  });
  expect(response.status).toBe(413);
  expect((await response.json()).error).toContain('larger than 1048576 bytes');
});

it('refuses a compressed body that is damaged, cut short or of another encoding', async () => {
  const whole = gzipSync(Buffer.from('{"inputs":[]}'));
  for (const [encoding, body] of [
    ['gzip', whole.subarray(0, 12)],
    ['gzip', Buffer.from('no gzip at all')],
    ['deflate', Buffer.from('no zlib at all')],
    ['br', whole],
  ] as const) {
    const headers = { 'content-encoding': encoding };
    const response = await fetch(`${server.address}/v2/models/m/infer`, {
      method: 'POST',
      headers,
      body,
    });
    expect([encoding, response.status]).toEqual([encoding, 400]);
    expect(Object.keys(await response.json())).toEqual(['error']);
  }
});

it('lives on when a body ends before its announced length', async () => {
  const requests = runtime.pictureRequests.length;
  for (const first of [POST, V2_POST]) {
    const { connect } = await import('node:net');
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write(
          head(first, { 'Content-Type': 'image/jpeg', 'Content-Length': 1000 }) + 'short',
        );
        setTimeout(() => socket.destroy(), 50);
      });
      socket.on('close', () => resolve());
    });
  }
  expect(runtime.pictureRequests).toHaveLength(requests);
});

it.each([
  ['headers without end', `GET / HTTP/1.1\r\nX-A: ${'a'.repeat(40_000)}`, /^HTTP\/1\.1 431 /],
  [
    'thousands of headers',
    `GET / HTTP/1.1\r\n${'X-A: aaaaaaaaaaaaaa\r\n'.repeat(3000)}\r\n`,
    /^HTTP\/1\.1 431 /,
  ],
  ['bytes that are no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['two lengths', head(POST, { 'Content-Length': 3, 'content-length': 4 }), /^HTTP\/1\.1 400 /],
  [
    'length and chunks',
    head(POST, { 'Content-Length': 3, 'Transfer-Encoding': 'chunked' }),
    /^HTTP\/1\.1 400 /,
  ],
  ['a negative length', head(POST, { 'Content-Length': -5 }), /^HTTP\/1\.1 400 /],
  ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 403 /],
  ['no host', 'GET /api/v1/status HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
])('refuses %s', async (_case, request, expected) => {
  expect(await rawExchange(server.port, Buffer.from(request, 'latin1'))).toMatch(expected);
});

it('answers broken requests with a problem', async () => {
  const answer = await rawExchange(server.port, 'NONSENSE\r\n\r\n');
  const [, body] = answer.split('\r\n\r\n');
  expect(JSON.parse(body ?? '')).toMatchObject({ code: 'REQUEST_INVALID', status: 400 });
});

it.each([
  '/../secret.txt',
  '/assets/../secret.txt',
  '/assets/..%2fsecret.txt',
  '/assets/%2e%2e/secret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/assets/%00',
  '/assets//etc/passwd',
  '/assets/....//secret.txt',
  '/%E0%A4%A',
])('gives no file outside the page for %s', async (path) => {
  const answer = await rawExchange(
    server.port,
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(answer).not.toContain('TOP SECRET');
  expect(answer).toContain('application/problem+json');
});

it('serves the page and its files', async () => {
  const page = await fetch(`${server.address}/`);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const script = await fetch(`${server.address}/assets/main-ABC.js`);
  expect(await script.text()).toBe('let page;');
  expect(script.headers.get('cache-control')).toContain('immutable');
});

it('closes connections beyond its limit, counts them, and takes others when there is room', async () => {
  const sockets = Array.from({ length: 512 }, () => connect(server.port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => {});
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const before = runtime.httpErrors.length;
  await rawExchange(server.port, head('GET /health/live HTTP/1.1', {})).catch(() => '');
  await expect.poll(() => runtime.httpErrors.slice(before)).toContain('OVERLOADED');
  for (const socket of sockets) socket.destroy();
  await expect
    .poll(() => rawExchange(server.port, head('GET /health/live HTTP/1.1', {}), 'HTTP/1.1 200'))
    .toContain('HTTP/1.1 200');
});

it('counts bodies in progress against one budget and gives it back', async () => {
  const body = new Uint8Array(1_000_000);
  const headers = { 'content-type': 'image/jpeg' };
  const waiting: (() => void)[] = [];
  const answer = runtime.inferPictureWith;
  runtime.inferPictureWith = (request) =>
    new Promise((resolve) => waiting.push(() => resolve(answer(request))));
  const send = () =>
    fetch(`${server.address}/api/v1/models/m/infer`, { method: 'POST', body, headers });
  const held = Array.from({ length: 4 }, send);
  await expect.poll(() => waiting.length).toBe(4);
  const refused = await send();
  expect([refused.status, (await refused.json()).code]).toEqual([429, 'OVERLOADED']);
  for (const end of waiting) end();
  for (const response of await Promise.all(held)) expect(response.status).toBe(200);
  runtime.inferPictureWith = answer;
  expect((await send()).status).toBe(200);
});
