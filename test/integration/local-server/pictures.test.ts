import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryRuntime, sampleCamera, sampleModel } from '../../support/in-memory-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let runtime: InMemoryRuntime;
let server: RunningServer;

beforeEach(async () => {
  runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('pushed', { kind: 'push' })];
  runtime.modelList = [sampleModel('coco-detector')];
  server = await startServer(runtime);
});
afterEach(() => server.close());

const INFER = '/api/v1/models/coco-detector/infer';
const post = async (path: string, init: RequestInit) => {
  const response = await fetch(server.address + path, { method: 'POST', ...init });
  return { status: response.status, body: await response.json() };
};

describe('a picture as the body', () => {
  it.each(['image/jpeg', 'image/png', 'image/webp', 'image/tiff', 'application/octet-stream'])(
    'is handed over whole as %s',
    async (type) => {
      const bytes = new Uint8Array(3000).map((_, index) => index);
      const { status } = await post(INFER, { body: bytes, headers: { 'content-type': type } });
      expect(status).toBe(200);
      const [request] = runtime.pictureRequests;
      expect(request).toMatchObject({ model: 'coco-detector' });
      expect(Buffer.from(request!.data).equals(Buffer.from(bytes))).toBe(true);
      // It will be moved to a worker, so nothing else may live in its buffer.
      expect(request!.data.buffer.byteLength).toBe(bytes.length);
      structuredClone(request!.data, { transfer: [request!.data.buffer] });
    },
  );

  it('may come in chunks of unknown length', async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 10; index += 1) controller.enqueue(new Uint8Array([index]));
        controller.close();
      },
    });
    const init = { body: chunks, headers: { 'content-type': 'image/png' }, duplex: 'half' };
    expect((await post(INFER, init as RequestInit)).status).toBe(200);
    expect([...runtime.pictureRequests[0]!.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('of no bytes is a corrupt picture', async () => {
    const headers = { 'content-type': 'image/jpeg' };
    expect(await post(INFER, { headers })).toMatchObject({
      status: 422,
      body: { code: 'IMAGE_CORRUPT' },
    });
  });

  it('declared as a web form is refused with what curl needs', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, body } = await post(INFER, { body: 'x', headers });
    expect(status).toBe(415);
    expect(body).toMatchObject({ code: 'IMAGE_FORMAT_UNSUPPORTED' });
    expect(body.detail).toContain('-H "Content-Type: image/jpeg"');
  });

  it('is not read for a model that does not exist', async () => {
    const { status, body } = await post('/api/v1/models/none/infer', {
      body: 'x',
      headers: { 'content-type': 'image/jpeg' },
    });
    expect([status, body.code]).toEqual([404, 'MODEL_NOT_FOUND']);
  });
});

describe('a form', () => {
  const form = (parts: Record<string, string | Blob>) => {
    const data = new FormData();
    for (const [name, part] of Object.entries(parts)) {
      if (typeof part === 'string') data.append(name, part);
      else data.append(name, part, 'part-113.jpg');
    }
    return { body: data };
  };
  const image = new Blob(['picture'], { type: 'image/jpeg' });

  it('carries the picture, its name and a context in either order', async () => {
    const context = '{"partId":"A-113","lot":7}';
    await post(INFER, form({ image, context }));
    await post(INFER, form({ context, image }));
    for (const request of runtime.pictureRequests) {
      expect(request).toMatchObject({
        context: { partId: 'A-113', lot: 7 },
        fileName: 'part-113.jpg',
      });
      expect(Buffer.from(request.data).toString()).toBe('picture');
    }
    expect(runtime.pictureRequests).toHaveLength(2);
  });

  it('may send the context as a JSON file', async () => {
    const context = new Blob(['{"lot":1}'], { type: 'application/json' });
    expect((await post(INFER, form({ image, context }))).status).toBe(200);
    expect(runtime.pictureRequests[0]!.context).toEqual({ lot: 1 });
  });

  it.each([
    ['context that is no JSON', { image, context: '{' }, /not JSON/],
    ['context that is no object', { image, context: '[1]' }, /context/],
    ['context that is too large', { image, context: `{"a":"${'x'.repeat(70_000)}"}` }, /larger/],
    ['a part of another name', { picture: image }, /"picture"; expected a file `image`/],
    ['no picture', { context: '{}' }, /no file part `image`/],
  ] as const)('with %s is refused', async (_case, parts, message) => {
    const { status, body } = await post(INFER, form(parts));
    expect(status).toBe(400);
    expect(body.code).toBe('REQUEST_INVALID');
    expect(body.detail).toMatch(message);
    expect(runtime.pictureRequests).toHaveLength(0);
  });

  it('with two pictures is refused', async () => {
    const data = new FormData();
    for (const name of ['a.jpg', 'b.jpg']) data.append('image', image, name);
    expect((await post(INFER, { body: data })).body.detail).toMatch(/two file parts/);
  });

  it('larger than the limit is refused', async () => {
    const large = new Blob([new Uint8Array(1_100_000)], { type: 'image/jpeg' });
    const { status, body } = await post(INFER, form({ image: large }));
    expect([status, body.code]).toEqual([413, 'BODY_TOO_LARGE']);
  });
});

describe('a pushed frame', () => {
  it('reaches its camera with its context', async () => {
    const data = new FormData();
    data.append('image', new Blob(['picture']), 'x.jpg');
    data.append('context', '{"product":"P200"}');
    const { status, body } = await post('/api/v1/cameras/pushed/frames', { body: data });
    expect([status, body.camera]).toEqual([200, 'pushed']);
    expect(runtime.pushedFrames).toMatchObject([
      { camera: 'pushed', context: { product: 'P200' } },
    ]);
  });

  it('for an unknown camera is refused', async () => {
    const headers = { 'content-type': 'image/jpeg' };
    const answer = await post('/api/v1/cameras/none/frames', { body: 'x', headers });
    expect(answer).toMatchObject({ status: 404, body: { code: 'CAMERA_NOT_FOUND' } });
  });
});
