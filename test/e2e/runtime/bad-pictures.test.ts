import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../component/contract/errors.ts';
import { ERROR_CODES } from '../../../component/contract/errors.ts';
import {
  announcing,
  cmykJpeg,
  cutShort,
  deepPng,
  hugePng,
  lyingJpeg,
  noise,
} from '../../support/bad-pictures.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import {
  allResults,
  camera,
  cameraUntil,
  eventually,
  infer,
  metrics,
  postPicture,
  pushPicture,
} from '../../support/runtime-requests.ts';
import { brickPictures, streetPictures } from '../../support/sample-pictures.ts';

const walkway = streetPictures().find(({ name }) => name === 'walkway-00.jpg')!;
const brick = brickPictures()[0]!;

interface Refused {
  readonly what: string;
  readonly fileName: string;
  readonly bytes: Buffer<ArrayBuffer>;
  readonly code: ErrorCode;
  /** What the message must say of what was expected or what came. */
  readonly says: RegExp;
}

const refused: Refused[] = [
  {
    what: 'a JPEG cut short',
    fileName: 'cut.jpg',
    bytes: cutShort(walkway.bytes, 0.5),
    code: 'IMAGE_CORRUPT',
    says: /JPEG/,
  },
  {
    what: 'a JPEG cut short in its header',
    fileName: 'header.jpg',
    bytes: cutShort(walkway.bytes, 0.004),
    code: 'IMAGE_CORRUPT',
    says: /JPEG/,
  },
  {
    what: 'a PNG cut short',
    fileName: 'cut.png',
    bytes: cutShort(brick.bytes, 0.5),
    code: 'IMAGE_CORRUPT',
    says: /PNG|png/,
  },
  {
    what: 'no byte at all',
    fileName: 'empty.jpg',
    bytes: Buffer.alloc(0),
    code: 'IMAGE_CORRUPT',
    says: /0 bytes/,
  },
  {
    what: 'noise',
    fileName: 'noise.jpg',
    bytes: noise(20_000),
    code: 'IMAGE_FORMAT_UNSUPPORTED',
    says: /JPEG, PNG/,
  },
  {
    what: 'a PNG of 30,000 × 30,000 pixels and few bytes',
    fileName: 'huge.png',
    bytes: hugePng(30_000, 30_000),
    code: 'IMAGE_TOO_LARGE',
    says: /30000.*30000.*100000000|900000000.*100000000/s,
  },
  {
    what: 'a JPEG that announces 30,000 × 30,000 pixels',
    fileName: 'huge.jpg',
    bytes: announcing(walkway.bytes, 30_000, 30_000),
    code: 'IMAGE_TOO_LARGE',
    says: /30000.*30000.*100000000|900000000.*100000000/s,
  },
];

let folder: RuntimeFolder;
let runtime: RuntimeProcess;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  await mkdir(folder.join('station'));
  runtime = await folder.start({
    models: {
      'coco-detector': { package: samples('models', 'coco-detector') },
      'brick-anomaly': { package: samples('models', 'brick-anomaly') },
    },
    cameras: {
      other: {
        model: 'brick-anomaly',
        source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 20 },
      },
      gate: { model: 'coco-detector', source: { kind: 'push' } },
      station: {
        model: 'coco-detector',
        source: { kind: 'folder', mode: 'watch', path: folder.join('station'), settleMs: 50 },
      },
    },
  });
  await runtime.ready();
});

afterAll(() => folder.close());

/** The process lives, and the other camera goes on. */
async function expectOthersGoOn(): Promise<void> {
  const { framesJudged } = await camera(runtime, 'other');
  const later = await cameraUntil(runtime, 'other', (one) => one.framesJudged > framesJudged);
  expect(later).toMatchObject({ state: 'running', outcomes: { error: 0 } });
  expect(runtime.isAlive).toBe(true);
}

const meaning = (code: ErrorCode, says: RegExp) => ({
  status: ERROR_CODES[code].httpStatus,
  body: {
    code,
    status: ERROR_CODES[code].httpStatus,
    title: ERROR_CODES[code].meaning,
    remedy: ERROR_CODES[code].remedy,
    detail: expect.stringMatching(says) as string,
    requestId: expect.any(String) as string,
  },
});

describe.each(refused)('$what', ({ bytes, fileName, code, says }) => {
  it(`is refused as ${code} when it is sent to a model`, async () => {
    expect(await postPicture(runtime, 'coco-detector', bytes)).toMatchObject(meaning(code, says));
    await infer(runtime, 'coco-detector', walkway.bytes);
    await expectOthersGoOn();
  });

  it(`is refused as ${code} when it is pushed to a camera, and counted`, async () => {
    const before = await camera(runtime, 'gate');
    expect(await pushPicture(runtime, 'gate', bytes)).toMatchObject(meaning(code, says));
    const { status } = await pushPicture(runtime, 'gate', walkway.bytes);
    expect(status).toBe(200);
    const after = await camera(runtime, 'gate');
    expect(after.framesJudged).toBe(before.framesJudged + 1);
    // An empty body is refused before it is a frame.
    const isFrame = bytes.length > 0;
    const unreadable = (of: typeof after) => of.framesDropped.unreadable ?? 0;
    expect(unreadable(after) - unreadable(before)).toBe(isFrame ? 1 : 0);
    expect(after.framesDelivered - before.framesDelivered).toBe(isFrame ? 2 : 1);
    await expectOthersGoOn();
  });

  it('dropped into a watched folder it is moved to failed/ with the reason beside it', async () => {
    const before = await camera(runtime, 'station');
    await drop(fileName, bytes);
    await drop(`after-${fileName}.jpg`, walkway.bytes);
    const reason = await eventually(`failed/${fileName}.json`, () =>
      readFile(folder.join('station', 'failed', `${fileName}.json`), 'utf8').catch(() => undefined),
    );
    expect(JSON.parse(reason)).toMatchObject({
      fileName,
      code,
      message: expect.stringMatching(says) as string,
    });
    expect(await readFile(folder.join('station', 'failed', fileName))).toEqual(bytes);
    const after = await cameraUntil(
      runtime,
      'station',
      ({ framesJudged }) => framesJudged > before.framesJudged,
    );
    expect((after.framesDropped.unreadable ?? 0) - (before.framesDropped.unreadable ?? 0)).toBe(1);
    await eventually('the good file in done/', async () => {
      const done = await readdir(folder.join('station', 'done'));
      return done.includes(`after-${fileName}.jpg`) ? true : undefined;
    });
    await expectOthersGoOn();
  });
});

describe('pictures that are odd but sound are judged', () => {
  const widest = (result: { detections?: readonly { box: { width: number } }[] | undefined }) =>
    Math.max(...(result.detections ?? []).map(({ box }) => box.width));

  it('a PNG named .jpg', async () => {
    await drop('really-a-png.jpg', brick.bytes);
    await eventually('the file in done/', async () => {
      const done = await readdir(folder.join('station', 'done'));
      return done.includes('really-a-png.jpg') ? true : undefined;
    });
    expect((await infer(runtime, 'brick-anomaly', brick.bytes)).frame.width).toBe(256);
  });

  it('a JPEG of four inks gives about what the same picture in RGB gives', async () => {
    const result = await infer(runtime, 'coco-detector', await cmykJpeg(walkway.bytes));
    const rgb = await infer(runtime, 'coco-detector', walkway.bytes);
    expect(result.frame).toMatchObject({ width: 768, height: 576 });
    const sure = (rgb.detections ?? []).filter(({ score }) => score > 0.55);
    const found = (result.detections ?? []).map(({ label }) => label);
    expect(found).toEqual(expect.arrayContaining(sure.map(({ label }) => label)));
    expect(widest(result)).toBeLessThan(400);
  });

  it('a PNG of 16 bits a sample gives what its 8-bit picture gives', async () => {
    const result = await infer(runtime, 'brick-anomaly', await deepPng(brick.bytes));
    expect(brick.differences(result)).toEqual([]);
  });

  it('a picture that lies on its side is judged upright, and boxes are those of the upright one', async () => {
    const lying = await lyingJpeg(walkway.bytes);
    const { body, status } = await pushPicture(runtime, 'gate', lying);
    expect(status).toBe(200);
    for (const result of [await infer(runtime, 'coco-detector', lying), body]) {
      expect(result.frame).toMatchObject({ width: 768, height: 576 });
      expect(walkway.differences(result)).toEqual([]);
    }
  });
});

it('a refused picture leaves its traces: counters, error results, few log lines', async () => {
  const values = await metrics(runtime);
  const withinCamera = refused.filter(({ bytes }) => bytes.length > 0).length;
  expect(values.get('vedette_frames_dropped_total{camera="gate",reason="unreadable"}')).toBe(
    withinCamera,
  );
  expect(values.get('vedette_frames_dropped_total{camera="station",reason="unreadable"}')).toBe(
    refused.length,
  );
  // Each sent to the model three ways; what is refused by its first bytes never gets there.
  expect(values.get('vedette_model_failures_total{model="coco-detector"}')).toBeGreaterThanOrEqual(
    withinCamera,
  );
  const errors = await allResults(runtime, { outcome: 'error' });
  for (const { error, verdict, detections } of errors) {
    expect(error?.code).toMatch(/^IMAGE_/);
    expect(verdict.outcome).toBe('error');
    expect(detections).toBeUndefined();
  }
  const warnings = runtime.log.filter(({ level }) => level === 'warn');
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThan(20);
  expect(runtime.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
});

it('for each camera, delivered = judged + dropped', async () => {
  for (const name of ['gate', 'station']) {
    const { framesDelivered, framesJudged, framesDropped } = await camera(runtime, name);
    const dropped = Object.values(framesDropped).reduce((sum, count) => sum + count, 0);
    expect(framesJudged + dropped).toBe(framesDelivered);
  }
});

async function drop(name: string, bytes: Uint8Array): Promise<void> {
  await writeFile(folder.join('station', `.${name}`), bytes);
  await rename(folder.join('station', `.${name}`), folder.join('station', name));
}
