import { afterEach, describe, expect, it } from 'vitest';
import { InMemoryRuntime, sampleModel } from '../../support/in-memory-runtime.ts';
import { rawExchange, startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let server: RunningServer;
afterEach(() => server.close());

const start = async (change: Parameters<typeof startServer>[1]) => {
  const runtime = new InMemoryRuntime();
  runtime.modelList = [sampleModel('coco-detector')];
  server = await startServer(runtime, change);
};
const status = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  (await server.app.inject({ path, headers, method: method as 'GET' })).statusCode;

describe('with a token', () => {
  const bearer = { authorization: 'Bearer correct-horse' };

  it('answers only who carries it', async () => {
    await start({ token: 'correct-horse' });
    for (const path of ['/api/v1/status', '/v2', '/v2/models/coco-detector', '/metrics', '/none']) {
      expect([path, await status(path)]).toEqual([path, 401]);
      expect([path, await status(path, { authorization: 'Bearer wrong' })]).toEqual([path, 401]);
      expect([path, await status(path, bearer)]).not.toEqual([path, 401]);
    }
  });

  it('answers health without it', async () => {
    await start({ token: 'correct-horse' });
    for (const path of ['/health/live', '/health/started', '/health/ready', '/v2/health/ready']) {
      expect([path, await status(path)]).toEqual([path, 200]);
    }
  });

  it('refuses in the shape of each interface', async () => {
    await start({ token: 'correct-horse' });
    const own = await server.app.inject('/api/v1/status');
    expect(own.headers['www-authenticate']).toContain('Bearer');
    expect(own.json()).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    const protocol = await server.app.inject('/v2/models/coco-detector');
    expect(protocol.json()).toEqual({ error: 'The request carries no token' });
  });

  it('lets the page sign in with a cookie that no script and no other site can use', async () => {
    await start({ token: 'correct-horse' });
    const signIn = (token: string) =>
      server.app.inject({ method: 'POST', path: '/api/v1/session', payload: { token } });
    expect((await signIn('wrong')).statusCode).toBe(401);
    const signedIn = await signIn('correct-horse');
    expect(signedIn.statusCode).toBe(204);
    const cookie = String(signedIn.headers['set-cookie']);
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain('correct-horse');
    const [pair] = cookie.split(';');
    expect(await status('/api/v1/status', { cookie: `other=1; ${pair}` })).toBe(200);
    expect(await status('/api/v1/status', { cookie: 'vedette_session=forged' })).toBe(401);
    const signedOut = await server.app.inject({ method: 'DELETE', path: '/api/v1/session' });
    expect(String(signedOut.headers['set-cookie'])).toContain('Max-Age=0');
  });

  it('lists what is wrong with a sign-in', async () => {
    await start({ token: 'correct-horse' });
    const answer = await server.app.inject({
      method: 'POST',
      path: '/api/v1/session',
      payload: { tokn: 'x' },
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().problems.length).toBeGreaterThan(0);
  });
});

describe('wrong tokens', () => {
  const TOKEN = 'correct-horse-battery';
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('are slowed down by address, and refused when too many wait; the right one is let in', async () => {
    await start({ token: TOKEN });
    for (let count = 0; count < 5; count += 1) {
      expect(await status('/api/v1/status', bearer(`wrong-${count}`))).toBe(401);
    }
    const slow = Array.from({ length: 16 }, (_, count) =>
      status('/api/v1/status', bearer(`guess-${count}`)),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(await status('/api/v1/status', bearer('one-more'))).toBe(429);
    const signIn = await server.app.inject({
      method: 'POST',
      path: '/api/v1/session',
      payload: { token: 'guess' },
    });
    expect(signIn.statusCode).toBe(429);
    expect(signIn.headers['retry-after']).toBe('1');
    expect(new Set(await Promise.all(slow))).toEqual(new Set([401]));
    expect(await status('/api/v1/status', bearer(TOKEN))).toBe(200);
    const stillSlow = status('/api/v1/status', bearer('wrong'));
    expect(await status('/api/v1/status', bearer(TOKEN))).toBe(200);
    expect(await stillSlow).toBe(401);
  });

  it('of one address do not slow down another', async () => {
    await start({ token: TOKEN });
    const from = (remoteAddress: string, token: string) =>
      server.app.inject({ path: '/api/v1/status', headers: bearer(token), remoteAddress });
    for (let count = 0; count < 5; count += 1) await from('10.0.0.1', 'wrong');
    const slow = Array.from({ length: 16 }, () => from('10.0.0.1', 'wrong'));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await from('10.0.0.2', TOKEN)).statusCode).toBe(200);
    expect((await from('10.0.0.2', 'wrong')).statusCode).toBe(401);
    await Promise.all(slow);
  });
});

it('the page learns without an error whether it must ask for the token', async () => {
  const isSignedIn = async (headers: Record<string, string> = {}) => {
    const answer = await server.app.inject({ path: '/api/v1/session', headers });
    return [answer.statusCode, answer.json()];
  };
  await start({ token: 'correct-horse-battery' });
  expect(await isSignedIn()).toEqual([200, { isSignedIn: false }]);
  expect(await isSignedIn({ cookie: 'vedette_session=forged' })).toEqual([
    200,
    { isSignedIn: false },
  ]);
  const { headers } = await server.app.inject({
    method: 'POST',
    path: '/api/v1/session',
    payload: { token: 'correct-horse-battery' },
  });
  const cookie = String(headers['set-cookie']).split(';')[0]!;
  expect(await isSignedIn({ cookie })).toEqual([200, { isSignedIn: true }]);
  await server.close();
  await start({});
  expect(await isSignedIn()).toEqual([200, { isSignedIn: true }]);
});

it('counts every request that it refuses by its code', async () => {
  const runtime = new InMemoryRuntime();
  server = await startServer(runtime, { token: 'correct-horse-battery' });
  await status('/api/v1/status');
  await status('/v2/models/none');
  await status('/health/live', { host: 'evil.example' });
  await status('/health/%zz');
  const headers = { authorization: 'Bearer correct-horse-battery' };
  await status('/api/v1/models/none', headers);
  await status('/none', headers);
  await rawExchange(server.port, 'no HTTP\r\n\r\n');
  expect(runtime.httpErrors).toEqual([
    'UNAUTHORIZED',
    'UNAUTHORIZED',
    'HOST_REFUSED',
    'REQUEST_INVALID',
    'MODEL_NOT_FOUND',
    'NOT_FOUND',
    'REQUEST_INVALID',
  ]);
});

describe('hosts', () => {
  it('serves addresses, localhost and listed names', async () => {
    await start({ allowedHosts: ['station-7.local'] });
    for (const host of [
      'localhost:8080',
      '127.0.0.1:8080',
      '[::1]:8080',
      '192.168.1.20',
      'station-7.local:8080',
      'STATION-7.local',
    ]) {
      expect([host, await status('/health/live', { host })]).toEqual([host, 200]);
    }
  });

  it('refuses names that somebody else could point at this device', async () => {
    await start({ allowedHosts: ['station-7.local'] });
    for (const host of ['evil.example:8080', 'localhost.evil.example', '127.0.0.1.nip.io', '%']) {
      expect([host, await status('/health/live', { host })]).toEqual([host, 403]);
    }
  });

  it('refuses requests from pages of other origins, in both directions', async () => {
    await start({});
    const host = '127.0.0.1:8080';
    const own = { host, origin: 'http://127.0.0.1:8080' };
    expect(await status('/v2/repository/index', own, 'POST')).toBe(200);
    for (const origin of ['http://evil.example', 'http://127.0.0.1:9999', 'null']) {
      expect(await status('/v2/repository/index', { host, origin }, 'POST')).toBe(403);
      expect(await status('/api/v1/status', { host, origin })).toBe(403);
    }
  });

  it('refuses pictures embedded by other sites but lets links lead to the page', async () => {
    await start({});
    const site = { 'sec-fetch-site': 'cross-site' };
    expect(await status('/api/v1/status', { ...site, 'sec-fetch-mode': 'no-cors' })).toBe(403);
    expect(await status('/api/v1/status', { ...site, 'sec-fetch-mode': 'navigate' })).toBe(200);
  });
});

it('sends security headers with every answer, errors too', async () => {
  await start({});
  for (const path of ['/health/live', '/none', '/v2/none']) {
    const { headers } = await server.app.inject(path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  }
});
