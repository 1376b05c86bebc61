import { readFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import {
  allResults,
  camera,
  cameraUntil,
  infer,
  postForm,
  postPicture,
  pushPicture,
} from '../../support/runtime-requests.ts';
import {
  brickPictures,
  streetPictures,
  type SamplePicture,
} from '../../support/sample-pictures.ts';

const street = streetPictures();
const brick = brickPictures();
const pictures = [...street, ...brick];

const labels = readFileSync(samples('models', 'coco-detector', 'labels.txt'), 'utf8')
  .trim()
  .split('\n');

let folder: RuntimeFolder;
let runtime: RuntimeProcess;

/** Pictures dropped into a folder as a station does: whole, one after another. */
async function dropPictures(into: string, dropped: readonly SamplePicture[]): Promise<void> {
  await mkdir(into, { recursive: true });
  const beganMs = Date.now() - 60_000;
  for (const [index, { file, name }] of dropped.entries()) {
    const hidden = join(into, `.${name}`);
    await copyFile(file, hidden);
    const time = new Date(beganMs + index * 10);
    await utimes(hidden, time, time);
    await rename(hidden, join(into, name));
  }
}

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  await mkdir(folder.join('street'));
  await mkdir(folder.join('brick'));
  const watched = (path: string) => ({ kind: 'folder', mode: 'watch', path, settleMs: 50 });
  runtime = await folder.start({
    thing: 'station-7',
    models: {
      'coco-detector': { package: samples('models', 'coco-detector') },
      'brick-anomaly': { package: samples('models', 'brick-anomaly') },
    },
    cameras: {
      'street-once': {
        model: 'coco-detector',
        pace: 'fast',
        source: { kind: 'folder', mode: 'once', path: samples('images', 'street') },
      },
      'brick-once': {
        model: 'brick-anomaly',
        pace: 'fast',
        source: { kind: 'folder', mode: 'once', path: samples('images', 'brick') },
      },
      'street-watch': { model: 'coco-detector', source: watched(folder.join('street')) },
      'brick-watch': { model: 'brick-anomaly', source: watched(folder.join('brick')) },
      'street-push': { model: 'coco-detector', source: { kind: 'push' } },
      'brick-push': { model: 'brick-anomaly', source: { kind: 'push' } },
    },
    rules: { defect: { camera: 'brick-push', kind: 'anomaly' } },
  });
  await runtime.ready();
});

afterAll(() => folder.close());

/** Differences of every picture by name; an empty object when all are right. */
function wrong(results: ReadonlyMap<SamplePicture, InferenceResult>): Record<string, string[]> {
  return Object.fromEntries(
    [...results]
      .map(([picture, result]) => [picture.name, picture.differences(result)] as const)
      .filter(([, differences]) => differences.length > 0),
  );
}

const matched = (
  of: readonly SamplePicture[],
  results: readonly InferenceResult[],
): Map<SamplePicture, InferenceResult> =>
  new Map(of.map((picture, index) => [picture, results[index]!]));

const stored = (result: InferenceResult) =>
  runtime.get<InferenceResult>(`/api/v1/results/${result.id}`);

describe('every sample picture gives the expected result', () => {
  it('sent as a body, and the answer is what was stored', async () => {
    const results = new Map<SamplePicture, InferenceResult>();
    for (const picture of pictures) {
      const result = await infer(runtime, picture.model, picture.bytes);
      expect(result).toMatchObject({ schemaVersion: 1, thing: 'station-7' });
      expect(result.model).toMatchObject({ name: picture.model, executionProvider: 'cpu' });
      expect(await stored(result)).toEqual(result);
      results.set(picture, result);
    }
    expect(wrong(results)).toEqual({});
    expect(results.size).toBe(33);
  });

  it('sent as a form, whose context comes back untouched', async () => {
    const results = new Map<SamplePicture, InferenceResult>();
    for (const [index, picture] of pictures.entries()) {
      const context = {
        partId: `A-${index}`,
        lot: '2026-47',
        nested: { list: [1, null, 'ü', 0.1], 'a.b': true },
        große: 9_007_199_254_740_991,
      };
      const path = `/api/v1/models/${picture.model}/infer`;
      const form = { data: picture.bytes, fileName: picture.name, context };
      const { status, body } = await postForm(runtime, path, form);
      expect(status).toBe(200);
      expect(body.context).toEqual(context);
      expect(body.frame.fileName).toBe(picture.name);
      expect(await stored(body)).toEqual(body);
      results.set(picture, body);
    }
    expect(wrong(results)).toEqual({});
  });

  it('read once from a folder, in the order of the names', async () => {
    for (const [name, of] of [
      ['street-once', street],
      ['brick-once', brick],
    ] as const) {
      const status = await cameraUntil(runtime, name, ({ state }) => state === 'ended');
      const results = await allInSequence(name, of.length);
      expect(results.map(({ frame }) => frame.fileName)).toEqual(of.map((one) => one.name));
      expect(wrong(matched(of, results))).toEqual({});
      expect(status).toMatchObject({ framesDelivered: of.length, framesDropped: {} });
    }
  });

  it('dropped into a watched folder: in order, none skipped, every file then in done/', async () => {
    // Against the alphabet, so that the order is seen to be that of the files' times.
    const orders = [
      ['street', [...street].reverse()],
      ['brick', [...brick].reverse()],
    ] as const;
    for (const [name, of] of orders) await dropPictures(folder.join(name), of);
    for (const [name, of] of orders) {
      const results = await allInSequence(`${name}-watch`, of.length);
      expect(results.map(({ frame }) => frame.fileName)).toEqual(of.map((one) => one.name));
      expect(wrong(matched(of, results))).toEqual({});
      await expect.poll(() => readdir(folder.join(name))).toEqual(['done']);
      const done = await readdir(folder.join(name, 'done'));
      expect(done.sort()).toEqual(of.map((one) => one.name).sort());
      expect(await camera(runtime, `${name}-watch`)).toMatchObject({
        framesDelivered: of.length,
        framesJudged: of.length,
        framesDropped: {},
      });
    }
  });

  it('pushed to a camera, judged by its rules, and the answer is what was stored', async () => {
    const results = new Map<SamplePicture, InferenceResult>();
    for (const picture of pictures) {
      const name = picture.model === 'brick-anomaly' ? 'brick-push' : 'street-push';
      const { status, body } = await pushPicture(runtime, name, picture.bytes);
      expect(status).toBe(200);
      expect(body.camera).toBe(name);
      expect(await stored(body)).toEqual(body);
      if (name === 'brick-push') {
        const outcome = body.anomaly?.isAnomalous ? 'fail' : 'pass';
        expect(body.verdict).toMatchObject({ outcome });
      }
      results.set(picture, body);
    }
    expect(wrong(results)).toEqual({});
  });

  it('a form pushed to a camera brings its context into the result', async () => {
    const picture = brick[0]!;
    const context = { partId: 'A-113', deep: [[['x']]] };
    const form = { data: picture.bytes, fileName: 'part.png', context };
    const { status, body } = await postForm(runtime, '/api/v1/cameras/brick-push/frames', form);
    expect(status).toBe(200);
    expect(body.context).toEqual(context);
    expect(await stored(body)).toEqual(body);
  });

  it('asked by the Open Inference Protocol with a picture as BYTES', async () => {
    for (const picture of pictures) {
      const outputs = await rawOutputs(picture);
      const answered = await infer(runtime, picture.model, picture.bytes);
      const seen =
        picture.model === 'brick-anomaly'
          ? anomalyFrom(outputs)
          : { detections: detectionsFrom(outputs, answered.frame) };
      expect(picture.differences(seen), picture.name).toEqual([]);
      // Both ways see the same pixels.
      if ('anomaly' in seen) {
        expect(answered.anomaly?.score).toBeCloseTo(seen.anomaly.score, 5);
      } else {
        expect(answered.detections).toEqual(seen.detections.map(withinRounding));
      }
    }
  });
});

it('results are numbered by camera without gaps', async () => {
  for (const name of ['street-once', 'brick-watch', 'brick-push', 'street-push']) {
    const results = await allResults(runtime, { camera: name });
    const numbers = results.map(({ cameraSequence }) => cameraSequence!).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  }
});

it('an unknown model and an unknown camera are named with what there is', async () => {
  const { bytes } = brick[0]!;
  const noModel = await postPicture(runtime, 'rust', bytes);
  expect(noModel).toMatchObject({ status: 404, body: { code: 'MODEL_NOT_FOUND' } });
  expect(noModel.body.detail).toContain('brick-anomaly');
  const noCamera = await pushPicture(runtime, 'gate', bytes);
  expect(noCamera).toMatchObject({ status: 404, body: { code: 'CAMERA_NOT_FOUND' } });
  expect(noCamera.body.detail).toContain('street-watch');
  const notPushed = await pushPicture(runtime, 'street-watch', bytes);
  expect(notPushed).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
});

async function allInSequence(name: string, count: number): Promise<InferenceResult[]> {
  await cameraUntil(runtime, name, ({ framesJudged }) => framesJudged >= count);
  const results = await allResults(runtime, { camera: name });
  return results.sort((a, b) => a.cameraSequence! - b.cameraSequence!);
}

type Detected = NonNullable<InferenceResult['detections']>[number];

/** Results hold scores of six and boxes of two digits. */
const withinRounding = ({ box, score, ...rest }: Detected) => ({
  ...rest,
  score: expect.closeTo(score, 5) as number,
  box: {
    x: expect.closeTo(box.x, 1) as number,
    y: expect.closeTo(box.y, 1) as number,
    width: expect.closeTo(box.width, 1) as number,
    height: expect.closeTo(box.height, 1) as number,
  },
});

/** The raw outputs by name, asked for as binary tensors. */
async function rawOutputs(picture: SamplePicture): Promise<Map<string, Buffer>> {
  const isBrick = picture.model === 'brick-anomaly';
  const names = isBrick ? ['pred_score', 'pred_mask'] : ['detections'];
  const request = {
    inputs: [
      {
        name: isBrick ? 'input' : 'images',
        shape: [1],
        datatype: 'BYTES',
        parameters: { binary_data_size: picture.bytes.length + 4 },
      },
    ],
    outputs: names.map((name) => ({ name, parameters: { binary_data: true } })),
  };
  const header = Buffer.from(JSON.stringify(request));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(picture.bytes.length);
  const response = await runtime.fetch(`/v2/models/${picture.model}/infer`, {
    method: 'POST',
    body: Buffer.concat([header, length, picture.bytes]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.length),
    },
  });
  expect(response.status, picture.name).toBe(200);
  const body = Buffer.from(await response.arrayBuffer());
  const headerBytes = Number(response.headers.get('inference-header-content-length'));
  const { outputs } = JSON.parse(body.subarray(0, headerBytes).toString()) as {
    outputs: { name: string; shape: number[]; parameters: { binary_data_size: number } }[];
  };
  let at = headerBytes;
  return new Map(
    outputs.map(({ name, parameters }) => {
      const bytes = body.subarray(at, (at += parameters.binary_data_size));
      return [name, bytes];
    }),
  );
}

/** Rows x1, y1, x2, y2 (of 512×512 input pixels, stretched), score, class; float32. */
function detectionsFrom(
  outputs: ReadonlyMap<string, Buffer>,
  frame: { readonly width: number; readonly height: number },
): Detected[] {
  const bytes = outputs.get('detections')!;
  expect(bytes.length).toBe(100 * 6 * 4);
  const value = (row: number, column: number) => bytes.readFloatLE((row * 6 + column) * 4);
  const within = (x: number, limit: number) => Math.min(Math.max(x, 0), limit);
  const found: Detected[] = [];
  for (let row = 0; row < 100; row += 1) {
    const score = value(row, 4);
    if (score < 0.3) continue;
    const x1 = within((value(row, 0) * frame.width) / 512, frame.width);
    const y1 = within((value(row, 1) * frame.height) / 512, frame.height);
    const x2 = within((value(row, 2) * frame.width) / 512, frame.width);
    const y2 = within((value(row, 3) * frame.height) / 512, frame.height);
    const labelIndex = value(row, 5);
    found.push({
      label: labels[labelIndex] ?? String(labelIndex),
      labelIndex,
      score,
      box: { x: x1, y: y1, width: x2 - x1, height: y2 - y1 },
    });
  }
  return found;
}

function anomalyFrom(outputs: ReadonlyMap<string, Buffer>) {
  const score = outputs.get('pred_score')!.readFloatLE(0);
  expect(outputs.get('pred_mask')!.length).toBe(256 * 256);
  return { anomaly: { score, threshold: 0.5, isAnomalous: score >= 0.5 } };
}
