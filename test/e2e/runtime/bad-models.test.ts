import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../component/contract/errors.ts';
import { ERROR_CODES } from '../../../component/contract/errors.ts';
import { cutShort, plainPng } from '../../support/bad-pictures.ts';
import {
  alwaysNan,
  boxesModel,
  detectionManifest,
  loopsWhenBright,
  ModelPackages,
  nanWhenBright,
} from '../../support/model-packages.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import {
  allResults,
  camera,
  cameraUntil,
  infer,
  model,
  modelUntil,
  postPicture,
  pushPicture,
} from '../../support/runtime-requests.ts';
import { brickPictures, streetPictures } from '../../support/sample-pictures.ts';

const ENDLESS = 1e15;
const sampleModels = {
  'brick-anomaly': { package: samples('models', 'brick-anomaly') },
  'coco-detector': { package: samples('models', 'coco-detector') },
};
const [brick] = brickPictures();

let folder: RuntimeFolder;
let packages: ModelPackages;
let runtime: RuntimeProcess;
let bright: Buffer<ArrayBuffer>;
let dark: Buffer<ArrayBuffer>;

/** A copy of a sample package with something done to it. */
async function changedCopy(
  name: string,
  change: (folder: string, manifest: Record<string, object>) => Promise<unknown>,
): Promise<string> {
  const copy = folder.join(`${name}-${Math.random().toString(36).slice(2)}`);
  await cp(samples('models', name), copy, { recursive: true });
  const file = join(copy, 'model.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, object>;
  const [variant] = manifest['variants'] as unknown as { sha256?: string }[];
  // What the checksum would show first is not what is looked at here.
  delete variant!.sha256;
  manifest['variants'] = [variant!];
  await change(copy, manifest);
  await writeFile(file, JSON.stringify(manifest));
  return copy;
}

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  packages = await ModelPackages.create();
  [bright, dark] = [await plainPng(255), await plainPng(20)];
  const halved = await changedCopy('brick-anomaly', async (copy) => {
    const file = join(copy, 'model.onnx');
    await writeFile(file, cutShort(await readFile(file), 0.5));
  });
  const wrongInput = await changedCopy('coco-detector', async (_, manifest) => {
    Object.assign(manifest['input']!, { width: 640, height: 640 });
  });
  const fewLabels = await changedCopy('coco-detector', async (copy) => {
    const file = join(copy, 'labels.txt');
    const lines = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, lines.slice(0, 10).join('\n'));
  });
  const namesTwo = boxesModel([[1, 1, 5, 5, 0.9, 0]], undefined, {
    metadata: { names: "{0: 'bolt', 1: 'nut'}" },
  });
  const otherLabels = await packages.add(
    namesTwo,
    { ...detectionManifest, labels: 'labels.txt' },
    { 'labels.txt': 'bolt\nnut\nwasher\n' },
  );
  runtime = await folder.start({
    models: {
      'brick-anomaly': sampleModels['brick-anomaly'],
      halved: { package: halved },
      'wrong-input': { package: wrongInput },
      'few-labels': { package: fewLabels },
      'other-labels': { package: otherLabels },
      missing: { package: folder.join('not-there') },
      'always-nan': { package: await packages.add(alwaysNan()) },
      'sometimes-nan': { package: await packages.add(nanWhenBright()) },
      endless: { package: await packages.add(loopsWhenBright(ENDLESS)), timeoutMs: 700 },
    },
    cameras: {
      other: {
        model: 'brick-anomaly',
        source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 20 },
      },
      'nan-gate': { model: 'sometimes-nan', source: { kind: 'push' } },
      'missing-gate': { model: 'missing', source: { kind: 'push' } },
      'endless-gate': { model: 'endless', source: { kind: 'push' } },
    },
    rules: { dark: { camera: 'nan-gate', kind: 'anomaly' } },
  });
  for (const name of ['halved', 'wrong-input', 'other-labels', 'always-nan', 'missing']) {
    await modelUntil(runtime, name, ({ state }) => state === 'failed');
  }
  for (const name of ['brick-anomaly', 'few-labels', 'sometimes-nan', 'endless']) {
    await modelUntil(runtime, name, ({ state }) => state === 'ready');
  }
});

afterAll(async () => {
  await folder.close();
  await packages.close();
});

const problem = (code: ErrorCode, says: RegExp) => ({
  status: ERROR_CODES[code].httpStatus,
  body: {
    code,
    remedy: ERROR_CODES[code].remedy,
    detail: expect.stringMatching(says) as string,
  },
});

async function expectOthersAnswer(): Promise<void> {
  const { framesJudged } = await camera(runtime, 'other');
  expect(brick!.differences(await infer(runtime, 'brick-anomaly', brick!.bytes))).toEqual([]);
  await cameraUntil(runtime, 'other', (one) => one.framesJudged > framesJudged);
  expect(runtime.isAlive).toBe(true);
}

describe('a model that cannot work is named with the reason, and the others serve', () => {
  it.each<[string, ErrorCode, RegExp]>([
    ['halved', 'MODEL_FILE_INVALID', /model\.onnx/],
    ['wrong-input', 'MODEL_MISMATCH', /640.*512|512.*640/],
    ['other-labels', 'MODEL_PACKAGE_INVALID', /3 labels.*2 classes/],
    ['missing', 'MODEL_PACKAGE_INVALID', /not-there/],
    ['always-nan', 'OUTPUT_INVALID', /pred_score.*NaN/],
  ])('%s: %s', async (name, code, says) => {
    const { state, reason } = await model(runtime, name);
    expect({ state, reason }).toMatchObject({
      state: 'failed',
      reason: { code, message: expect.stringMatching(says) as string },
    });
    const logged = runtime.log.filter((line) => line.level === 'error' && line['model'] === name);
    expect(logged).toHaveLength(1);
    expect(await postPicture(runtime, name, brick!.bytes)).toMatchObject(
      problem('MODEL_NOT_READY', says),
    );
    await expectOthersAnswer();
  });

  it('the runtime has started but is not ready', async () => {
    expect((await runtime.fetch('/health/live')).status).toBe(200);
    expect((await runtime.fetch('/health/started')).status).toBe(200);
    const ready = await runtime.fetch('/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ ready: false, models: 9 });
    expect((await runtime.fetch('/v2/health/ready')).ok).toBe(false);
  });

  it('a picture pushed to the camera of such a model is answered, not kept waiting', async () => {
    expect(await pushPicture(runtime, 'missing-gate', bright)).toMatchObject(
      problem('MODEL_NOT_READY', /not-there/),
    );
  });

  it('a model whose package is put right works without a restart', async () => {
    await cp(samples('models', 'brick-anomaly'), folder.join('arriving'), { recursive: true });
    await rename(folder.join('arriving'), folder.join('not-there'));
    await modelUntil(runtime, 'missing', ({ state }) => state === 'ready');
    expect(brick!.differences(await infer(runtime, 'missing', brick!.bytes))).toEqual([]);
    expect((await model(runtime, 'missing')).reason).toBeUndefined();
    expect((await pushPicture(runtime, 'missing-gate', brick!.bytes)).status).toBe(200);
  });
});

it('labels that are too few are seen at the first class that has none', async () => {
  const [fruits] = streetPictures();
  expect(await postPicture(runtime, 'few-labels', fruits!.bytes)).toMatchObject(
    problem('OUTPUT_INVALID', /class index 47.*0 to 9/),
  );
  await expectOthersAnswer();
});

describe('a model that answers NaN', () => {
  it('gives a coded problem over HTTP, and goes on with the next picture', async () => {
    expect(await postPicture(runtime, 'sometimes-nan', bright)).toMatchObject(
      problem('OUTPUT_INVALID', /pred_score.*NaN|NaN.*pred_score/s),
    );
    await infer(runtime, 'sometimes-nan', dark);
    expect(await model(runtime, 'sometimes-nan')).toMatchObject({
      state: 'ready',
      replacements: 0,
    });
    await expectOthersAnswer();
  });

  it('gives an error result of the camera, never a pass', async () => {
    expect(await pushPicture(runtime, 'nan-gate', bright)).toMatchObject(
      problem('OUTPUT_INVALID', /NaN/),
    );
    const [result, ...more] = await allResults(runtime, { camera: 'nan-gate' });
    expect(more).toEqual([]);
    expect(result).toMatchObject({
      error: { code: 'OUTPUT_INVALID' },
      verdict: { outcome: 'error' },
    });
    expect(result).not.toHaveProperty('anomaly');
    expect((await camera(runtime, 'nan-gate')).outcomes).toMatchObject({ error: 1, pass: 0 });
  });
});

describe('a model that never returns', () => {
  it('is answered in time and replaced; the process and other models go on', async () => {
    expect(await postPicture(runtime, 'endless', bright)).toMatchObject(
      problem('INFERENCE_TIMEOUT', /700 ms/),
    );
    await expectOthersAnswer();
    const replaced = await modelUntil(runtime, 'endless', ({ state }) => state === 'ready');
    expect(replaced).toMatchObject({ replacements: 1, failures: 1 });
    // Only the replacement can answer: the first worker is still inside.
    await infer(runtime, 'endless', dark);
    const logged = runtime.log.filter(
      (line) => line['model'] === 'endless' && line.level === 'error',
    );
    expect(logged.length).toBeGreaterThan(0);
  });

  it('a second one that hangs is answered too and makes the model failed, with the reason', async () => {
    expect(await pushPicture(runtime, 'endless-gate', bright)).toMatchObject(
      problem('INFERENCE_TIMEOUT', /700 ms/),
    );
    const failed = await modelUntil(runtime, 'endless', ({ state }) => state === 'failed');
    expect(failed.reason).toMatchObject({ code: 'INFERENCE_TIMEOUT' });
    expect(await postPicture(runtime, 'endless', dark)).toMatchObject(
      problem('MODEL_NOT_READY', /did not return/),
    );
    await expectOthersAnswer();
  });

  it('SIGTERM still ends the process, by its own hand and after all was stored', async () => {
    const result = await infer(runtime, 'brick-anomaly', brick!.bytes);
    const beganMs = performance.now();
    const end = await runtime.stop('SIGTERM');
    expect(end).toEqual({ code: null, signal: 'SIGKILL' });
    expect(performance.now() - beganMs).toBeLessThan(5000);
    expect(runtime.log.at(-1)?.msg).toBe('stopped');
    expect(runtime.children()).toEqual([]);
    const next = await folder.start({ models: { 'brick-anomaly': sampleModels['brick-anomaly'] } });
    await next.ready();
    expect(await next.get(`/api/v1/results/${result.id}`)).toEqual(result);
    expect(await next.get('/api/v1/notices')).toEqual({ items: [] });
    expect(await next.stop()).toEqual({ code: 0, signal: null });
  });
});
