import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import {
  InMemoryRuntime,
  sampleCamera,
  sampleModel,
  sampleResult,
} from '../../support/in-memory-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

let runtime: InMemoryRuntime;
let server: RunningServer;

beforeEach(async () => {
  runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('walkway')];
  runtime.modelList = [sampleModel('coco-detector')];
  server = await startServer(runtime);
});
afterEach(() => server.close());

const get = async (path: string, init?: RequestInit) => {
  const response = await fetch(server.address + path, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { response, status: response.status, body: isJson ? JSON.parse(text) : text };
};

describe('health', () => {
  it('is live and started while models are not ready, and ready when all are', async () => {
    runtime.modelList.push(sampleModel('other', { state: 'warming-up' }));
    expect(await get('/health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await get('/health/started')).toMatchObject({ status: 200, body: { started: true } });
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      body: { ready: false, models: 2, readyModels: 1 },
    });
    runtime.modelList.pop();
    expect(await get('/health/ready')).toMatchObject({ status: 200, body: { ready: true } });
  });

  it('is not started before the registry is open', async () => {
    runtime.isStarted = false;
    expect(await get('/health/started')).toMatchObject({ status: 503, body: { started: false } });
  });
});

describe('state', () => {
  it('lists cameras, models and notices and gives one by name', async () => {
    expect((await get('/api/v1/cameras')).body.items).toHaveLength(1);
    expect((await get('/api/v1/cameras/walkway')).body.name).toBe('walkway');
    expect((await get('/api/v1/models')).body.items).toHaveLength(1);
    expect((await get('/api/v1/models/coco-detector')).body.name).toBe('coco-detector');
    expect((await get('/api/v1/notices')).body).toEqual({ items: [] });
    expect((await get('/api/v1/status')).body).toMatchObject({
      thing: 'station-7',
      version: '0.1.0',
      isReady: true,
    });
  });

  it('gives the metrics with their content type', async () => {
    const { response, body } = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    expect(body).toBe('vedette_up 1\n');
  });
});

describe('results', () => {
  it('hands every filter to the runtime, times in milliseconds', async () => {
    const query =
      'camera=walkway&model=coco-detector&label=person&verdict=fail' +
      '&from=2026-11-21T09:00:00Z&to=2026-11-21T11:00:00%2B01:00&limit=7&cursor=abc';
    expect((await get(`/api/v1/results?${query}`)).status).toBe(200);
    expect(runtime.resultQueries).toEqual([
      {
        camera: 'walkway',
        model: 'coco-detector',
        label: 'person',
        outcome: 'fail',
        fromMs: Date.UTC(2026, 10, 21, 9),
        toMs: Date.UTC(2026, 10, 21, 10),
        limit: 7,
        cursor: 'abc',
      },
    ]);
  });

  it('lists every problem of a query at once', async () => {
    const { status, body } = await get(
      '/api/v1/results?outcome=maybe&from=yesterday&limit=0&colour=red',
    );
    expect(status).toBe(400);
    const paths = body.problems.map((problem: { path: string }) => problem.path);
    expect(paths.sort()).toEqual(['', 'from', 'limit', 'outcome']);
    expect(body.detail).toContain('colour');
  });

  it.each(['limit=1001', 'limit=1e3', 'limit=-1', 'limit=', 'outcome=pass&outcome=fail'])(
    'refuses %s',
    async (query) => {
      expect((await get(`/api/v1/results?${query}`)).status).toBe(400);
    },
  );

  it('refuses a period that ends before it begins and two names that contradict', async () => {
    const period = 'from=2026-11-21T09:00:00Z&to=2026-11-20T09:00:00Z';
    expect((await get(`/api/v1/results?${period}`)).body.detail).toContain('later than from');
    expect((await get('/api/v1/results?outcome=pass&verdict=fail')).status).toBe(400);
  });

  it('gives one by id', async () => {
    runtime.resultList = [sampleResult({ id: 'r-1' })];
    expect((await get('/api/v1/results/r-1')).body.id).toBe('r-1');
    expect((await get('/api/v1/results/r-2')).status).toBe(404);
  });
});

describe('captures', () => {
  it('sends the picture with its type, and says so when it is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vedette-captures-'));
    try {
      runtime.captureFile = join(folder, 'a.jpg');
      await writeFile(runtime.captureFile, 'jpeg bytes');
      const { response, body } = await get('/api/v1/captures/c-1/image');
      expect(response.headers.get('content-type')).toBe('image/jpeg');
      expect(body).toBe('jpeg bytes');
      expect(response.headers.get('cache-control')).toContain('immutable');
      const image = `${server.address}/api/v1/captures/c-1/image`;
      const part = await fetch(image, { headers: { range: 'bytes=5-7' } });
      expect([part.status, await part.text()]).toEqual([206, 'byt']);
      expect(part.headers.get('content-range')).toBe('bytes 5-7/10');
      const beyond = await fetch(image, { headers: { range: 'bytes=50-' } });
      expect(await beyond.json()).toMatchObject({
        status: 400,
        code: 'REQUEST_INVALID',
        detail: 'Range Not Satisfiable',
      });
      await rm(runtime.captureFile);
      expect(await get('/api/v1/captures/c-1/image')).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND', detail: 'The picture of capture c-1 is gone' },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('problems', () => {
  it('say what, what to do and under which id the log knows it', async () => {
    const { response, status, body } = await get('/api/v1/models/nothing', {
      headers: { 'x-request-id': 'my-id-7' },
    });
    expect(status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('x-request-id')).toBe('my-id-7');
    expect(body).toEqual({
      type: 'urn:vedette:error:MODEL_NOT_FOUND',
      title: 'No model of this name is configured.',
      status: 404,
      detail: 'No model is named nothing',
      code: 'MODEL_NOT_FOUND',
      remedy: 'Check the name against `models` in the configuration.',
      retryable: false,
      requestId: 'my-id-7',
    });
  });

  it('replace a request id that could forge log lines', async () => {
    const { response } = await get('/health/live', { headers: { 'x-request-id': 'a b{"level"' } });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['OVERLOADED', 429, '1', {}],
    ['OVERLOADED', 429, '13', { retryAfterMs: 12_345 }],
    ['MODEL_NOT_READY', 503, '5', {}],
  ] as const)('of %s say when to come again', async (code, status, seconds, details) => {
    runtime.inferPictureWith = () => Promise.reject(new VedetteError(code, 'later', { details }));
    const answer = await get('/api/v1/models/coco-detector/infer', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'image/jpeg' },
    });
    expect(answer).toMatchObject({ status, body: { code, retryable: true } });
    expect(answer.response.headers.get('retry-after')).toBe(seconds);
  });

  it('of a defect hide its text', async () => {
    runtime.inferPictureWith = () => Promise.reject(new TypeError('/etc/secret is undefined'));
    const { status, body } = await get('/api/v1/models/coco-detector/infer', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'image/jpeg' },
    });
    expect(status).toBe(500);
    expect(body.code).toBe('INTERNAL');
    expect(JSON.stringify(body)).not.toMatch(/secret|TypeError|at /);
  });

  it('answer unknown addresses and methods', async () => {
    expect(await get('/nothing/here?x=1')).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND', detail: expect.stringContaining('GET /nothing/here;') },
    });
    expect((await get('/api/v1/cameras', { method: 'DELETE' })).status).toBe(404);
  });

  it('say how the page is built when it is not', async () => {
    expect((await get('/')).body.detail).toContain('build.mjs');
  });
});
