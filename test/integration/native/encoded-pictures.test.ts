import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { FrameView } from '../../../component/contract/frame.ts';
import type { TensorSpec } from '../../../component/contract/tensor.ts';
import { encodedToTensor } from '../../../native/image-to-tensor.ts';
import { encodeJpeg, inspectImage, jpegToTensor } from '../../../native/index.ts';
import { decodeToRgb, rawToRgb } from '../../../native/picture-to-rgb.ts';
import { decodeStored, type Levels } from '../../contract/native/reference-pixels.ts';
import { applyExif } from '../../contract/native/reference.ts';

const samples = path.join(import.meta.dirname, '../../../samples/images');
const UPRIGHT: FrameView = { rotation: 0, flip: 'none' };
const LIMIT = 100_000_000;
const coded = (code: string, text = /./) =>
  expect.objectContaining({ name: 'VedetteError', code, message: expect.stringMatching(text) });

/** A small picture without symmetry, smooth enough for lossy formats. */
function scene(width = 24, height = 16): Levels {
  const levels = new Float64Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      levels.set(
        [(x * 255) / width, (y * 255) / height, x < 8 && y < 8 ? 200 : 60],
        (y * width + x) * 3,
      );
    }
  }
  return { width, height, levels: levels.map(Math.round) };
}

function sharpOf(picture: Levels) {
  return sharp(Uint8Array.from(picture.levels), {
    raw: { width: picture.width, height: picture.height, channels: 3 },
  });
}

function furthest(data: Uint8Array, levels: ArrayLike<number>): number {
  expect(data.length).toBe(levels.length);
  return data.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (levels[i] as number))),
    0,
  );
}

const rgb = (data: Uint8Array, view = UPRIGHT) => decodeToRgb(data, view, undefined, LIMIT);

const encoders = {
  jpeg: (picture: Levels) => sharpOf(picture).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }),
  png: (picture: Levels) => sharpOf(picture).png(),
  webp: (picture: Levels) => sharpOf(picture).webp({ lossless: true }),
  tiff: (picture: Levels) => sharpOf(picture).tiff({ compression: 'deflate' }),
};

for (const [format, encode] of Object.entries(encoders)) {
  test(`${format}: every EXIF orientation comes out upright, before turn, mirror and region`, async () => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const data = await encode(scene()).withMetadata({ orientation }).toBuffer();
      const info = inspectImage(data);
      expect(info).toMatchObject({ format, width: 24, height: 16 });
      const want = applyExif(scene(), orientation);
      const whole = await rgb(data);
      expect([whole.width, whole.height]).toEqual([want.width, want.height]);
      expect(furthest(whole.data, want.levels)).toBeLessThanOrEqual(format === 'jpeg' ? 4 : 0);

      const region = { x: 2, y: 1, width: 9, height: 7 };
      const part = await rgb(data, { rotation: 90, flip: 'vertical', region });
      const turned = applyExif(applyExif(want, 6), 4);
      expect(part.source).toEqual({ width: turned.width, height: turned.height });
      expect(part.region).toEqual(region);
      const wantPart: number[] = [];
      for (let y = 0; y < 7; y++) {
        const from = ((y + 1) * turned.width + 2) * 3;
        wantPart.push(...turned.levels.subarray(from, from + 27));
      }
      expect(furthest(part.data, wantPart)).toBeLessThanOrEqual(format === 'jpeg' ? 4 : 0);
    }
  });

  test(`${format}: cut short anywhere it is refused, and the process lives`, async () => {
    const data = await encode(scene(200, 150)).toBuffer();
    const cuts = [0, 1, 3, 11, 20, 30, 100, data.length >> 1, data.length - 40];
    for (const cut of cuts) {
      const error = await rgb(data.subarray(0, cut)).catch((thrown: unknown) => thrown);
      expect(error, `${cut} of ${data.length} bytes`).toMatchObject({
        name: 'VedetteError',
        code: expect.stringMatching(/^IMAGE_(CORRUPT|FORMAT_UNSUPPORTED)$/) as string,
      });
    }
    expect(await rgb(data)).toMatchObject({ width: 200, height: 150 });
  });

  test(`${format}: more pixels than allowed are refused from the header`, async () => {
    const data = await encode(scene(200, 150)).toBuffer();
    await expect(decodeToRgb(data, UPRIGHT, undefined, 29_999)).rejects.toThrow(
      coded('IMAGE_TOO_LARGE', /200x150.*29999/),
    );
    expect(await decodeToRgb(data, UPRIGHT, { width: 20, height: 20 }, 30_000)).toMatchObject({
      width: 20,
      height: 15,
    });
  });
}

test('the samples are within a few levels of what sharp decodes', async () => {
  for (const folder of ['street', 'pose', 'brick']) {
    const names = (await readdir(path.join(samples, folder))).filter(
      (name) => !name.endsWith('.json'),
    );
    for (const name of names.slice(0, 4)) {
      const data = await readFile(path.join(samples, folder, name));
      const want = await sharp(data).toColourspace('srgb').removeAlpha().raw().toBuffer();
      expect(furthest((await rgb(data)).data, want), name).toBeLessThanOrEqual(2);
    }
  }
});

const SPEC: TensorSpec = {
  width: 32,
  height: 32,
  layout: 'nhwc',
  dtype: 'uint8',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'area',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};

test('only the bytes decide the format: a PNG named .jpg is a PNG', async () => {
  const png = await sharpOf(scene()).png().toBuffer();
  const jpeg = await encoders.jpeg(scene()).toBuffer();
  const a = new Uint8Array(32 * 32 * 3);
  const b = new Uint8Array(32 * 32 * 3);
  const fromPng = await encodedToTensor(png, UPRIGHT, SPEC, a, LIMIT);
  expect(await encodedToTensor(jpeg, UPRIGHT, SPEC, b, LIMIT)).toEqual(fromPng);
  expect(furthest(a, b)).toBeLessThanOrEqual(8);
  expect(() => jpegToTensor(png, UPRIGHT, SPEC, a, LIMIT)).toThrow(
    coded('IMAGE_FORMAT_UNSUPPORTED'),
  );
});

test('a truncated JPEG says how much of it was decoded', async () => {
  const data = await sharpOf(scene(320, 240)).jpeg().toBuffer();
  const half = data.subarray(0, data.length >> 1);
  expect(() => jpegToTensor(half, UPRIGHT, SPEC, new Uint8Array(3072), LIMIT)).toThrow(
    coded('IMAGE_CORRUPT', /\d+ of 240 rows decoded, \d+ of \d+ bytes read/),
  );
  await expect(rgb(new Uint8Array(0))).rejects.toThrow(coded('IMAGE_CORRUPT', /0 bytes/));
  const progressive = await sharpOf(scene(320, 240)).jpeg({ progressive: true }).toBuffer();
  expect(furthest((await rgb(progressive)).data, scene(320, 240).levels)).toBeLessThan(60);
  const cut = progressive.subarray(0, progressive.length - 300);
  await expect(rgb(cut)).rejects.toThrow(coded('IMAGE_CORRUPT', /bytes read/));
});

test('padding before a marker is no damage, other bytes are', async () => {
  const data = await sharpOf(scene(64, 48)).jpeg().toBuffer();
  const end = data.subarray(-2);
  const body = data.subarray(0, -2);
  expect(await rgb(Buffer.concat([body, new Uint8Array(7), end]))).toBeDefined();
  expect(await rgb(Buffer.concat([body, new Uint8Array(5).fill(255), end]))).toBeDefined();
  expect(await rgb(Buffer.concat([data, new Uint8Array(100)]))).toBeDefined();
  await expect(rgb(Buffer.concat([body, Buffer.from('garbage'), end]))).rejects.toThrow(
    coded('IMAGE_CORRUPT'),
  );
});

test('grayscale JPEG serves colour and grey tensors', async () => {
  const data = await sharpOf(scene()).greyscale().jpeg({ quality: 100 }).toBuffer();
  const { data: pixels } = await rgb(data);
  for (let i = 0; i < pixels.length; i += 3) {
    expect(pixels[i + 1]).toBe(pixels[i]);
    expect(pixels[i + 2]).toBe(pixels[i]);
  }
  const gray = new Uint8Array(32 * 32);
  const spec: TensorSpec = { ...SPEC, colourOrder: 'gray', mean: [0], std: [1] };
  jpegToTensor(data, UPRIGHT, spec, gray, LIMIT);
  const colour = new Uint8Array(32 * 32 * 3);
  jpegToTensor(data, UPRIGHT, SPEC, colour, LIMIT);
  expect(colour.filter((_, i) => i % 3 === 0)).toEqual(gray);
});

/** A flat colour as a CMYK JPEG; sharp writes it as Adobe does (inverted, with an Adobe marker). */
function cmykJpeg(r: number, g: number, b: number): Promise<Buffer> {
  return sharp({ create: { width: 16, height: 16, channels: 3, background: { r, g, b } } })
    .toColourspace('cmyk')
    .jpeg({ quality: 100 })
    .toBuffer();
}

/** The Adobe marker taken out: then ink counts as it is written. */
function withoutAdobeMarker(jpeg: Buffer): Buffer {
  const at = jpeg.indexOf(Buffer.from('Adobe'));
  const start = at - 4;
  return Buffer.concat([
    jpeg.subarray(0, start),
    jpeg.subarray(at - 2 + jpeg.readUInt16BE(at - 2)),
  ]);
}

test('CMYK: Adobe’s inverted ink and plain ink both become light', async () => {
  const first = async (data: Buffer) => [...(await rgb(data)).data.subarray(0, 3)];
  const red = await cmykJpeg(255, 0, 0);
  expect((await sharp(red).metadata()).channels).toBe(4);
  expect(red.includes('Adobe')).toBe(true);
  expect(furthest(Uint8Array.from(await first(red)), [255, 0, 0])).toBeLessThanOrEqual(2);
  const white = await cmykJpeg(255, 255, 255);
  expect(furthest(Uint8Array.from(await first(white)), [255, 255, 255])).toBeLessThanOrEqual(2);
  // The same bytes read as plain ink: white becomes all ink.
  expect(await first(withoutAdobeMarker(white))).toEqual([0, 0, 0]);
});

test('16-bit, palette, alpha and grey-alpha PNGs become eight-bit RGB, alpha dropped', async () => {
  const picture = scene();
  const deep = await sharpOf(picture).toColourspace('rgb16').png().toBuffer();
  expect((await sharp(deep).metadata()).depth).toBe('ushort');
  expect(furthest((await rgb(deep)).data, picture.levels)).toBe(0);

  const palette = await sharpOf(picture).png({ palette: true, colours: 256 }).toBuffer();
  expect(furthest((await rgb(palette)).data, picture.levels)).toBeLessThanOrEqual(32);

  const clear = await sharpOf(picture).ensureAlpha(0.2).png().toBuffer();
  expect(furthest((await rgb(clear)).data, picture.levels)).toBe(0);

  const grayAlpha = await sharpOf(picture).greyscale().ensureAlpha(0.5).png().toBuffer();
  const gray = (await rgb(grayAlpha)).data;
  expect(gray.length).toBe(24 * 16 * 3);
  expect(gray[0]).toBe(gray[1]);
});

/** A PNG header that claims `side` × `side` pixels, with almost no data. */
function claimedPng(side: number): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, body, Buffer.alloc(4)]);
  };
  const ihdr = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  ihdr.writeUInt32BE(side, 0);
  ihdr.writeUInt32BE(side, 4);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', ihdr),
    chunk('IDAT', Buffer.from([0x78, 0x9c])),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('30,000 × 30,000 pixels in a few bytes are refused before memory is taken', async () => {
  const jpeg = await sharpOf(scene(16, 16)).jpeg().toBuffer();
  const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  jpeg.writeUInt16BE(30_000, frame + 5);
  jpeg.writeUInt16BE(30_000, frame + 7);
  const before = process.memoryUsage.rss();
  for (const data of [jpeg, claimedPng(30_000)]) {
    expect(inspectImage(data)).toMatchObject({ width: 30_000, height: 30_000 });
    await expect(rgb(data)).rejects.toThrow(coded('IMAGE_TOO_LARGE', /30000x30000/));
    const out = new Uint8Array(32 * 32 * 3);
    await expect(encodedToTensor(data, UPRIGHT, SPEC, out, LIMIT)).rejects.toThrow(
      coded('IMAGE_TOO_LARGE'),
    );
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
  await expect(rgb(claimedPng(2 ** 31 - 1))).rejects.toThrow(coded('IMAGE_TOO_LARGE'));
});

test('bytes that are no picture are refused by what they begin with', async () => {
  for (const text of [
    'GIF89a',
    '%PDF-1.7',
    'BM',
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '\0',
  ]) {
    await expect(rgb(Buffer.from(text))).rejects.toThrow(
      coded('IMAGE_FORMAT_UNSUPPORTED', /begin/),
    );
  }
});

test('a JPEG may have fewer progressive scans the larger it is', async () => {
  const progressive = async (side: number) => {
    const create = { width: side, height: side, channels: 3, background: '#808080' } as const;
    return sharp({ create }).toColourspace('b-w').jpeg({ progressive: true }).toBuffer();
  };
  const withScans = (jpeg: Buffer, count: number) => {
    const lastScan = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
    const more = Array.from({ length: count }, () => lastScan);
    return Buffer.concat([jpeg.subarray(0, -2), ...more, jpeg.subarray(-2)]);
  };
  const scanFault = (jpeg: Buffer) =>
    rgb(jpeg).then(
      () => '',
      (error: Error) => error.message,
    );
  const [small, large] = [await progressive(64), await progressive(8000)];
  expect(await scanFault(large)).toBe('');
  expect(await scanFault(withScans(large, 200))).toContain(
    'more than 31 progressive scans of 8000x8000',
  );
  expect(await scanFault(withScans(small, 200))).not.toContain('progressive scans');
  expect(await scanFault(withScans(small, 600))).toContain('more than 500 progressive scans');
});

test('damage anywhere in a JPEG gives a tensor or a coded error, never anything else', async () => {
  const data = await sharpOf(scene(60, 44)).jpeg({ quality: 60 }).toBuffer();
  const out = new Uint8Array(32 * 32 * 3);
  const runs = process.env['VEDETTE_DEEP'] === '1' ? 200_000 : 4_000;
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let run = 0; run < runs; run++) {
    const damaged = Buffer.from(data);
    for (let hit = 0; hit <= random(4); hit++) damaged[random(data.length)] = random(256);
    try {
      jpegToTensor(damaged, UPRIGHT, SPEC, out, 1_000_000);
    } catch (error) {
      expect(error).toMatchObject({ name: 'VedetteError', code: expect.stringMatching(/^IMAGE_/) });
    }
  }
}, 600_000);

test('what was encoded decodes to the same picture', async () => {
  const picture = scene(64, 48);
  const data = Uint8Array.from(picture.levels);
  const jpeg = encodeJpeg({ data, width: 64, height: 48, format: 'rgb24' }, 95);
  expect(inspectImage(jpeg)).toMatchObject({ format: 'jpeg', width: 64, height: 48, rotation: 0 });
  const back = (await rgb(jpeg)).data;
  const mean = back.reduce((sum, level, i) => sum + Math.abs(level - (data[i] as number)), 0);
  expect(mean / back.length).toBeLessThan(3);
  const gray = encodeJpeg(
    { data: data.subarray(0, 64 * 48), width: 64, height: 48, format: 'gray8' },
    90,
  );
  expect((await sharp(gray).metadata()).channels).toBe(1);
});

test('raw frames are drawn upright, scaled down to fit and never up', () => {
  const data = Uint8Array.from(scene(40, 20).levels);
  const image = { data, width: 40, height: 20, format: 'rgb24' } as const;
  const whole = rawToRgb(image, UPRIGHT);
  expect(furthest(whole.data, decodeStored(image).levels)).toBe(0);
  expect(rawToRgb(image, UPRIGHT, { width: 4000, height: 4000 })).toMatchObject({ width: 40 });
  const turned = rawToRgb(image, { rotation: 90, flip: 'none' }, { width: 10, height: 10 });
  expect(turned).toMatchObject({ width: 5, height: 10, source: { width: 20, height: 40 } });
  const region = { x: 39, y: 0, width: 2, height: 2 };
  expect(() => rawToRgb(image, { ...UPRIGHT, region })).toThrow(coded('FRAME_INVALID', /40x20/));
});
