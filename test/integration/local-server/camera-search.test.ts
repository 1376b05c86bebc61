import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpCamera } from '../../support/http-camera.ts';
import type { HttpCameraOptions } from '../../support/http-camera.ts';
import { InMemoryRuntime } from '../../support/in-memory-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';
import { OnvifCamera } from '../../support/onvif-camera.ts';

const PASSWORD = 'hidden word';
let server: RunningServer;
let log = '';
const toClose: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  log = '';
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      log += String(chunk);
      done();
    },
  });
  server = await startServer(new InMemoryRuntime(), { logger: pino({ level: 'trace' }, sink) });
});
afterEach(async () => {
  await server.close();
  for (const one of toClose.splice(0)) await one.close();
});

async function camera(options: HttpCameraOptions = {}): Promise<HttpCamera> {
  const started = await HttpCamera.start({ intervalMs: 20, ...options });
  toClose.push(started);
  return started;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

async function post(path: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
  const answer = await fetch(`${server.address}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await answer.text();
  return { status: answer.status, text, body: JSON.parse(text) as Record<string, unknown> };
}

const probe = (source: object, more: object = {}, signal?: AbortSignal) =>
  post('camera-probe', { source, seconds: 0.2, ...more }, signal);

describe('POST /api/v1/camera-probe', () => {
  it('says what a camera gives to who logs in, with its last picture and without the login', async () => {
    const locked = await camera({ login: 'digest-sha256', username: 'ann', password: PASSWORD });
    const source = {
      kind: 'http-mjpeg',
      url: locked.url('/stream?pwd=hidden+query'),
      username: 'ann',
    };
    const { status, text, body } = await probe(source, { password: PASSWORD });
    expect(status).toBe(200);
    expect(body).toMatchObject({ width: 768, height: 576, format: 'jpeg' });
    expect(body['framesPerSecond']).toBeGreaterThan(0);
    const still = body['still'] as { contentType: string; base64: string };
    expect(still.contentType).toBe('image/jpeg');
    expect(Buffer.from(still.base64, 'base64').subarray(0, 3).toString('hex')).toBe('ffd8ff');
    expect(text.replace(still.base64, '') + log).not.toMatch(/hidden/);
  });

  it('says in a sentence what is wrong, and shows no login', async () => {
    const locked = await camera({ login: 'basic', username: 'ann', password: 'another' });
    const source = { kind: 'ffmpeg', url: locked.url('/stream?pwd=hidden+query'), username: 'ann' };
    const refused = await probe(source, { password: PASSWORD });
    expect(refused).toMatchObject({ status: 502, body: { code: 'CAMERA_LOGIN_REFUSED' } });
    expect(refused.body['detail']).toMatch(/the camera refuses the user name or the password/);
    expect(refused.text + log).not.toMatch(/hidden/);
    const nobody = await probe({ kind: 'ffmpeg', url: 'rtsp://127.0.0.1:1/live' });
    expect(nobody).toMatchObject({ status: 503, body: { code: 'CAMERA_SOURCE_FAILED' } });
    expect(nobody.body['detail']).toMatch(/nothing listens there/);
  });

  it.each([
    ['a file', { kind: 'ffmpeg', url: '/etc/passwd' }],
    ['a file by its address', { kind: 'ffmpeg', url: 'file:///etc/passwd' }],
    ['a way out of the devices', { kind: 'ffmpeg', url: '/dev/v4l/by-id/../../../etc/passwd' }],
    ['another device', { kind: 'ffmpeg', url: '/dev/sda' }],
    ['another protocol', { kind: 'ffmpeg', url: 'concat:http://a/|file:///etc/passwd' }],
    ['another protocol of the network', { kind: 'ffmpeg', url: 'gopher://127.0.0.1/' }],
    ['a folder', { kind: 'folder', path: '/etc' }],
    ['a pipeline', { kind: 'gstreamer', pipeline: 'videotestsrc' }],
    ['a login in the address', { kind: 'ffmpeg', url: 'rtsp://ann:hidden@127.0.0.1/' }],
    [
      'a password from a file of the device',
      { kind: 'http-mjpeg', url: 'http://127.0.0.1/', password: { file: '/etc/passwd' } },
    ],
    ['credentials of a cloud', { kind: 'http-snapshot', url: 'http://169.254.169.254/latest' }],
    ['the same as a number', { kind: 'ffmpeg', url: 'rtsp://0xa9fea9fe/latest' }],
    ['the same in IPv6', { kind: 'http-mjpeg', url: 'http://[::ffff:169.254.169.254]/' }],
    ['an option that there is not', { kind: 'ffmpeg', url: 'rtsp://127.0.0.1/', options: '-f' }],
  ])('does not open %s', async (_what, source) => {
    const { status, text, body } = await probe(source);
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'REQUEST_INVALID' });
    expect(text + log).not.toMatch(/hidden/);
  });

  it('opens one source at a time, for as long as somebody waits', async () => {
    const silent = await camera();
    silent.isSilent = true;
    const source = { kind: 'http-mjpeg', url: silent.url('/stream'), timeoutMs: 60_000 };
    const leave = new AbortController();
    const waiting = probe(source, { timeoutSeconds: 30 }, leave.signal);
    await expect.poll(() => silent.requests).toBe(1);
    expect(await probe(source)).toMatchObject({ status: 429, body: { code: 'OVERLOADED' } });
    leave.abort();
    await expect(waiting).rejects.toThrow();
    silent.isSilent = false;
    await expect.poll(async () => (await probe(source)).status).toBe(200);
  });

  it('ends with the server', async () => {
    const silent = await camera();
    silent.isSilent = true;
    const source = { kind: 'http-mjpeg', url: silent.url('/stream'), timeoutMs: 60_000 };
    const waiting = probe(source, { timeoutSeconds: 30 });
    await expect.poll(() => silent.requests).toBe(1);
    await server.close();
    expect(await waiting).toMatchObject({ status: 503, body: { code: 'SHUTTING_DOWN' } });
  });
});

describe('POST /api/v1/camera-discovery', () => {
  it('finds a camera, and its streams for who logs in', async () => {
    const found = await OnvifCamera.start({ username: 'ann', password: PASSWORD });
    toClose.push(found);
    const address = `127.0.0.1:${found.discoveryPort}`;
    const without = await post('camera-discovery', { address, seconds: 0.3 });
    expect(without).toMatchObject({
      status: 200,
      body: { network: [{ name: 'Gate & Dock', problem: { code: 'CAMERA_LOGIN_REFUSED' } }] },
    });
    const login = { username: 'ann', password: PASSWORD };
    const { text, body } = await post('camera-discovery', { address, seconds: 0.3, ...login });
    expect(body).toMatchObject({
      network: [{ streams: [{ url: 'rtsp://127.0.0.1:554/live' }, { encoding: 'JPEG' }] }],
    });
    expect(text + log).not.toMatch(/hidden/);
  });

  it.each([
    [{ address: 'camera.example' }],
    [{ address: '127.0.0.1:0' }],
    [{ address: '127.0.0.999' }],
    [{ seconds: 3600 }],
    [{ password: 'of nobody' }],
  ])('refuses %j', async (body) => {
    expect(await post('camera-discovery', body)).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    });
  });
});

it('opens and asks nothing without the token', async () => {
  const untouched = await camera();
  const guarded = await startServer(new InMemoryRuntime(), { token: 'correct-horse-battery' });
  toClose.push(guarded);
  for (const path of ['camera-probe', 'camera-discovery']) {
    const answer = await fetch(`${guarded.address}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: { kind: 'http-mjpeg', url: untouched.url('/stream') } }),
    });
    expect([path, answer.status]).toEqual([path, 401]);
  }
  expect(untouched.requests).toBe(0);
});
