/** Raw frames by chance, of every format, with and without strides, colour and levels. */
import fc from 'fast-check';
import {
  RAW_PIXEL_FORMATS,
  YUV_MATRICES,
  YUV_RANGES,
  type RawPixelFormat,
  type SampleMeaning,
} from '../../../component/contract/frame.ts';
import { packedFrameBytes } from '../../../native/index.ts';
import { planeSizes, type StoredPicture } from './reference-pixels.ts';

export const side = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 70 }));
/** Noise has every frequency; flat fields and edges show rounding and clamping. */
const texture = fc.constantFrom('noise', 'extremes', 'flat', 'ramp');

const isYuv = (format: RawPixelFormat) => /^(nv|i420|yuyv|uyvy)/.test(format);

/** @returns frames of one of these formats */
export function pictureOf(...formats: RawPixelFormat[]): fc.Arbitrary<StoredPicture> {
  return parts(formats).map(frameOf);
}

const parts = (formats: RawPixelFormat[]) =>
  fc.record({
    width: side,
    height: side,
    format: fc.constantFrom(...formats),
    extra: fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 3 })),
    colour: fc.option(
      fc.record({
        matrix: fc.constantFrom(...YUV_MATRICES),
        range: fc.constantFrom(...YUV_RANGES),
      }),
    ),
    levels: fc.option(fc.tuple(fc.nat(), fc.nat())),
    texture,
    seed: fc.integer({ min: 1, max: 0x7fffffff }),
  });

type Parts = ReturnType<typeof parts> extends fc.Arbitrary<infer T> ? T : never;

function frameOf({
  format,
  extra,
  colour,
  levels,
  texture: kind,
  seed,
  ...size
}: Parts): StoredPicture {
  const least = format.startsWith('bayer') ? 2 : 1;
  const width = Math.max(size.width, least);
  const height = Math.max(size.height, least);
  const strides = planeSizes(format, { width, height }).map(
    ({ rowBytes }, plane) => rowBytes + (extra?.[plane] ?? 0),
  );
  const bytes = planeSizes(format, { width, height }).reduce(
    (sum, { rows }, plane) => sum + (strides[plane] as number) * rows,
    0,
  );
  const total = extra === null ? packedFrameBytes(format, { width, height }) : bytes;
  const meaning: SampleMeaning = {
    ...(colour !== null && isYuv(format) ? { colour } : {}),
    ...(levels !== null && format.startsWith('mono') ? { levels: range(format, levels) } : {}),
  };
  const data = paint(total, kind, seed);
  // Levels of 10 and 12 bits in their 16, and now and then beyond.
  if ((format === 'mono10' || format === 'mono12') && seed % 4 > 0) {
    const mask = format === 'mono10' ? 0x03 : 0x0f;
    for (let i = 1; i < data.length; i += 2) data[i] = (data[i] as number) & mask;
  }
  return { width, height, format, data, ...meaning, ...(extra === null ? {} : { strides }) };
}

function range(format: RawPixelFormat, [first, second]: [number, number]) {
  const highest = 2 ** Number(/\d+/.exec(format)?.[0]) - 1;
  const black = first % highest;
  return { black, white: black + 1 + (second % (highest - black)) };
}

export function paint(bytes: number, kind: string, seed: number): Uint8Array {
  let state = seed;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const level = random() & 255;
  return Uint8Array.from({ length: bytes }, (_, i) => {
    if (kind === 'flat') return level;
    if (kind === 'ramp') return i * 3;
    if (kind === 'extremes') return random() & 1 ? 255 : 0;
    return random();
  });
}

export const picture = pictureOf(...RAW_PIXEL_FORMATS);
