import fc from 'fast-check';
import { expect, test } from 'vitest';
import type {
  RawPixelFormat,
  SampleMeaning,
  YuvColour,
} from '../../../component/contract/frame.ts';
import type { TensorSpec } from '../../../component/contract/tensor.ts';
import { encodeJpeg, jpegToTensor, rawToTensor, type RawImage } from '../../../native/index.ts';
import { rawToRgb } from '../../../native/picture-to-rgb.ts';
import { picture } from './random-picture.ts';

/** What each format's bytes mean, worked out by hand. */
const UPRIGHT = { rotation: 0, flip: 'none' } as const;

const RGB: TensorSpec = {
  width: 1,
  height: 1,
  layout: 'nhwc',
  dtype: 'uint8',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'nearest',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
};
const GRAY: TensorSpec = { ...RGB, colourOrder: 'gray', mean: [0], std: [1] };

type Look = Pick<RawImage, 'strides'> & SampleMeaning;

function pixelsOf(
  format: RawPixelFormat,
  [width, height]: [number, number],
  bytes: number[],
  look: Look = {},
): number[] {
  const out = new Uint8Array(width * height * 3);
  const image = { data: Uint8Array.from(bytes), width, height, format, ...look };
  rawToTensor(image, UPRIGHT, { ...RGB, width, height }, out);
  return [...out];
}

function graysOf(
  format: RawPixelFormat,
  [width, height]: [number, number],
  bytes: number[],
  look: Look = {},
): number[] {
  const out = new Uint8Array(width * height);
  const image = { data: Uint8Array.from(bytes), width, height, format, ...look };
  rawToTensor(image, UPRIGHT, { ...GRAY, width, height }, out);
  return [...out];
}

test('alpha is dropped, not blended', () => {
  expect(pixelsOf('rgba', [2, 1], [1, 2, 3, 0, 4, 5, 6, 255])).toEqual([1, 2, 3, 4, 5, 6]);
  expect(pixelsOf('bgra', [2, 1], [1, 2, 3, 0, 4, 5, 6, 255])).toEqual([3, 2, 1, 6, 5, 4]);
});

test('nv21 has Cr before Cb, uyvy its chroma before its luma', () => {
  // Red of Rec. 601: 81, 90, 240.
  const red = pixelsOf('nv12', [2, 2], [81, 81, 81, 81, 90, 240]);
  expect(red.slice(0, 3)).toEqual([254, 0, 0]);
  expect(pixelsOf('nv21', [2, 2], [81, 81, 81, 81, 240, 90])).toEqual(red);
  expect(pixelsOf('uyvy', [2, 1], [90, 81, 240, 81])).toEqual(red.slice(0, 6));
  expect(pixelsOf('yuyv', [2, 1], [81, 90, 81, 240])).toEqual(red.slice(0, 6));
});

/** 100 % colour bars as the standards give them in 8 bits, and black and white of each range. */
const BARS: [YuvColour, [number, number, number], [number, number, number]][] = [
  [{ matrix: 'bt709', range: 'limited' }, [63, 102, 240], [255, 0, 0]],
  [{ matrix: 'bt709', range: 'limited' }, [173, 42, 26], [0, 255, 0]],
  [{ matrix: 'bt709', range: 'limited' }, [32, 240, 118], [0, 0, 255]],
  [{ matrix: 'bt709', range: 'limited' }, [16, 128, 128], [0, 0, 0]],
  [{ matrix: 'bt709', range: 'limited' }, [235, 128, 128], [255, 255, 255]],
  [{ matrix: 'bt709', range: 'full' }, [54, 99, 255], [254, 0, 0]],
  [{ matrix: 'bt709', range: 'full' }, [200, 128, 128], [200, 200, 200]],
  [{ matrix: 'bt601', range: 'limited' }, [145, 54, 34], [0, 255, 0]],
  [{ matrix: 'bt601', range: 'full' }, [76, 85, 255], [254, 0, 0]],
  [{ matrix: 'bt601', range: 'full' }, [0, 128, 128], [0, 0, 0]],
  [{ matrix: 'bt601', range: 'full' }, [255, 128, 128], [255, 255, 255]],
];

for (const [colour, [y, cb, cr], want] of BARS) {
  test(`${colour.range} range ${colour.matrix}: ${y}, ${cb}, ${cr} is RGB ${want.join(', ')}`, () => {
    const got = pixelsOf('uyvy', [2, 1], [cb, y, cr, y], { colour });
    got.slice(0, 3).forEach((level, channel) => {
      expect(Math.abs(level - (want[channel] as number))).toBeLessThanOrEqual(1);
    });
  });
}

test('without a colour a frame is limited range BT.601', () => {
  const bytes = [70, 200, 190, 90];
  const limited: YuvColour = { matrix: 'bt601', range: 'limited' };
  expect(pixelsOf('uyvy', [2, 1], bytes)).toEqual(
    pixelsOf('uyvy', [2, 1], bytes, { colour: limited }),
  );
});

test('unpacked mono: two bytes a pixel, the lower first, the whole depth to 0–255', () => {
  expect(graysOf('mono10', [3, 1], [0, 0, 0xff, 3, 0, 2])).toEqual([0, 255, 128]);
  expect(graysOf('mono12', [3, 1], [0, 0, 0xff, 15, 0, 8])).toEqual([0, 255, 128]);
  expect(graysOf('mono16', [3, 1], [0, 0, 0xff, 0xff, 0, 0x40])).toEqual([0, 255, 64]);
  // Beyond the depth is beyond white.
  expect(graysOf('mono10', [1, 1], [0, 4])).toEqual([255]);
  expect(pixelsOf('mono12', [1, 1], [0, 8])).toEqual([128, 128, 128]);
});

/** Levels 0x123, 0x2bc, 0x0fe and 0x301; stretched so that a level's last eight bits remain to be seen. */
const part = (black: number) => ({ levels: { black, white: black + 255 } });

test('mono10p: bit after bit, the lowest first', () => {
  // 0x123 = 01 0010 0011, 0x2bc = 10 1011 1100, 0x0fe = 00 1111 1110, 0x301 = 11 0000 0001.
  const bytes = [0x23, 0xf1, 0xea, 0x4f, 0xc0];
  expect(graysOf('mono10p', [4, 1], bytes, part(0x100))).toEqual([0x23, 255, 0, 255]);
  expect(graysOf('mono10p', [4, 1], bytes, part(0x200))).toEqual([0, 0xbc, 0, 255]);
  expect(graysOf('mono10p', [4, 1], bytes, part(0x000))).toEqual([255, 255, 0xfe, 255]);
  expect(graysOf('mono10p', [4, 1], bytes, part(0x300))).toEqual([0, 0, 0, 1]);
});

test('mono12p: two pixels in three bytes, bit after bit', () => {
  // 0x123 and 0xabc: 23, c1, ab.
  expect(graysOf('mono12p', [2, 1], [0x23, 0xc1, 0xab], part(0x100))).toEqual([0x23, 255]);
  expect(graysOf('mono12p', [2, 1], [0x23, 0xc1, 0xab], part(0xa80))).toEqual([0, 0x3c]);
});

test('mono10packed and mono12packed: the upper bits in the outer bytes, the lower ones between', () => {
  // 0x123 and 0xabc: 12, c3 (second pixel's nibble above), ab.
  expect(graysOf('mono12packed', [2, 1], [0x12, 0xc3, 0xab], part(0x100))).toEqual([0x23, 255]);
  expect(graysOf('mono12packed', [2, 1], [0x12, 0xc3, 0xab], part(0xa80))).toEqual([0, 0x3c]);
  // 0x123 = 0x48 and 3, 0x2be = 0xaf and 2: low bits in bits 0–1 and 4–5; the others do not count.
  expect(graysOf('mono10packed', [2, 1], [0x48, 0xef, 0xaf], part(0x100))).toEqual([0x23, 255]);
  expect(graysOf('mono10packed', [2, 1], [0x48, 0xef, 0xaf], part(0x200))).toEqual([0, 0xbe]);
});

test('packed mono runs on from row to row without strides, and starts each row anew with them', () => {
  // 3×2 of 0x010, 0x020 … 0x060: a row is four and a half bytes.
  const joined = [0x10, 0x00, 0x02, 0x30, 0x00, 0x04, 0x50, 0x00, 0x06];
  const want = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60];
  expect(graysOf('mono12p', [3, 2], joined, part(0))).toEqual(want);
  const apart = [0x10, 0x00, 0x02, 0x30, 0x00, 0x40, 0x00, 0x05, 0x60, 0x00];
  expect(graysOf('mono12p', [3, 2], apart, { strides: [5], ...part(0) })).toEqual(want);
});

test('levels: black and below is 0, white and above 255, between them linear, halves up', () => {
  const levels = { black: 100, white: 610 };
  const bytes = [99, 100, 101, 102, 103, 355, 609, 610, 611].flatMap((v) => [v & 255, v >> 8]);
  // Half a level a step.
  expect(graysOf('mono16', [9, 1], bytes, { levels })).toEqual([0, 0, 1, 1, 2, 128, 255, 255, 255]);
  expect(graysOf('mono16', [2, 1], [7, 0, 8, 0], { levels: { black: 7, white: 8 } })).toEqual([
    0, 255,
  ]);
});

test('every level of 16 bits is rounded to the nearest, for spans of every length', () => {
  const all = new Uint8Array(65_536 * 2);
  for (let level = 0; level < 65_536; level++) all.set([level & 255, level >> 8], level * 2);
  const out = new Uint8Array(65_536);
  const image = { data: all, width: 256, height: 256, format: 'mono16' } as const;
  const spec = { ...GRAY, width: 256, height: 256 };
  for (const [black, white] of [
    [0, 65_535],
    [0, 65_534],
    [1, 65_535],
    [0, 1],
    [0, 2],
    [513, 40_000],
    [65_534, 65_535],
  ] as const) {
    rawToTensor({ ...image, levels: { black, white } }, UPRIGHT, spec, out);
    const span = white - black;
    const wrong = out.findIndex((gray, level) => {
      const above = Math.min(Math.max(level, black), white) - black;
      // (2 × 255 × above + span) / (2 × span), in whole numbers.
      const sum = 510 * above + span;
      return gray !== (sum - (sum % (2 * span))) / (2 * span);
    });
    expect(wrong, `${black} to ${white}`).toBe(-1);
  }
});

test('Bayer: neighbours are averaged, the sensor’s first two pixels name the mosaic', () => {
  // R G R G / G B G B / …: red 200 at its own places, green 100, blue 50.
  const cells = { bayerrg8: 'RGGB', bayergb8: 'GBRG', bayergr8: 'GRBG', bayerbg8: 'BGGR' } as const;
  const level = { R: 200, G: 100, B: 50 };
  for (const [format, cell] of Object.entries(cells) as [keyof typeof cells, string][]) {
    const bytes = Array.from({ length: 24 }, (_, i) => {
      const [x, y] = [i % 6, Math.floor(i / 6)];
      return level[cell[(y % 2) * 2 + (x % 2)] as 'R'];
    });
    const want = Array.from({ length: 24 }, () => [200, 100, 50]).flat();
    expect(pixelsOf(format, [6, 4], bytes), format).toEqual(want);
    expect(pixelsOf(format, [2, 2], [bytes[0], bytes[1], bytes[6], bytes[7]] as number[])).toEqual(
      want.slice(0, 12),
    );
  }
  // RG: the middle is blue; green of its four sides, red of its four corners.
  const middle = [10, 1, 20, 2, 77, 4, 30, 8, 41];
  const all = pixelsOf('bayerrg8', [3, 3], middle);
  // (1 + 2 + 4 + 8 + 2) / 4 = 4, (10 + 20 + 30 + 41 + 2) / 4 = 25; the border repeats it.
  expect(all).toEqual(Array.from({ length: 9 }, () => [25, 4, 77]).flat());
});

test('a region gives exactly the pixels that the whole picture has there, whatever the format', () => {
  fc.assert(
    fc.property(picture, fc.nat(), fc.nat(), fc.nat(), fc.nat(), (stored, a, b, c, d) => {
      const { width, height } = stored;
      const [x, y] = [a % width, b % height];
      const region = { x, y, width: 1 + (c % (width - x)), height: 1 + (d % (height - y)) };
      const whole = rawToRgb(stored, UPRIGHT).data;
      const part = rawToRgb(stored, { ...UPRIGHT, region }).data;
      for (let row = 0; row < region.height; row++) {
        const from = ((y + row) * width + x) * 3;
        const wanted = whole.subarray(from, from + region.width * 3);
        const start = row * region.width * 3;
        expect(part.subarray(start, start + wanted.length)).toEqual(wanted);
      }
    }),
    { numRuns: 500 },
  );
});

test('a JPEG is made of every format, gray of gray', () => {
  const spec = { ...RGB, width: 8, height: 8 };
  for (const [format, bytes, want] of [
    [
      'rgba',
      Array.from({ length: 256 }, (_, i) => [200, 100, 50, 0][i % 4] as number),
      [200, 100, 50],
    ],
    ['mono16', Array.from({ length: 128 }, (_, i) => [0, 0x40][i % 2] as number), [64, 64, 64]],
    ['bayergr8', new Array<number>(64).fill(90), [90, 90, 90]],
  ] as const) {
    const image = { data: Uint8Array.from(bytes), width: 8, height: 8, format };
    const out = new Uint8Array(192);
    jpegToTensor(encodeJpeg(image, 95), UPRIGHT, spec, out, 1000);
    out.forEach((got, i) => {
      expect(Math.abs(got - (want[i % 3] as number))).toBeLessThanOrEqual(3);
    });
  }
});
