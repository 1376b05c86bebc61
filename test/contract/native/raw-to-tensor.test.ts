import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RAW_PIXEL_FORMATS, type FrameView } from '../../../component/contract/frame.ts';
import {
  createTensorData,
  PICTURE_DTYPES,
  tensorElements,
  type PictureTensorData,
  type TensorSpec,
} from '../../../component/contract/tensor.ts';
import { packedFrameBytes, rawToTensor } from '../../../native/index.ts';
import {
  channelOf,
  decodeStored,
  makeUpright,
  referenceTensor,
  yuvToRgb,
  yuvToRgbInSteps,
  type ReferenceTensor,
  type StoredPicture,
} from './reference.ts';
import { elementOf } from './reference-elements.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const runs = isDeep ? 20_000 : 1_500;

const side = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 70 }));
/** Noise has every frequency; flat fields and edges show rounding and clamping. */
const texture = fc.constantFrom('noise', 'extremes', 'flat', 'ramp');

const picture: fc.Arbitrary<StoredPicture> = fc
  .record({
    width: side,
    height: side,
    format: fc.constantFrom(...RAW_PIXEL_FORMATS),
    extra: fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 3 })),
    texture,
    seed: fc.integer({ min: 1, max: 0x7fffffff }),
  })
  .map(({ width, height, format, extra, texture: kind, seed }) => {
    const half = Math.ceil(width / 2);
    const rows = { nv12: [width, half * 2], i420: [width, half, half], yuyv: [half * 4] };
    const rowBytes = format in rows ? rows[format as keyof typeof rows] : undefined;
    const packed = rowBytes ?? [format === 'gray8' ? width : width * 3];
    const strides = packed.map((bytes, plane) => bytes + (extra?.[plane] ?? 0));
    const planeRows = (plane: number) => (plane === 0 ? height : Math.ceil(height / 2));
    const total = strides.reduce((sum, stride, plane) => sum + stride * planeRows(plane), 0);
    const data = paint(total, kind, seed);
    return { width, height, format, data, ...(extra === null ? {} : { strides }) };
  });

function paint(bytes: number, kind: string, seed: number): Uint8Array {
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

const spec: fc.Arbitrary<TensorSpec> = fc
  .record({
    width: side,
    height: side,
    layout: fc.constantFrom('nchw', 'nhwc'),
    dtype: fc.constantFrom(...PICTURE_DTYPES),
    colourOrder: fc.constantFrom('rgb', 'bgr', 'gray'),
    resize: fc.constantFrom('stretch', 'letterbox', 'crop'),
    interpolation: fc.constantFrom(
      'bilinear',
      'area',
      'bilinear-antialias',
      'bicubic-antialias',
      'nearest',
    ),
    padValue: fc.integer({ min: 0, max: 255 }),
    normalised: fc.boolean(),
    isQuantised: fc.boolean(),
    // Steps of a 16th to 4 levels: from both ends clamped to many levels in one step.
    step: fc.oneof(fc.double({ min: 1 / 16, max: 4, noNaN: true }), fc.constantFrom(0.5, 1, 2)),
    zero: fc.integer({ min: 0, max: 255 }),
  } as const)
  .map(({ normalised, isQuantised, step, zero, ...rest }) => {
    const { dtype } = rest;
    const channels = rest.colourOrder === 'gray' ? 1 : 3;
    const hasSteps = dtype === 'int8' || (dtype === 'uint8' && isQuantised);
    const isScaled = normalised && (dtype !== 'uint8' || hasSteps);
    const scale = isScaled ? step / (255 * 0.225) : step;
    const zeroPoint = dtype === 'int8' ? zero - 128 : zero;
    return {
      ...rest,
      ...(hasSteps ? { quantisation: { scale, zeroPoint } } : {}),
      scale: isScaled ? 1 / 255 : 1,
      mean: (isScaled ? [0.485, 0.456, 0.406] : [0, 0, 0]).slice(0, channels),
      std: (isScaled ? [0.229, 0.224, 0.225] : [1, 1, 1]).slice(0, channels),
    };
  });

const look = fc.record({
  rotation: fc.constantFrom(0, 90, 180, 270),
  flip: fc.constantFrom('none', 'horizontal', 'vertical'),
  region: fc.option(fc.record({ x: fc.nat(), y: fc.nat(), width: fc.nat(), height: fc.nat() })),
} as const);

type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;

function viewOf(stored: StoredPicture, chosen: Look): FrameView {
  const { rotation, flip, region } = chosen;
  if (region === null) return { rotation, flip };
  const isTurned = rotation === 90 || rotation === 270;
  const width = isTurned ? stored.height : stored.width;
  const height = isTurned ? stored.width : stored.height;
  const x = region.x % width;
  const y = region.y % height;
  const box = {
    x,
    y,
    width: 1 + (region.width % (width - x)),
    height: 1 + (region.height % (height - y)),
  };
  return { rotation, flip, region: box };
}

/** The same tensor before it is normalised. */
function pixelsOf(tensor: TensorSpec): TensorSpec {
  const { quantisation: _, ...rest } = tensor;
  const channels = tensor.mean.map(() => 0);
  return { ...rest, dtype: 'uint8', scale: 1, mean: channels, std: channels.map(() => 1) };
}

/** The largest distance in whole grey levels; the tensor's elements must be whole grey levels. */
function levelsApart(out: PictureTensorData, want: ReferenceTensor, tensor: TensorSpec) {
  let worst = 0;
  out.forEach((value: number, i: number) => {
    const channel = channelOf(tensor, i);
    const std = tensor.std[channel] as number;
    const mean = tensor.mean[channel] as number;
    const level = (value * std + mean) / tensor.scale;
    const whole = Math.round(level);
    if (!(Math.abs(level - whole) < 1e-3))
      throw new Error(`element ${i} is no whole level: ${level}`);
    const expected = Math.round(want.levels[i] as number);
    const apart = Math.abs(whole - expected);
    if (want.isBar[i] === 1 && apart > 0) throw new Error(`bar element ${i} is ${level}`);
    worst = Math.max(worst, apart);
  });
  return worst;
}

test(`a tensor is at most one grey level from the reference, whatever the frame (${runs} cases)`, () => {
  fc.assert(
    fc.property(picture, spec, look, (stored, tensor, chosen) => {
      const view = viewOf(stored, chosen);
      const out = createTensorData(tensor).fill(99);
      const transform = rawToTensor(stored, view, tensor, out);
      const toRgb = tensor.interpolation.endsWith('-antialias') ? yuvToRgbInSteps : yuvToRgb;
      const upright = makeUpright(decodeStored(stored, toRgb), view);
      const want = referenceTensor(upright, view.region, tensor);
      const pixels = createTensorData(pixelsOf(tensor));
      rawToTensor(stored, view, pixelsOf(tensor), pixels);
      expect(levelsApart(pixels, want, pixelsOf(tensor))).toBeLessThanOrEqual(1);
      if (tensor.dtype === 'float32') {
        expect(levelsApart(out, want, tensor)).toBeLessThanOrEqual(1);
      }
      // Whole levels decide every element, to the bit.
      const elements = Array.from(pixels, (level, i) =>
        elementOf(level, channelOf(tensor, i), tensor),
      );
      expect(Array.from(out)).toEqual(elements);
      for (const key of ['scaleX', 'scaleY', 'offsetX', 'offsetY'] as const) {
        expect(transform[key]).toBeCloseTo(want.transform[key], 9);
      }
      expect(transform.source).toEqual(want.transform.source);
    }),
    { numRuns: runs, verbose: 0 },
  );
}, 900_000);

test('strong reductions of large pictures keep within one grey level', () => {
  const large = { width: 1500, height: 700 };
  const data = paint(packedFrameBytes('rgb24', large), 'noise', 4711);
  const stored = { ...large, format: 'rgb24', data } as const;
  for (const interpolation of ['area', 'bilinear-antialias', 'bicubic-antialias'] as const) {
    const tensor: TensorSpec = {
      width: 9,
      height: 5,
      layout: 'nhwc',
      dtype: 'uint8',
      colourOrder: 'rgb',
      resize: 'stretch',
      interpolation,
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      padValue: 0,
    };
    const out = new Uint8Array(tensorElements(tensor));
    rawToTensor(stored, { rotation: 0, flip: 'none' }, tensor, out);
    const want = referenceTensor(decodeStored(stored), undefined, tensor);
    expect(levelsApart(out, want, tensor), interpolation).toBeLessThanOrEqual(1);
  }
});

test('colour conversion is within one grey level of BT.601 for every luma and chroma', () => {
  const step = isDeep ? 1 : 5;
  const lumas = Array.from({ length: 256 }, (_, y) => y);
  let worst = 0;
  let differing = 0;
  let count = 0;
  for (let cb = 0; cb < 256; cb += step) {
    for (let cr = 0; cr < 256; cr += step) {
      // One row of 256 luma values over one chroma pair, repeated.
      const data = new Uint8Array(256 * 2);
      lumas.forEach((y) => {
        data[y * 2] = y;
        data[y * 2 + 1] = y % 2 === 0 ? cb : cr;
      });
      const out = new Uint8Array(256 * 3);
      rawToTensor(
        { data, width: 256, height: 1, format: 'yuyv' },
        { rotation: 0, flip: 'none' },
        { ...plain, width: 256, height: 1 },
        out,
      );
      for (const y of lumas) {
        const want = yuvToRgb(y, cb, cr);
        const inSteps = yuvToRgbInSteps(y, cb, cr);
        for (let c = 0; c < 3; c++) {
          const got = out[y * 3 + c] as number;
          if (got !== inSteps[c]) throw new Error(`${[y, cb, cr]}: ${got}, not ${inSteps[c]}`);
          const apart = Math.abs(got - (want[c] as number));
          worst = Math.max(worst, apart);
          differing += apart;
          count++;
        }
      }
    }
  }
  expect(worst).toBeLessThanOrEqual(1);
  expect(differing / count).toBeLessThan(0.01);
}, 900_000);

const plain: TensorSpec = {
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
