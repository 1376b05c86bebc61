import { copyFileSync, mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Detection } from '../../../component/contract/result.ts';
import { EventReader } from '../../support/event-reader.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import {
  allResults,
  camera,
  cameraUntil,
  eventually,
  infer,
  metrics,
} from '../../support/runtime-requests.ts';
import {
  brickPictures,
  streetPictures,
  type SamplePicture,
} from '../../support/sample-pictures.ts';

const WATCH_MS = process.env['VEDETTE_DEEP'] === '1' ? 60_000 : 6000;
const MEBIBYTE = 1024 * 1024;
const street = streetPictures().find(({ name }) => name === 'walkway-00.jpg')!;
const defect = brickPictures().find(({ name }) => name === 'defect-02.png')!;

let folder: RuntimeFolder;
let runtime: RuntimeProcess;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  // The same picture again and again, so that what is drawn is known.
  const still = (picture: SamplePicture) => {
    const path = folder.join(picture.model);
    mkdirSync(path);
    copyFileSync(picture.file, `${path}/${picture.name}`);
    return { model: picture.model, source: { kind: 'folder', path, framesPerSecond: 10 } };
  };
  runtime = await folder.start({
    models: {
      'coco-detector': { package: samples('models', 'coco-detector') },
      'brick-anomaly': { package: samples('models', 'brick-anomaly') },
    },
    cameras: { street: still(street), brick: still(defect) },
    rules: { defect: { camera: 'brick', kind: 'anomaly' } },
    liveView: { maxViewers: 60, quality: 90 },
  });
  await runtime.ready();
});

afterAll(() => folder.close());

interface Pixels {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): readonly [red: number, green: number, blue: number];
}

async function decode(picture: Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(picture)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return {
    width,
    height,
    at: (x, y) => {
      const at = (Math.min(height - 1, Math.round(y)) * width + Math.round(x)) * 3;
      return [data[at]!, data[at + 1]!, data[at + 2]!];
    },
  };
}

/** The first pictures of a live stream. */
async function livePictures(name: string, count: number): Promise<Buffer[]> {
  const response = await runtime.fetch(`/api/v1/cameras/${name}/live`);
  expect(response.status).toBe(200);
  const type = response.headers.get('content-type') ?? '';
  const boundary = /^multipart\/x-mixed-replace; boundary=(\S+)$/.exec(type)?.[1];
  expect(boundary).toBeDefined();
  const pictures: Buffer[] = [];
  let bytes = Buffer.alloc(0);
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const end = bytes.indexOf(`\r\n--${boundary}\r\n`);
      if (end < 0) break;
      pictures.push(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4, end));
      bytes = bytes.subarray(end + 2);
    }
    if (pictures.length >= count) break;
  }
  return pictures;
}

describe('the live view', () => {
  it('gives JPEGs with a box around each detection, at its place', async () => {
    const { detections = [] } = await infer(runtime, 'coco-detector', street.bytes);
    const people = detections.filter(({ label, score }) => label === 'person' && score > 0.5);
    expect(people.length).toBeGreaterThanOrEqual(3);
    const plain = await decode(street.bytes);
    const pictures = await livePictures('street', 3);
    expect(pictures.length).toBeGreaterThanOrEqual(3);
    for (const picture of pictures) {
      const drawn = await decode(picture);
      expect(drawn).toMatchObject({ width: 768, height: 576 });
      for (const person of people) {
        // The first label's colour is a light blue; the scene is grey.
        expect(blueOnEdges(drawn, person)).toBeGreaterThan(60);
        expect(Math.abs(blueOnEdges(plain, person))).toBeLessThan(30);
      }
    }
  });

  it('shows an anomaly in red where it is, and the verdict', async () => {
    const { anomaly } = await infer(runtime, 'brick-anomaly', defect.bytes);
    const area = anomaly!.areas!.toSorted((a, b) => b.areaFraction - a.areaFraction)[0]!;
    const [picture] = (await livePictures('brick', 2)).slice(-1);
    const drawn = await decode(picture!);
    const plain = await decode(defect.bytes);
    const redness = (pixels: Pixels) => {
      const values = area.polygon.map(({ x, y }) => {
        const [red, green] = pixels.at(Math.min(x, 255), Math.min(y, 255));
        return red - green;
      });
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(redness(drawn)).toBeGreaterThan(redness(plain) + 40);
    // The frame of a failed picture is red as well.
    const [red, green] = drawn.at(1.5, 128);
    expect(red - green).toBeGreaterThan(80);
  });

  it('gives one picture on demand', async () => {
    const response = await runtime.fetch('/api/v1/cameras/street/snapshot');
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(await decode(new Uint8Array(await response.arrayBuffer()))).toMatchObject({
      width: 768,
    });
  });
});

/** How much more blue than red there is, on the mean, on the left and right edge of a box. */
function blueOnEdges(pixels: Pixels, { box }: Detection): number {
  const values: number[] = [];
  for (let part = 0.3; part <= 0.9; part += 0.05) {
    for (const x of [box.x, box.x + box.width]) {
      const [red, , blue] = pixels.at(Math.min(x, pixels.width - 1), box.y + part * box.height);
      values.push(blue - red);
    }
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

it('events bring every result as it is stored, in order and without gaps', async () => {
  const events = await EventReader.open(runtime.address);
  await eventually('20 results', () => (events.results.length >= 20 ? true : undefined));
  await events.close();
  expect(events.events.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['status', 'camera', 'model', 'result']),
  );
  for (const name of ['street', 'brick']) {
    const numbers = events.results
      .filter((result) => result.camera === name)
      .map(({ cameraSequence }) => cameraSequence!);
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
  }
  const [first] = events.results;
  expect(await runtime.get(`/api/v1/results/${first!.id}`)).toEqual(first);
});

describe('a hundred clients that read nothing', () => {
  const sockets: Socket[] = [];

  /** Asks for a stream and never reads what comes. */
  async function open(path: string): Promise<void> {
    const { hostname, port } = new URL(runtime.address);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    socket.pause();
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  }

  /** Verdicts of both cameras in so many milliseconds. */
  async function verdictsWithin(milliseconds: number): Promise<number> {
    const total = async () =>
      (await camera(runtime, 'street')).framesJudged +
      (await camera(runtime, 'brick')).framesJudged;
    const before = await total();
    await pause(milliseconds);
    return (await total()) - before;
  }

  it('neither fill the memory nor hold up verdicts', async () => {
    const alone = await verdictsWithin(WATCH_MS / 3);
    for (let count = 0; count < 50; count += 1) {
      await open(`/api/v1/cameras/${count % 2 === 0 ? 'street' : 'brick'}/live`);
      await open('/api/v1/events');
    }
    await pause(1000);
    const beforeBytes = runtime.residentBytes;
    const watched = await verdictsWithin(WATCH_MS);
    // What one socket holds is bounded: half a megabyte of events, or one picture.
    expect(runtime.residentBytes - beforeBytes).toBeLessThan(120 * MEBIBYTE);
    expect(watched).toBeGreaterThan(alone);
    await infer(runtime, 'coco-detector', street.bytes);
    const events = await EventReader.open(runtime.address);
    await eventually('a result', () => (events.results.length > 0 ? true : undefined));
    await events.close();
  });

  it('are refused beyond the limit, and make room when they go', async () => {
    // More than `maxViewers`, whether or not the viewers of the test before were given up meanwhile.
    for (let count = 0; count < 70; count += 1) await open('/api/v1/cameras/street/live');
    await eventually('a refused viewer', async () => {
      const response = await runtime.fetch('/api/v1/cameras/street/snapshot');
      return response.status === 429 ? true : undefined;
    });
    for (const socket of sockets) socket.destroy();
    await eventually('room for a viewer', async () => {
      const response = await runtime.fetch('/api/v1/cameras/street/snapshot');
      return response.status === 200 ? true : undefined;
    });
  });
});

it('what was shown is what was stored, and the counters agree', async () => {
  await cameraUntil(runtime, 'brick', ({ framesJudged }) => framesJudged > 10);
  const before = (await allResults(runtime, { camera: 'brick' })).length;
  const values = await metrics(runtime);
  const after = (await allResults(runtime, { camera: 'brick' })).length;
  const counted = values.get(
    'vedette_results_total{source="brick",model="brick-anomaly",outcome="fail"}',
  )!;
  expect(counted).toBeGreaterThanOrEqual(before - 1);
  expect(counted).toBeLessThanOrEqual(after + 1);
  expect(values.get('vedette_model_ready{model="brick-anomaly"}')).toBe(1);
  expect(
    values.get('vedette_stage_seconds_count{source="brick",model="brick-anomaly",stage="run"}'),
  ).toBeGreaterThan(10);
  expect(await runtime.stop()).toEqual({ code: 0, signal: null });
});
