import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelStatus, Page } from '../../../component/contract/ports.ts';
import { inferenceResultSchema } from '../../../component/contract/result.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';
import { samplesFolder, startRuntime } from '../../support/real-runtime.ts';
import type { RunningRuntime } from '../../support/real-runtime.ts';
import { textModel } from '../../support/text-models.ts';

let device: RunningRuntime;
let server: RunningServer;
let sign: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  sign = new Uint8Array(await readFile(join(samplesFolder, 'images/text/generator.jpg')));
  device = await startRuntime(
    await mkdtemp(join(tmpdir(), 'vedette-chains-')),
    {
      models: {
        find: { package: textModel('text-detection') },
        read: { package: textModel('text-recognition') },
        // Its labels would be asked of rules if it were taken for the chain's first step.
        bricks: { package: join(samplesFolder, 'models/brick-anomaly') },
      },
      chains: {
        'read-text': {
          steps: { lines: { model: 'find' }, letters: { model: 'read', input: 'lines' } },
        },
        impossible: {
          steps: { judge: { model: 'bricks' }, letters: { model: 'read', input: 'judge' } },
        },
      },
      cameras: {
        label: { model: 'read-text', source: { kind: 'push' } },
        wrong: { model: 'impossible', source: { kind: 'push' } },
      },
      rules: { plate: { camera: 'label', kind: 'text', contextKey: 'plate' } },
    },
    { except: ['impossible'] },
  );
  server = await startServer(device.runtime, { maxBodyBytes: 16_777_216 });
}, 120_000);
afterAll(async () => {
  await server?.close();
  await device?.close();
});

const getJson = async <T>(path: string) => (await (await fetch(server.address + path)).json()) as T;
const post = (path: string, context?: object) => {
  const form = new FormData();
  if (context) form.append('context', JSON.stringify(context));
  form.append('image', new Blob([sign]), 'plate.jpg');
  return fetch(server.address + path, { method: 'POST', body: form });
};

describe('a chain', () => {
  test('answers over HTTP as a model does, and its result is stored', async () => {
    const response = await post('/api/v1/models/read-text/infer');
    expect(response.status).toBe(200);
    const result = inferenceResultSchema.parse(await response.json());
    expect(result.text!.map(({ text }) => text)).toContain('GM125');
    expect(result.model).toMatchObject({ name: 'read-text', version: '1.0.0+1.0.0' });
    expect(result.model.models!.map(({ step }) => step)).toEqual(['lines', 'letters']);
    expect(Object.keys(result.steps!)).toEqual(['lines', 'letters']);
    expect(await getJson(`/api/v1/results/${result.id}`)).toEqual(result);
    const { items } = await getJson<Page<InferenceResult>>('/api/v1/results?model=read-text');
    expect(items.map(({ id }) => id)).toContain(result.id);
  });

  test('judges the pictures of a camera, whose rules compare what was read with the context', async () => {
    const judged = async (context: object) => {
      const response = await post('/api/v1/cameras/label/frames', context);
      return inferenceResultSchema.parse(await response.json()).verdict;
    };
    expect(await judged({ plate: 'GM 125' })).toEqual({
      outcome: 'pass',
      rule: 'plate',
      reason: '“GM 125” was read',
    });
    expect((await judged({ plate: 'GM 126' })).outcome).toBe('fail');
    expect((await judged({})).outcome).toBe('review');
  });

  test('stands among the models, with its steps and their state', async () => {
    const { items } = await getJson<{ items: ModelStatus[] }>('/api/v1/models');
    expect(items.find(({ name }) => name === 'read-text')).toMatchObject({
      state: 'ready',
      task: 'chain',
      steps: { lines: 'find', letters: 'read' },
    });
    expect(items.find(({ name }) => name === 'impossible')).toMatchObject({
      state: 'failed',
      reason: { code: 'MODEL_MISMATCH' },
    });
  });

  test('whose models do not fit refuses pictures with the reason', async () => {
    const response = await post('/api/v1/models/impossible/infer');
    expect(response.status).toBe(422);
    const problem = (await response.json()) as { code: string; detail: string };
    expect(problem.code).toBe('MODEL_MISMATCH');
    expect(problem.detail).toMatch(/steps\.letters\.input is 'judge'/);
    const pushed = await post('/api/v1/cameras/wrong/frames');
    expect(pushed.ok).toBe(false);
  });

  test('is no model of the Open Inference Protocol, which says where to ask', async () => {
    for (const path of ['', '/infer', '/config', '/ready']) {
      const response = await fetch(`${server.address}/v2/models/read-text${path}`, {
        method: path === '/infer' ? 'POST' : 'GET',
        ...(path === '/infer' ? { body: '{}' } : {}),
      });
      expect(response.status).toBe(400);
      expect(((await response.json()) as { error: string }).error).toMatch(
        /read-text is a chain.*POST \/api\/v1\/models\/read-text\/infer/,
      );
    }
    const index = await fetch(`${server.address}/v2/repository/index`, { method: 'POST' });
    const names = ((await index.json()) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['find', 'read', 'bricks']);
  });

  test('stands on the page of metrics by its results, not as a model of its own', async () => {
    const text = await (await fetch(`${server.address}/metrics`)).text();
    expect(text).toMatch(/model="read-text"/);
    expect(text).not.toMatch(/vedette_model_ready\{model="read-text"/);
  });
});
