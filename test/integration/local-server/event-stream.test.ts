import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  InMemoryRuntime,
  sampleCamera,
  sampleModel,
  sampleResult,
} from '../../support/in-memory-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

interface Received {
  readonly name: string;
  readonly data: never;
  readonly id?: string | undefined;
}

let runtime: InMemoryRuntime;
let server: RunningServer;
const open: Listener[] = [];

beforeEach(async () => {
  runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('walkway')];
  runtime.modelList = [sampleModel('coco-detector')];
  server = await startServer(runtime);
});
afterEach(async () => {
  for (const listener of open.splice(0)) listener.close();
  await server.close();
});

/** A listener on a socket of its own, which can stop reading. */
class Listener {
  readonly events: Received[] = [];
  readonly socket;
  isClosed = false;
  #text = '';

  constructor() {
    open.push(this);
    this.socket = connect(server.port, '127.0.0.1', () =>
      this.socket.write('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
    );
    this.socket.setEncoding('utf8');
    this.socket.on('data', (chunk) => this.#read(String(chunk)));
    this.socket.on('close', () => (this.isClosed = true));
    this.socket.on('error', () => undefined);
  }

  named = (name: string) => this.events.filter((event) => event.name === name);
  close = () => this.socket.destroy();

  #read(chunk: string): void {
    // Chunk sizes stand on lines of their own and never inside an event here.
    this.#text += chunk;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const text = block.replaceAll(/\r\n[0-9a-f]+\r\n/g, '');
      const name = /^event: (.*)$/m.exec(text)?.[1];
      const data = /^data: (.*)$/m.exec(text)?.[1];
      if (name === undefined || data === undefined) continue;
      const id = /^id: (.*)$/m.exec(text)?.[1];
      this.events.push({ name, data: JSON.parse(data) as never, id });
    }
  }
}

it('begins with the state of everything', async () => {
  runtime.noticeList = [
    { atMs: 1, level: 'warn', error: { code: 'STORAGE_FULL', message: 'full' } },
  ];
  const listener = new Listener();
  await expect
    .poll(() => listener.events.map(({ name }) => name))
    .toEqual(['status', 'configuration', 'camera', 'model', 'notice']);
});

it('brings each event under its name, results with their id', async () => {
  const listener = new Listener();
  await expect.poll(() => runtime.listeners.size).toBe(1);
  const result = sampleResult();
  runtime.emit({ kind: 'result', result });
  runtime.emit({ kind: 'camera', camera: sampleCamera('dock', { state: 'failed' }) });
  await expect
    .poll(() => listener.named('result'))
    .toEqual([{ name: 'result', data: result, id: result.id }]);
  await expect.poll(() => listener.named('camera').at(-1)?.data).toMatchObject({ state: 'failed' });
});

it('asks the runtime once for all listeners, and no longer when none is left', async () => {
  const listeners = [new Listener(), new Listener()];
  await expect.poll(() => listeners.every(({ events }) => events.length > 0)).toBe(true);
  expect(runtime.listeners.size).toBe(1);
  for (const listener of listeners) listener.close();
  await expect.poll(() => runtime.listeners.size).toBe(0);
  const again = new Listener();
  await expect.poll(() => again.events.length).toBeGreaterThan(0);
  expect(runtime.listeners.size).toBe(1);
});

it('tells a slow listener how many results it missed, and nothing else is lost', async () => {
  const slow = new Listener();
  const fast = new Listener();
  await expect.poll(() => slow.events.length + fast.events.length).toBeGreaterThanOrEqual(6);
  slow.socket.pause();
  const reason = 'x'.repeat(4000);
  const total = 8000;
  for (let sent = 0; sent < total; sent += 50) {
    for (let index = 0; index < 50; index += 1) {
      runtime.emit({
        kind: 'result',
        result: sampleResult({ verdict: { outcome: 'pass', reason } }),
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const lastState = sampleCamera('walkway', { framesJudged: total });
  runtime.emit({ kind: 'camera', camera: sampleCamera('walkway', { framesJudged: 1 }) });
  runtime.emit({ kind: 'camera', camera: lastState });
  slow.socket.resume();

  await expect.poll(() => slow.named('lagged').length, { timeout: 10_000 }).toBeGreaterThan(0);
  const missed = () =>
    slow
      .named('lagged')
      .reduce((sum, { data }) => sum + (data as { missedResults: number }).missedResults, 0);
  await expect.poll(() => slow.named('result').length + missed()).toBe(total);
  expect(slow.named('camera').at(-1)?.data).toEqual(lastState);
  await expect.poll(() => fast.named('camera').at(-1)?.data).toEqual(lastState);
});

it('refuses the sixty-fifth listener', async () => {
  const listeners = Array.from({ length: 64 }, () => new Listener());
  await expect.poll(() => listeners.every(({ events }) => events.length > 0)).toBe(true);
  const response = await fetch(`${server.address}/api/v1/events`);
  expect(response.status).toBe(429);
  expect(await response.json()).toMatchObject({ code: 'OVERLOADED' });
});

it('ends its streams when the server closes', async () => {
  const listener = new Listener();
  await expect.poll(() => listener.events.length).toBeGreaterThan(0);
  await server.app.close();
  await expect.poll(() => listener.isClosed).toBe(true);
  expect(runtime.listeners.size).toBe(0);
});

it('carries the security headers', async () => {
  const abort = new AbortController();
  const response = await fetch(`${server.address}/api/v1/events`, { signal: abort.signal });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('cache-control')).toBe('no-store');
  abort.abort();
});
