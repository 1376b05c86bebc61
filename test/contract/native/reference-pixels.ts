/**
 * What stored pixels mean, computed slowly from the definitions in native/README.md, one pixel at a
 * time. Shares nothing with the addon but those definitions.
 */
import type {
  LevelRange,
  RawPixelFormat,
  SampleMeaning,
  Size,
  YuvColour,
} from '../../../component/contract/frame.ts';

/** Samples of a picture as numbers: `levels[(y * width + x) * 3 + channel]`, RGB, 0–255. */
export interface Levels extends Size {
  readonly levels: Float64Array;
}

export interface StoredPicture extends Size, SampleMeaning {
  readonly data: Uint8Array;
  readonly format: RawPixelFormat;
  readonly strides?: readonly number[];
}

type Pixel = [red: number, green: number, blue: number];

export const clamp = (value: number, low: number, high: number) =>
  Math.min(Math.max(value, low), high);

// ------------------------------------------------------------------ colour

export type YuvToRgb = (y: number, cb: number, cr: number, colour?: YuvColour) => Pixel;

export const LIMITED_BT601: YuvColour = { matrix: 'bt601', range: 'limited' };

/** Weights of red and blue in luma (BT.601-7, BT.709-6), and the steps of each range. */
function standard({ matrix, range }: YuvColour) {
  const [kr, kb] = matrix === 'bt601' ? [0.299, 0.114] : [0.2126, 0.0722];
  const [black, lumaSteps, chromaSteps] = range === 'limited' ? [16, 219, 224] : [0, 255, 255];
  return { kr, kb, kg: 1 - kr - kb, black, lumaSteps, chromaSteps };
}

/** YUV to RGB, from the luma coefficients of its matrix. */
export function yuvToRgb(y: number, cb: number, cr: number, colour = LIMITED_BT601): Pixel {
  const { kr, kb, kg, black, lumaSteps, chromaSteps } = standard(colour);
  const luma = (y - black) / lumaSteps;
  const pb = (cb - 128) / chromaSteps;
  const pr = (cr - 128) / chromaSteps;
  const red = luma + 2 * (1 - kr) * pr;
  const blue = luma + 2 * (1 - kb) * pb;
  const green = (luma - kr * red - kb * blue) / kg;
  const level = (value: number) => Math.round(clamp(value * 255, 0, 255));
  return [level(red), level(green), level(blue)];
}

/**
 * The same as native/README.md fixes it for kernels: coefficients with 14 and 13 fractional bits, each
 * product rounded to 1/64 of a level. At most one level from `yuvToRgb`, which a test shows for every
 * triple. Where a filter has negative weights a level more in the input may become two in the output:
 * those resizes are compared from here on.
 */
export function yuvToRgbInSteps(y: number, cb: number, cr: number, colour = LIMITED_BT601): Pixel {
  const { kr, kb, kg, black, lumaSteps, chromaSteps } = standard(colour);
  const step = (value: number, coefficient: number, bits: number) =>
    Math.floor((value * Math.round(coefficient * 2 ** bits) * 64) / 2 ** bits + 0.5) / 64;
  const luma = step(y - black, 255 / lumaSteps, 14);
  const perLevel = 255 / chromaSteps;
  const red = luma + step(cr - 128, perLevel * 2 * (1 - kr), 13);
  const blue = luma + step(cb - 128, perLevel * 2 * (1 - kb), 13);
  const green =
    luma -
    step(cb - 128, (perLevel * 2 * (1 - kb) * kb) / kg, 13) -
    step(cr - 128, (perLevel * 2 * (1 - kr) * kr) / kg, 13);
  const level = (value: number) => Math.floor(clamp(value, 0, 255) + 0.5);
  return [level(red), level(green), level(blue)];
}

/** Rec. 601 luma of RGB with 14 fractional bits, as OpenCV's COLOR_RGB2GRAY. */
export function grayOf(red: number, green: number, blue: number): number {
  return Math.floor((4899 * red + 9617 * green + 1868 * blue) / 16384 + 0.5);
}

/** A level of more than 8 bits: black and below 0, white and above 255, linear, halves up. */
export function stretchLevel(level: number, { black, white }: LevelRange): number {
  return Math.floor(((clamp(level, black, white) - black) * 255 * 2) / (2 * (white - black)) + 0.5);
}

// ------------------------------------------------------------------ planes

/** Bits that a pixel takes; for packed mono the pixels of a row are one run of bits. */
const MONO_BITS = {
  mono10: 10,
  mono12: 12,
  mono16: 16,
  mono10p: 10,
  mono12p: 12,
  mono10packed: 10,
  mono12packed: 12,
};
type Mono = keyof typeof MONO_BITS;

const isMono = (format: RawPixelFormat): format is Mono => format in MONO_BITS;
const isPacked = (format: RawPixelFormat) => /^mono.*p/.test(format);

/** Bytes of `pixels` pixels in a run: two share three bytes, where not whole bytes or bits follow. */
function monoBytes(format: Mono, pixels: number): number {
  if (format === 'mono10p') return Math.ceil((pixels * 10) / 8);
  return isPacked(format) ? Math.ceil((pixels * 12) / 8) : pixels * 2;
}

/** Bytes of a packed row and rows of each plane. */
export function planeSizes(
  format: RawPixelFormat,
  size: Size,
): { rowBytes: number; rows: number }[] {
  const { width, height } = size;
  const [half, halfRows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const plane = (rowBytes: number, rows = height) => ({ rowBytes, rows });
  if (isMono(format)) return [plane(monoBytes(format, width))];
  switch (format) {
    case 'rgb24':
    case 'bgr24':
      return [plane(width * 3)];
    case 'rgba':
    case 'bgra':
      return [plane(width * 4)];
    case 'nv12':
    case 'nv21':
      return [plane(width), plane(half * 2, halfRows)];
    case 'i420':
      return [plane(width), plane(half, halfRows), plane(half, halfRows)];
    case 'yuyv':
    case 'uyvy':
      return [plane(half * 4)];
    default:
      return [plane(width)];
  }
}

type SampleAt = (plane: number, row: number, at: number) => number;

function samplesOf(picture: StoredPicture): SampleAt {
  let offset = 0;
  const planes = planeSizes(picture.format, picture).map(({ rowBytes, rows }, index) => {
    const stride = picture.strides?.[index] ?? rowBytes;
    const start = offset;
    offset += stride * rows;
    return { start, stride };
  });
  return (plane, row, at) => {
    const { start, stride } = planes[plane] as { start: number; stride: number };
    return picture.data[start + row * stride + at] as number;
  };
}

// ------------------------------------------------------------------ pixels

/** Bit by bit: where bit `bit` of pixel `index` of a run lies, counted from the run's first byte. */
function bitPlace(format: Mono, index: number, bit: number): number {
  if (format === 'mono10p' || format === 'mono12p') return index * MONO_BITS[format] + bit;
  if (!isPacked(format)) return index * 16 + bit;
  const lowBits = MONO_BITS[format] - 8;
  const pair = Math.floor(index / 2) * 24;
  const isSecond = index % 2 === 1;
  return bit < lowBits
    ? pair + 8 + (isSecond ? 4 : 0) + bit
    : pair + (isSecond ? 16 : 0) + bit - lowBits;
}

function monoLevel(picture: StoredPicture, format: Mono, x: number, y: number): number {
  const isJoined = isPacked(format) && picture.strides === undefined;
  const index = isJoined ? y * picture.width + x : x;
  const stride = picture.strides?.[0] ?? monoBytes(format, picture.width);
  const start = isJoined ? 0 : y * stride;
  // Containers of 16 bits count whole: what is beyond the depth is beyond white.
  const bits = isPacked(format) ? MONO_BITS[format] : 16;
  let level = 0;
  for (let bit = 0; bit < bits; bit++) {
    const place = bitPlace(format, index, bit);
    const byte = picture.data[start + Math.floor(place / 8)] as number;
    level += ((byte >> (place % 8)) & 1) * 2 ** bit;
  }
  return level;
}

/** The colour that the sensor sees at (x, y), as a channel of RGB. */
function bayerChannel(format: RawPixelFormat, x: number, y: number): number {
  const cell = { bayerrg8: 'RGGB', bayergb8: 'GBRG', bayergr8: 'GRBG', bayerbg8: 'BGGR' }[
    format as 'bayerrg8'
  ];
  return 'RGB'.indexOf(cell[(y % 2) * 2 + (x % 2)] as string);
}

/** The mean, halves up, of the nearest samples of each colour: the pixel itself or its neighbours. */
function bayerPixel(picture: StoredPicture, sample: SampleAt, x: number, y: number): Pixel {
  const { width, height, format } = picture;
  const column = width < 3 ? x : clamp(x, 1, width - 2);
  const row = height < 3 ? y : clamp(y, 1, height - 2);
  const mirror = (at: number, size: number) => (at < 0 ? -at : at >= size ? 2 * size - 2 - at : at);
  return [0, 1, 2].map((channel) => {
    if (bayerChannel(format, column, row) === channel) return sample(0, row, column);
    const found: number[] = [];
    const reach = channel === 1 ? [1] : [1, 2];
    for (const distance of reach) {
      if (found.length > 0) break;
      for (let v = row - 1; v <= row + 1; v++) {
        for (let u = column - 1; u <= column + 1; u++) {
          const apart = Math.abs(u - column) + Math.abs(v - row);
          const [a, b] = [mirror(u, width), mirror(v, height)];
          if (apart === distance && bayerChannel(format, a, b) === channel) {
            found.push(sample(0, b, a));
          }
        }
      }
    }
    return Math.floor(found.reduce((sum, level) => sum + level, 0) / found.length + 0.5);
  }) as Pixel;
}

/** The stored pixel at (x, y) as RGB. */
function pixelAt(
  picture: StoredPicture,
  sample: SampleAt,
  x: number,
  y: number,
  toRgb: YuvToRgb,
): Pixel {
  const { format } = picture;
  const gray = (level: number): Pixel => [level, level, level];
  if (isMono(format)) {
    const levels = picture.levels ?? { black: 0, white: 2 ** MONO_BITS[format] - 1 };
    return gray(stretchLevel(monoLevel(picture, format, x, y), levels));
  }
  const pair = Math.floor(x / 2);
  const halfRow = Math.floor(y / 2);
  const yuv = (luma: number, cb: number, cr: number) => toRgb(luma, cb, cr, picture.colour);
  const bytes = (pixelBytes: number, [r, g, b]: Pixel): Pixel => [
    sample(0, y, x * pixelBytes + r),
    sample(0, y, x * pixelBytes + g),
    sample(0, y, x * pixelBytes + b),
  ];
  switch (format) {
    case 'rgb24':
      return bytes(3, [0, 1, 2]);
    case 'bgr24':
      return bytes(3, [2, 1, 0]);
    case 'rgba':
      return bytes(4, [0, 1, 2]);
    case 'bgra':
      return bytes(4, [2, 1, 0]);
    case 'gray8':
      return gray(sample(0, y, x));
    case 'nv12':
      return yuv(sample(0, y, x), sample(1, halfRow, pair * 2), sample(1, halfRow, pair * 2 + 1));
    case 'nv21':
      return yuv(sample(0, y, x), sample(1, halfRow, pair * 2 + 1), sample(1, halfRow, pair * 2));
    case 'i420':
      return yuv(sample(0, y, x), sample(1, halfRow, pair), sample(2, halfRow, pair));
    case 'yuyv':
      return yuv(sample(0, y, x * 2), sample(0, y, pair * 4 + 1), sample(0, y, pair * 4 + 3));
    case 'uyvy':
      return yuv(sample(0, y, x * 2 + 1), sample(0, y, pair * 4), sample(0, y, pair * 4 + 2));
    default:
      return bayerPixel(picture, sample, x, y);
  }
}

export function decodeStored(picture: StoredPicture, toRgb: YuvToRgb = yuvToRgb): Levels {
  const { width, height } = picture;
  const levels = new Float64Array(width * height * 3);
  const sample = samplesOf(picture);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      levels.set(pixelAt(picture, sample, x, y, toRgb), (y * width + x) * 3);
    }
  }
  return { width, height, levels };
}
