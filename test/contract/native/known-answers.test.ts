import { expect, test } from 'vitest';
import {
  createTensorData,
  type Interpolation,
  type TensorSpec,
} from '../../../component/contract/tensor.ts';
import { rawToTensor } from '../../../native/index.ts';

/** Answers worked out by hand from the rules. */
const UPRIGHT = { rotation: 0, flip: 'none' } as const;

const SPEC: TensorSpec = {
  width: 1,
  height: 1,
  layout: 'nhwc',
  dtype: 'uint8',
  colourOrder: 'gray',
  resize: 'stretch',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0],
  std: [1],
  padValue: 0,
};

/** A single grey row resized to `width` pixels. */
function resizeRow(row: number[], width: number, interpolation: Interpolation): number[] {
  const out = new Uint8Array(width);
  const image = {
    data: Uint8Array.from(row),
    width: row.length,
    height: 1,
    format: 'gray8',
  } as const;
  rawToTensor(image, UPRIGHT, { ...SPEC, width, interpolation }, out);
  return [...out];
}

test('bilinear samples at pixel centres and repeats the edge', () => {
  // Centres at −0.25, 0.25, 0.75, 1.25.
  expect(resizeRow([0, 100], 4, 'bilinear')).toEqual([0, 25, 75, 100]);
  // Centres at 0.5 and 2.5: no smoothing beyond two neighbours.
  expect(resizeRow([0, 100, 200, 100], 2, 'bilinear')).toEqual([50, 150]);
  // Centre at 1: one pixel alone, the others do not count.
  expect(resizeRow([0, 77, 255], 1, 'bilinear')).toEqual([77]);
});

test('area means over what a cell covers', () => {
  expect(resizeRow([0, 100, 200, 101], 2, 'area')).toEqual([50, 151]);
  expect(resizeRow([0, 90, 240], 1, 'area')).toEqual([110]);
  // Cells of 1.5 pixels: (0 + 60 / 2) / 1.5 and (60 / 2 + 240) / 1.5.
  expect(resizeRow([0, 60, 240], 2, 'area')).toEqual([20, 180]);
  // Enlarged: OpenCV blends only where a border falls into an output pixel.
  expect(resizeRow([0, 100], 4, 'area')).toEqual([0, 0, 100, 100]);
  expect(resizeRow([0, 90], 3, 'area')).toEqual([0, 45, 90]);
});

test('bilinear-antialias widens its triangle with the reduction', () => {
  // Triangle of support 2 about 1 and 3: weights 3, 3, 1 of 7, and the mirror image.
  expect(resizeRow([0, 70, 140, 210], 2, 'bilinear-antialias')).toEqual([50, 160]);
  expect(resizeRow([0, 100], 4, 'bilinear-antialias')).toEqual([0, 25, 75, 100]);
});

test('bicubic-antialias overshoots at an edge and is clamped', () => {
  // a = −0.5, offsets 1.25, 0.25, 0.75, 1.75: weights −9, 111, 29, −3 of 128; cut at the edges.
  // Position 1 of [0, 0, 255, 255] doubled lies at 0.25 (index 0.25): neighbours 0, 0, 255 (and 255).
  expect(resizeRow([0, 0, 255, 255], 8, 'bicubic-antialias')).toEqual([
    0, 0, 0, 52, 203, 255, 255, 255,
  ]);
});

test('nearest takes the pixel under the centre', () => {
  expect(resizeRow([10, 20, 30], 2, 'nearest')).toEqual([10, 30]);
  expect(resizeRow([10, 20], 5, 'nearest')).toEqual([10, 10, 20, 20, 20]);
});

test('limited range BT.601: black, white, beyond, and the primaries of its definition', () => {
  const convert = (y: number, cb: number, cr: number) => {
    const out = new Uint8Array(6);
    const spec = {
      ...SPEC,
      width: 2,
      colourOrder: 'rgb',
      mean: [0, 0, 0],
      std: [1, 1, 1],
    } as const;
    const data = Uint8Array.of(y, cb, y, cr);
    rawToTensor({ data, width: 2, height: 1, format: 'yuyv' }, UPRIGHT, spec, out);
    return [...out.subarray(0, 3)];
  };
  expect(convert(16, 128, 128)).toEqual([0, 0, 0]);
  expect(convert(235, 128, 128)).toEqual([255, 255, 255]);
  expect(convert(0, 128, 128)).toEqual([0, 0, 0]);
  expect(convert(255, 128, 128)).toEqual([255, 255, 255]);
  expect(convert(126, 128, 128)).toEqual([128, 128, 128]);
  // Colour bars of Rec. 601: red 81/90/240, green 145/54/34, blue 41/240/110.
  for (const [bar, want] of [
    [
      [81, 90, 240],
      [255, 0, 0],
    ],
    [
      [145, 54, 34],
      [0, 255, 0],
    ],
    [
      [41, 240, 110],
      [0, 0, 255],
    ],
  ] as const) {
    convert(bar[0], bar[1], bar[2]).forEach((level, c) => {
      expect(Math.abs(level - (want[c] as number))).toBeLessThanOrEqual(1);
    });
  }
});

test('normalisation is (pixel × scale − mean) / std, in the tensor’s channel order', () => {
  const out = new Float32Array(3);
  const spec: TensorSpec = {
    ...SPEC,
    dtype: 'float32',
    colourOrder: 'bgr',
    scale: 1 / 255,
    mean: [0.406, 0.456, 0.485],
    std: [0.225, 0.224, 0.229],
  };
  const data = Uint8Array.of(200, 100, 50);
  rawToTensor({ data, width: 1, height: 1, format: 'rgb24' }, UPRIGHT, spec, out);
  expect(out[0]).toBeCloseTo((50 / 255 - 0.406) / 0.225, 5);
  expect(out[1]).toBeCloseTo((100 / 255 - 0.456) / 0.224, 5);
  expect(out[2]).toBeCloseTo((200 / 255 - 0.485) / 0.229, 5);
});

/** What a grey level becomes. */
function elementFor(level: number, change: Partial<TensorSpec>): number {
  const spec: TensorSpec = { ...SPEC, ...change };
  const out = createTensorData(spec);
  const data = Uint8Array.of(level);
  rawToTensor({ data, width: 1, height: 1, format: 'gray8' }, UPRIGHT, spec, out);
  return out[0] as number;
}

test('float16 is the nearest half of the float32 value, in its bits', () => {
  const half = (level: number, change: Partial<TensorSpec> = {}) =>
    elementFor(level, { dtype: 'float16', ...change });
  expect(half(0)).toBe(0);
  expect(half(1)).toBe(0x3c00);
  expect(half(255)).toBe(0x5bf8);
  expect(half(1, { scale: -1 })).toBe(0xbc00);
  // 2049 lies between 2048 and 2050: the even one; 2051 between 2050 and 2052.
  expect(half(1, { mean: [-2048] })).toBe(0x6800);
  expect(half(3, { mean: [-2048] })).toBe(0x6802);
  // The largest, and what is rounded down to it; 65520 would be infinite.
  expect(half(255, { scale: 65519 / 255 })).toBe(0x7bff);
  expect(() => half(255, { scale: 65521 / 255 })).toThrow(/65504/);
  // Below 2^-14 in steps of 2^-24, ties to even: 1, 1.5 and 2.5 steps.
  expect(half(1, { scale: 2 ** -24 })).toBe(1);
  expect(half(3, { scale: 2 ** -25 })).toBe(2);
  expect(half(5, { scale: 2 ** -25 })).toBe(2);
  const imagenet = { scale: 1 / 255, mean: [0.485], std: [0.229] };
  for (let level = 0; level < 256; level++) {
    const value = elementFor(level, { dtype: 'float32', ...imagenet });
    const [bits] = new Uint16Array(Float16Array.of(value).buffer);
    expect(half(level, imagenet)).toBe(bits);
  }
});

test('quantised bytes are round(value / scale) + zero point, halves to even, clamped', () => {
  const steps = (levels: number[], change: Partial<TensorSpec>) =>
    levels.map((level) => elementFor(level, change));
  const int8 = (scale: number, zeroPoint: number) =>
    ({ dtype: 'int8', quantisation: { scale, zeroPoint } }) as const;
  const uint8 = (scale: number, zeroPoint: number) =>
    ({ dtype: 'uint8', quantisation: { scale, zeroPoint } }) as const;
  // 0.5, 1, 1.5, 2, 2.5 steps.
  expect(steps([1, 2, 3, 4, 5], int8(2, 0))).toEqual([0, 1, 2, 2, 2]);
  expect(steps([1, 2, 3, 4, 5], uint8(2, 7))).toEqual([7, 8, 9, 9, 9]);
  expect(steps([0, 1, 127, 128, 255], int8(1, -128))).toEqual([-128, -127, -1, 0, 127]);
  expect(steps([0, 127, 128, 255], int8(1, 0))).toEqual([0, 127, 127, 127]);
  expect(steps([0, 100, 255], uint8(1, 200))).toEqual([200, 255, 255]);
  // (pixel − 127.5) / 127.5 from −1 to 1 in steps of 1/128, as TensorFlow Lite's models want it.
  const centred = { mean: [127.5], std: [127.5] };
  expect(steps([0, 127, 128, 255], { ...int8(1 / 128, 0), ...centred })).toEqual([
    -128, -1, 1, 127,
  ]);
  expect(steps([0, 127, 128, 255], { ...uint8(1 / 128, 128), ...centred })).toEqual([
    0, 127, 129, 255,
  ]);
});

test('letterbox bars are what a pixel of that level is, whatever the dtype', () => {
  for (const change of [
    { dtype: 'float32' },
    { dtype: 'float16' },
    { dtype: 'uint8', quantisation: { scale: 2 / 255, zeroPoint: 5 } },
    { dtype: 'int8', quantisation: { scale: 2 / 255, zeroPoint: -128 } },
  ] as const) {
    for (let level = 0; level < 256; level++) {
      const spec: TensorSpec = {
        ...SPEC,
        width: 2,
        height: 4,
        resize: 'letterbox',
        scale: 1 / 255,
        mean: [0.3],
        std: [0.7],
        padValue: level,
        ...change,
      };
      const out = createTensorData(spec);
      const data = new Uint8Array(2).fill(level);
      rawToTensor({ data, width: 2, height: 1, format: 'gray8' }, UPRIGHT, spec, out);
      expect(new Set(out).size).toBe(1);
    }
  }
});

test('a letterbox has its smaller bar on top and left, in the padding level, normalised', () => {
  const out = new Float32Array(4 * 4).fill(NaN);
  const spec: TensorSpec = {
    ...SPEC,
    width: 4,
    height: 4,
    dtype: 'float32',
    resize: 'letterbox',
    scale: 0.5,
    mean: [7],
    std: [2],
    padValue: 114,
  };
  const data = new Uint8Array(4).fill(30);
  const transform = rawToTensor({ data, width: 4, height: 1, format: 'gray8' }, UPRIGHT, spec, out);
  const bar = (114 * 0.5 - 7) / 2;
  const pixel = (30 * 0.5 - 7) / 2;
  expect([...out]).toEqual([
    ...[bar, bar, bar, bar],
    ...[pixel, pixel, pixel, pixel],
    ...[bar, bar, bar, bar],
    ...[bar, bar, bar, bar],
  ]);
  expect(transform).toEqual({
    scaleX: 1,
    scaleY: 1,
    offsetX: 0,
    offsetY: -1,
    source: { width: 4, height: 1 },
  });
});

test('a letterbox in the top left corner has its bars right and below', () => {
  const out = new Float32Array(4 * 4).fill(NaN);
  const spec: TensorSpec = {
    ...SPEC,
    width: 4,
    height: 4,
    dtype: 'float32',
    resize: 'letterbox-top-left',
    padValue: 114,
  };
  // 8 × 3 at half the size: of the 1.5 rows one is whole.
  const data = new Uint8Array(24).fill(30);
  const transform = rawToTensor({ data, width: 8, height: 3, format: 'gray8' }, UPRIGHT, spec, out);
  expect([...out]).toEqual([30, 30, 30, 30, ...new Array<number>(12).fill(114)]);
  expect(transform).toEqual({
    scaleX: 2,
    scaleY: 3,
    offsetX: 0,
    offsetY: 0,
    source: { width: 8, height: 3 },
  });
});

test('a centre crop of a region maps back to pixels of the whole upright picture', () => {
  // Stored 20×10, turned: upright 10×20. Region 8×16 at (1, 2) to 4×4: halved to 4×8, cut by 2.
  const out = new Uint8Array(16);
  const data = new Uint8Array(200);
  const view = {
    rotation: 90,
    flip: 'none',
    region: { x: 1, y: 2, width: 8, height: 16 },
  } as const;
  const spec: TensorSpec = { ...SPEC, width: 4, height: 4, resize: 'crop' };
  const transform = rawToTensor({ data, width: 20, height: 10, format: 'gray8' }, view, spec, out);
  expect(transform).toEqual({
    scaleX: 2,
    scaleY: 2,
    offsetX: 1,
    offsetY: 6,
    source: { width: 10, height: 20 },
  });
});

test('turns go clockwise, mirrors come after', () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const turned = (rotation: 0 | 90 | 180 | 270, flip: 'none' | 'horizontal' | 'vertical') => {
    const isTurned = rotation % 180 !== 0;
    const out = new Uint8Array(6);
    const spec = { ...SPEC, width: isTurned ? 2 : 3, height: isTurned ? 3 : 2 };
    rawToTensor({ data, width: 3, height: 2, format: 'gray8' }, { rotation, flip }, spec, out);
    return [...out].join('');
  };
  expect(turned(0, 'none')).toBe('123456');
  expect(turned(90, 'none')).toBe('415263');
  expect(turned(180, 'none')).toBe('654321');
  expect(turned(270, 'none')).toBe('362514');
  expect(turned(0, 'horizontal')).toBe('321654');
  expect(turned(0, 'vertical')).toBe('456123');
  expect(turned(90, 'horizontal')).toBe('142536');
  expect(turned(90, 'vertical')).toBe('635241');
});
