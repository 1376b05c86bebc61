import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ModelConfig } from '../../../component/contract/model-config.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { ErrorCode } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { FrameLease } from '../../../component/contract/frame.ts';
import type {
  InferenceRequest,
  ModelState,
  ModelStatus,
} from '../../../component/contract/ports.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import type { ModelTrust } from '../../../component/inference/model-host.ts';
import { packageFingerprint } from '../../../component/inference/package/package-fingerprint.ts';
import { FrameRing } from '../../../native/index.ts';
import {
  ModelPackages,
  alwaysNan,
  anomalyManifest,
  boxesModel,
  brightnessModel,
  detectionManifest,
  float16Model,
  loopsWhenBright,
  modelConfig,
  nanWhenBright,
  quantisedModel,
  uint8Model,
} from '../../support/model-packages.ts';

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

const trusted: ModelTrust = {
  isTrusted: () => Promise.resolve(true),
  record: () => Promise.resolve(),
};

interface Watched {
  readonly host: ModelHost;
  readonly states: ModelState[];
  readonly faults: VedetteError[];
  /** Resolves when the status is as wanted. */
  until(isWanted: (status: ModelStatus) => boolean): Promise<ModelStatus>;
}

function watch(folder: string, more: Partial<ModelConfig> = {}, trust = trusted): Watched {
  const states: ModelState[] = [];
  const faults: VedetteError[] = [];
  const listeners = new Set<(status: ModelStatus) => void>();
  const host = new ModelHost({
    name: 'brightness',
    config: modelConfig(folder, more),
    maxImagePixels: 50_000_000,
    trust,
    onChange: (status) => {
      if (states.at(-1) !== status.state) states.push(status.state);
      for (const listener of listeners) listener(status);
    },
    onFault: (fault) => faults.push(fault),
  });
  onTestFinished(async () => {
    await host.close(4000);
  });
  const until: Watched['until'] = (isWanted) =>
    new Promise((resolve) => {
      const look = (status: ModelStatus) => {
        if (!isWanted(status)) return;
        listeners.delete(look);
        resolve(status);
      };
      listeners.add(look);
      look(host.status());
    });
  return { host, states, faults, until };
}

async function plain(level: number, side = 16): Promise<Uint8Array<ArrayBuffer>> {
  const background = { r: level, g: level, b: level };
  const picture = sharp({ create: { width: side, height: side, channels: 3, background } });
  return new Uint8Array(await picture.png().toBuffer());
}

const request = (image: InferenceRequest['image']): InferenceRequest => ({
  image,
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
});
const encoded = async (level: number) => request({ kind: 'encoded', data: await plain(level) });

async function failure(promise: Promise<unknown>): Promise<VedetteError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof VedetteError) return error;
  throw new Error(`expected a VedetteError, got ${String(error)}`);
}
const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode> =>
  (await failure(promise)).code;

const dark = 51;
const bright = 255;

describe('a model host', () => {
  test('goes from loading over the probe to ready, and records its trust', async () => {
    const recorded: string[][] = [];
    const { host, states } = watch(
      await packages.add(brightnessModel()),
      {},
      {
        isTrusted: () => Promise.resolve(false),
        record: (...entry) => Promise.resolve(void recorded.push(entry)),
      },
    );
    await host.start();
    expect(states).toEqual(['loading', 'probing', 'warming-up', 'ready']);
    expect(recorded).toEqual([[await packageFingerprint(host.package!), '1.30.0']]);
    const { findings } = await host.infer(await encoded(dark));
    expect(findings.anomaly!.score).toBeCloseTo(0.2, 4);
    expect(host.status()).toMatchObject({
      state: 'ready',
      task: 'anomaly-detection',
      workers: 1,
      readyWorkers: 1,
      inferences: 1,
      failures: 0,
      inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
    });
  });

  test('asks for trust by fingerprint and version of ONNX Runtime, and then skips the probe', async () => {
    const asked: (string | undefined)[][] = [];
    const { host, states } = watch(
      await packages.add(brightnessModel()),
      {},
      {
        ...trusted,
        isTrusted: (...question) => Promise.resolve(asked.push(question) > 0),
      },
    );
    await host.start();
    expect(states).toEqual(['loading', 'warming-up', 'ready']);
    expect(asked).toEqual([[await packageFingerprint(host.package!), '1.30.0']]);
  });

  test('tries a trusted model again when its manifest or a golden picture changes', async () => {
    const picture = (level: number) =>
      sharp({
        create: { width: 8, height: 8, channels: 3, background: { r: level, g: level, b: level } },
      })
        .png()
        .toBuffer();
    const expected = { anomaly: { score: 0.2, isAnomalous: false } };
    const manifest = { ...anomalyManifest, golden: [{ image: 'dark.png', expected }] };
    const folder = await packages.add(brightnessModel(), manifest, {
      'dark.png': await picture(dark),
    });
    const known = new Set<string>();
    const trust: ModelTrust = {
      isTrusted: (fingerprint) => Promise.resolve(known.has(fingerprint)),
      record: (fingerprint) => Promise.resolve(void known.add(fingerprint)),
    };
    const begin = async () => {
      const { host, states } = watch(folder, {}, trust);
      await host.start();
      return { probed: states.includes('probing'), reason: host.status().reason?.code };
    };
    expect(await begin()).toEqual({ probed: true, reason: undefined });
    expect(await begin()).toEqual({ probed: false, reason: undefined });
    await writeFile(join(folder, 'dark.png'), await picture(bright));
    expect(await begin()).toEqual({ probed: true, reason: 'MODEL_PROBE_FAILED' });
    await writeFile(join(folder, 'dark.png'), await picture(dark));
    expect(await begin()).toEqual({ probed: false, reason: undefined });
    for (const [changed, reason] of [
      [{ ...manifest, input: { scale: 1 / 400 } }, 'MODEL_PROBE_FAILED'],
      [{ ...manifest, output: { decoder: 'anomaly', scoreThreshold: 0.1 } }, 'MODEL_PROBE_FAILED'],
      [{ ...manifest, description: 'the same' }, undefined],
    ] as const) {
      await writeFile(join(folder, 'model.json'), JSON.stringify(changed));
      expect(await begin()).toEqual({ probed: true, reason });
    }
  });

  test('probes again when trust cannot be read', async () => {
    const broken = () => Promise.reject(new VedetteError('REGISTRY_UNAVAILABLE', 'no database'));
    const { host, states, faults } = watch(
      await packages.add(brightnessModel()),
      {},
      { isTrusted: broken, record: broken },
    );
    await host.start();
    expect(states).toContain('probing');
    expect(host.isReady).toBe(true);
    expect(faults.map(({ code }) => code)).toEqual([
      'REGISTRY_UNAVAILABLE',
      'REGISTRY_UNAVAILABLE',
    ]);
  });

  test('takes uint8 pixels as they are', async () => {
    const { host } = watch(await packages.add(uint8Model()));
    await host.start();
    const { findings } = await host.infer(await encoded(dark));
    expect(findings.anomaly!.score).toBeCloseTo(0.2, 6);
  });

  test('gives halves to a float16 model, trusted or not', async () => {
    const { host, states } = watch(
      await packages.add(float16Model()),
      {},
      { ...trusted, isTrusted: () => Promise.resolve(false) },
    );
    await host.start();
    expect(states).toContain('probing');
    const { findings } = await host.infer(await encoded(dark));
    expect(findings.anomaly!.score).toBeCloseTo(0.2, 4);
  });

  test.each([
    ['int8', { scale: 1 / 255, zeroPoint: -128 }],
    ['int8', { scale: 1 / 100, zeroPoint: -20 }],
    ['uint8', { scale: 1 / 200, zeroPoint: 30 }],
  ] as const)('gives quantised bytes to a model that takes %s %o', async (dtype, quantisation) => {
    const manifest = { ...anomalyManifest, input: { quantisation } };
    const { host } = watch(await packages.add(quantisedModel(dtype, quantisation), manifest));
    await host.start();
    const { findings } = await host.infer(await encoded(dark));
    expect(findings.anomaly!.score).toBeCloseTo(0.2, 6);
  });

  test('fails with the reason when the model is bad, and recovers when its files change', async () => {
    const folder = await packages.add(alwaysNan());
    const good = await packages.add(brightnessModel());
    const { host, faults, until } = watch(
      folder,
      {},
      { ...trusted, isTrusted: () => Promise.resolve(false) },
    );
    await host.start();
    expect(host.status()).toMatchObject({ state: 'failed', reason: { code: 'OUTPUT_INVALID' } });
    expect(faults.map(({ code }) => code)).toEqual(['OUTPUT_INVALID']);
    const refused = await failure(host.infer(await encoded(dark)));
    expect(refused.code).toBe('MODEL_NOT_READY');
    expect(refused.retryable).toBe(true);
    await copyFile(join(good, 'model.onnx'), join(folder, 'model.onnx'));
    await until(({ state }) => state === 'ready');
    expect((await host.infer(await encoded(dark))).findings.anomaly!.score).toBeCloseTo(0.2, 4);
  });

  test('fails, without a throw, when there is no package at all', async () => {
    const { host } = watch('/nowhere/at/all');
    await host.start();
    expect(host.status()).toMatchObject({
      state: 'failed',
      reason: { code: 'MODEL_PACKAGE_INVALID' },
    });
  });

  test('answers NaN outputs of a picture with OUTPUT_INVALID and goes on', async () => {
    const { host } = watch(await packages.add(nanWhenBright()));
    await host.start();
    expect(await codeOf(host.infer(await encoded(bright)))).toBe('OUTPUT_INVALID');
    expect((await host.infer(await encoded(dark))).findings.anomaly).toBeDefined();
    expect(host.status()).toMatchObject({ state: 'ready', failures: 1, inferences: 1 });
  });

  test('answers a class index without a label with OUTPUT_INVALID', async () => {
    const folder = await packages.add(boxesModel([[0, 0, 8, 8, 0.9, 2]]), {
      ...detectionManifest,
      labels: ['a', 'b'],
    });
    const { host } = watch(folder);
    await host.start();
    expect(host.status().reason?.code).toBe('OUTPUT_INVALID');
  });

  test('answers bad pictures with their codes and goes on', async () => {
    const { host } = watch(await packages.add(brightnessModel()));
    await host.start();
    const infer = (data: Uint8Array<ArrayBuffer>) => host.infer(request({ kind: 'encoded', data }));
    expect(await codeOf(infer(new Uint8Array(0)))).toBe('IMAGE_CORRUPT');
    expect(await codeOf(infer(new TextEncoder().encode('this is no picture at all')))).toBe(
      'IMAGE_FORMAT_UNSUPPORTED',
    );
    const png = await plain(dark, 64);
    expect(await codeOf(infer(png.slice(0, png.length / 2)))).toBe('IMAGE_CORRUPT');
    expect(await codeOf(infer(await plain(dark, 8000)))).toBe('IMAGE_TOO_LARGE');
    expect(host.isReady).toBe(true);
    await infer(await plain(dark));
  });

  test('checks tensors before they reach the model', async () => {
    const { host } = watch(await packages.add(brightnessModel()));
    await host.start();
    const good = {
      name: 'image',
      dtype: 'float32' as const,
      shape: [1, 3, 8, 8],
      data: new Float32Array(192).fill(0.25),
    };
    const bad = [
      { ...good, name: 'picture' },
      { ...good, dtype: 'uint8' as const },
      { ...good, shape: [1, 3, 8, 9] },
      { ...good, shape: [3, 8, 8] },
      { ...good, shape: [0, 3, 8, 8] },
      { ...good, data: new Float32Array(100) },
      { ...good, data: new Float64Array(192) },
    ];
    for (const tensor of bad) {
      expect(await codeOf(host.inferTensors({ inputs: [tensor] }))).toBe('TENSOR_INVALID');
    }
    expect(await codeOf(host.inferTensors({ inputs: [] }))).toBe('TENSOR_INVALID');
    expect(await codeOf(host.inferTensors({ inputs: [good, good] }))).toBe('TENSOR_INVALID');
    expect(await codeOf(host.inferTensors({ inputs: [good], outputs: ['x'] }))).toBe(
      'TENSOR_INVALID',
    );
    expect(await codeOf(host.inferPictureTensors(await plain(dark), ['x']))).toBe('TENSOR_INVALID');
    const shared = new Float32Array(400).fill(0.25).subarray(100, 292);
    const answer = await host.inferTensors({ inputs: [{ ...good, data: shared }] });
    expect(answer.outputs[0]!.data[0]).toBeCloseTo(0.25, 6);
    expect(shared.length).toBe(192);
  });

  test('refuses requests beyond its queue limit, but no frames', async () => {
    const { host } = watch(await packages.add(loopsWhenBright(500_000)), { queueLimit: 1 });
    await host.start();
    const running = host.infer(await encoded(bright));
    const waiting = host.infer(await encoded(dark));
    const { lease, release } = frameOf(await plain(dark));
    const frames = [1, 2, 3].map(() => host.infer(request({ kind: 'frame', frame: lease })));
    const refused = await failure(host.infer(await encoded(dark)));
    expect(refused.code).toBe('OVERLOADED');
    expect(refused.details).toMatchObject({ model: 'brightness', queueLimit: 1 });
    await Promise.all([running, waiting, ...frames]);
    release();
  });

  test('answers in time when a run hangs, replaces the worker and closes it when it returns', async () => {
    const { host, until, faults } = watch(await packages.add(loopsWhenBright(2_500_000)), {
      timeoutMs: 1000,
    });
    await host.start();
    const { lease, ring, release } = frameOf(await plain(bright));
    const late = await failure(host.infer(request({ kind: 'frame', frame: lease })));
    expect(late.code).toBe('INFERENCE_TIMEOUT');
    release();
    expect(ring.statistics().held).toBe(1);
    await until(({ state, replacements }) => state === 'ready' && replacements === 1);
    expect((await host.infer(await encoded(dark))).findings.anomaly).toBeDefined();
    await expect.poll(() => ring.statistics().held, { timeout: 20_000 }).toBe(0);
    expect(faults.map(({ code }) => code)).toContain('INFERENCE_TIMEOUT');
    expect(await host.close(4000)).toEqual({ isInsideRun: false });
  });

  test('a picture that is slow to decode times out alone: its worker is not taken for one that hangs', async () => {
    const { host, faults } = watch(await packages.add(brightnessModel()), { timeoutMs: 100 });
    await host.start();
    const slow = await plain(dark, 7000);
    for (let index = 0; index < 3; index += 1) {
      const data = slow.slice();
      expect(await codeOf(host.infer(request({ kind: 'encoded', data })))).toBe(
        'INFERENCE_TIMEOUT',
      );
      await expect.poll(() => host.status().inFlight, { timeout: 20_000 }).toBe(0);
    }
    expect(host.status()).toMatchObject({ state: 'ready', replacements: 0, readyWorkers: 1 });
    expect((await host.infer(await encoded(dark))).findings.anomaly).toBeDefined();
    expect(faults).toEqual([]);
  });

  test('is not ready while two workers hang, and again when they have returned', async () => {
    const { host, until } = watch(await packages.add(loopsWhenBright(2_500_000)), {
      timeoutMs: 1000,
    });
    await host.start();
    expect(await codeOf(host.infer(await encoded(bright)))).toBe('INFERENCE_TIMEOUT');
    await until(({ state, replacements }) => state === 'ready' && replacements === 1);
    expect(await codeOf(host.infer(await encoded(bright)))).toBe('INFERENCE_TIMEOUT');
    const failed = await until(({ state }) => state === 'failed');
    expect(failed.reason?.code).toBe('INFERENCE_TIMEOUT');
    expect(await codeOf(host.infer(await encoded(dark)))).toBe('MODEL_NOT_READY');
    await until(({ state }) => state === 'ready');
    expect((await host.infer(await encoded(dark))).findings.anomaly).toBeDefined();
  });

  test('times out requests that only waited, without replacing the busy worker', async () => {
    const { host } = watch(await packages.add(loopsWhenBright(150_000)), {
      timeoutMs: 2000,
      queueLimit: 100,
    });
    await host.start();
    const runs = [];
    for (let index = 0; index < 60; index += 1) runs.push(host.infer(await encoded(bright)));
    const ends = await Promise.allSettled(runs);
    expect(ends.at(0)!.status).toBe('fulfilled');
    expect(ends.at(-1)).toMatchObject({ reason: { code: 'INFERENCE_TIMEOUT' } });
    expect(host.status().replacements).toBe(0);
  });

  test('answers WORKER_LOST when a worker dies with a job, and replaces it', async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker) => void workers.push(worker);
    process.on('worker', remember);
    onTestFinished(() => void process.off('worker', remember));
    const { host, until, faults } = watch(await packages.add(brightnessModel()));
    await host.start();
    // Decoding a large picture takes a while, outside of ONNX Runtime: there a worker may be ended.
    const data = await plain(dark, 7000);
    const { lease, ring, release } = frameOf(data);
    const lost = failure(host.infer(request({ kind: 'frame', frame: lease })));
    await workers[0]!.terminate();
    expect((await lost).code).toBe('WORKER_LOST');
    release();
    expect(ring.statistics().held).toBe(0);
    await until(({ state, replacements }) => state === 'ready' && replacements === 1);
    expect((await host.infer(await encoded(dark))).findings.anomaly).toBeDefined();
    expect(faults.map(({ code }) => code)).toEqual(['WORKER_LOST']);
  });

  test('spreads work over its workers', async () => {
    const { host, until } = watch(await packages.add(loopsWhenBright(300_000)), { workers: 2 });
    await host.start();
    await until(({ readyWorkers }) => readyWorkers === 2);
    const both = [host.infer(await encoded(bright)), host.infer(await encoded(bright))];
    await until(({ inFlight }) => inFlight === 2 || host.status().inFlight === 2);
    await Promise.all(both);
    expect(host.status().inferences).toBe(2);
  });

  test('lets accepted work end when it is closed, and refuses what comes', async () => {
    const { host, states } = watch(await packages.add(loopsWhenBright(300_000)));
    await host.start();
    const accepted = [host.infer(await encoded(bright)), host.infer(await encoded(dark))];
    const closing = host.close(4000);
    expect(await codeOf(host.infer(await encoded(dark)))).toBe('SHUTTING_DOWN');
    await Promise.all(accepted);
    expect(await closing).toEqual({ isInsideRun: false });
    expect(states.at(-1)).toBe('closed');
  });

  test('whose model does not return is given up by its callers when the drain is over; slots stay held', async () => {
    const { host } = watch(await packages.add(loopsWhenBright(1_200_000)), { timeoutMs: 60_000 });
    await host.start();
    const { lease, ring, release } = frameOf(await plain(bright));
    const inside = failure(host.infer(request({ kind: 'frame', frame: lease })));
    const waiting = failure(host.infer(await encoded(dark)));
    release();
    expect(await host.close(100)).toEqual({ isInsideRun: true });
    expect((await inside).code).toBe('SHUTTING_DOWN');
    expect((await waiting).code).toBe('SHUTTING_DOWN');
    expect(ring.statistics().held).toBe(1);
    await expect.poll(() => ring.statistics().held, { timeout: 20_000 }).toBe(0);
  });

  test('waits for workers that still load when it is closed', async () => {
    const { host, until } = watch(await packages.add(loopsWhenBright(300_000, 1)));
    const starting = host.start();
    await until(({ state }) => state === 'warming-up');
    expect(await host.close(20_000)).toEqual({ isInsideRun: false });
    await starting;
    expect(host.status()).toMatchObject({ state: 'closed', readyWorkers: 0 });
  });

  test('stops a probe that is under way when it is closed', async () => {
    const { host, until } = watch(
      await packages.add(loopsWhenBright(1e12, 1)),
      {},
      {
        ...trusted,
        isTrusted: () => Promise.resolve(false),
      },
    );
    const starting = host.start();
    await until(({ state }) => state === 'probing');
    expect(await host.close(1000)).toEqual({ isInsideRun: false });
    await starting;
    expect(host.status().state).toBe('closed');
  });

  test('ends its start when it is closed while it warms up', async () => {
    const { host, until } = watch(await packages.add(brightnessModel()));
    const starting = host.start();
    await until(({ state }) => state === 'warming-up');
    await host.close(1000);
    await starting;
    expect(host.status().state).toBe('closed');
  });

  test('tells who waits when it is ready', async () => {
    const { host } = watch(await packages.add(brightnessModel()));
    const waiting = host.whenReady();
    const impatient = new AbortController();
    const given = host.whenReady(impatient.signal);
    impatient.abort();
    await given;
    expect(host.isReady).toBe(false);
    void host.start();
    await waiting;
    expect(host.isReady).toBe(true);
  });

  test('refuses a labels file of another length than the classes of the model', async () => {
    const names = "{0: 'person', 1: 'car', 2: \"dog\"}";
    const folder = await packages.add(
      boxesModel([[0, 0, 8, 8, 0.9, 1]], ['batch', 1, 6], { metadata: { names, task: 'detect' } }),
      { ...detectionManifest, labels: 'labels.txt' },
      { 'labels.txt': 'person\ncar\n' },
    );
    const { host } = watch(folder);
    await host.start();
    expect(host.status().reason).toMatchObject({
      code: 'MODEL_PACKAGE_INVALID',
      details: { problems: ["labels.txt has 2 labels, the ONNX file's metadata names 3 classes"] },
    });
    await writeFile(join(folder, 'labels.txt'), 'person\ncar\ndog\n');
  });
});

function frameOf(data: Uint8Array): { lease: FrameLease; ring: FrameRing; release: () => void } {
  const ring = FrameRing.create({ slots: 3, slotBytes: data.byteLength });
  const { slot } = ring.beginWrite(false)!;
  ring.bytes(slot).set(data);
  ring.publish(slot, {
    format: 'png',
    width: 16,
    height: 16,
    byteLength: data.byteLength,
    sequence: 0,
    capturedAtMs: 0,
  });
  const lease = ring.takeOldest(1)!;
  onTestFinished(() => ring.close());
  return { lease, ring, release: () => ring.release(lease) };
}
