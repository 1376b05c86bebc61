import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { InMemoryRuntime, sampleCamera } from '../../support/in-memory-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let runtime: InMemoryRuntime;
let server: RunningServer;

beforeEach(async () => {
  runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('walkway')];
  server = await startServer(runtime);
});
afterEach(() => server.close());

/** Four bytes of number, then filling: what the tests take for a JPEG. */
function picture(number: number, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength).fill(0x41);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const PART_HEAD = 'Content-Type: image/jpeg\r\n\r\n';

class Viewer {
  readonly numbers: number[] = [];
  readonly socket;
  #bytes = Buffer.alloc(0);

  constructor(byteLength: number) {
    this.socket = connect(server.port, '127.0.0.1', () =>
      this.socket.write('GET /api/v1/cameras/walkway/live HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n'),
    );
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      for (;;) {
        const at = this.#bytes.indexOf(PART_HEAD);
        const start = at + PART_HEAD.length;
        if (at < 0 || this.#bytes.length < start + byteLength) return;
        this.numbers.push(this.#bytes.readUInt32BE(start));
        this.#bytes = this.#bytes.subarray(start + byteLength);
      }
    });
  }

  close = () => this.socket.destroy();
}

it('sends every picture to a viewer that keeps up, each ended by the head of the next at once', async () => {
  const response = await fetch(`${server.address}/api/v1/cameras/walkway/live`);
  const boundary = /boundary=(.+)$/.exec(response.headers.get('content-type') ?? '')?.[1];
  expect(response.headers.get('content-type')).toContain('multipart/x-mixed-replace');
  const reader = response.body!.getReader();
  let text = '';
  for (const body of ['first', 'second']) {
    runtime.showPicture(Buffer.from(body));
    const part = `${PART_HEAD}${body}\r\n--${boundary}\r\n${PART_HEAD}`;
    while (!text.endsWith(part)) text += Buffer.from((await reader.read()).value!).toString();
  }
  await reader.cancel();
  await expect.poll(() => runtime.viewers.size).toBe(0);
});

it('gives a slow viewer fewer pictures, never old ones in a row behind', async () => {
  const byteLength = 200_000;
  const viewer = new Viewer(byteLength);
  await expect.poll(() => runtime.viewers.size).toBe(1);
  viewer.socket.pause();
  const total = 300;
  for (let number = 1; number <= total; number += 1) {
    runtime.showPicture(picture(number, byteLength));
    await new Promise((resolve) => setImmediate(resolve));
  }
  viewer.socket.resume();
  await expect.poll(() => viewer.numbers.at(-1), { timeout: 10_000 }).toBe(total);
  expect(viewer.numbers.length).toBeLessThan(total / 2);
  expect(viewer.numbers).toEqual([...viewer.numbers].sort((a, b) => a - b));
  viewer.close();
});

it('stops asking for pictures when the viewer leaves', async () => {
  const viewer = new Viewer(10);
  await expect.poll(() => runtime.viewers.size).toBe(1);
  viewer.close();
  await expect.poll(() => runtime.viewers.size).toBe(0);
});

it('ends when the server closes', async () => {
  const viewer = new Viewer(10);
  await expect.poll(() => runtime.viewers.size).toBe(1);
  const ended = new Promise((resolve) => viewer.socket.once('close', resolve));
  await server.app.close();
  await ended;
  await expect.poll(() => runtime.viewers.size).toBe(0);
});

it('gives one picture as a snapshot', async () => {
  const response = fetch(`${server.address}/api/v1/cameras/walkway/snapshot`);
  await expect.poll(() => runtime.viewers.size).toBe(1);
  runtime.showPicture(Buffer.from('jpeg'));
  expect((await response).headers.get('content-type')).toBe('image/jpeg');
  expect(await (await response).text()).toBe('jpeg');
  expect(runtime.viewers.size).toBe(0);
});

it('gives the snapshot that is there at once', async () => {
  const watch = runtime.watchCamera.bind(runtime);
  runtime.watchCamera = (name, listener) => {
    listener(Buffer.from('newest'));
    return watch(name, listener);
  };
  const response = await fetch(`${server.address}/api/v1/cameras/walkway/snapshot`);
  expect(await response.text()).toBe('newest');
  expect(runtime.viewers.size).toBe(0);
});

it.each(['live', 'snapshot'])('answers %s of an unknown camera with a problem', async (view) => {
  const response = await fetch(`${server.address}/api/v1/cameras/none/${view}`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: 'CAMERA_NOT_FOUND' });
});
