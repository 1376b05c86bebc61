import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  RAW_PIXEL_FORMATS,
  YUV_MATRICES,
  YUV_RANGES,
  type FrameView,
} from '../../../component/contract/frame.ts';
import {
  createTensorData,
  PICTURE_DTYPES,
  tensorElements,
  type PictureTensorData,
  type TensorSpec,
} from '../../../component/contract/tensor.ts';
import { packedFrameBytes, rawToTensor } from '../../../native/index.ts';
import { paint, picture, pictureOf, side } from './random-picture.ts';
import { decodeStored, yuvToRgb, yuvToRgbInSteps, type StoredPicture } from './reference-pixels.ts';
import { channelOf, makeUpright, referenceTensor, type ReferenceTensor } from './reference.ts';
import { elementOf } from './reference-elements.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const runs = isDeep ? 20_000 : 1_500;

const RESIZES = ['stretch', 'letterbox', 'crop', 'line', 'letterbox-top-left'] as const;
const INTERPOLATIONS = [
  'bilinear',
  'area',
  'bilinear-antialias',
  'bicubic-antialias',
  'nearest',
] as const;
const LAYOUTS = ['nchw', 'nhwc'] as const;
const COLOUR_ORDERS = ['rgb', 'bgr', 'gray'] as const;

const spec: fc.Arbitrary<TensorSpec> = fc
  .record({
    width: side,
    height: side,
    layout: fc.constantFrom(...LAYOUTS),
    dtype: fc.constantFrom(...PICTURE_DTYPES),
    colourOrder: fc.constantFrom(...COLOUR_ORDERS),
    resize: fc.constantFrom(...RESIZES),
    interpolation: fc.constantFrom(...INTERPOLATIONS),
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

function compare(stored: StoredPicture, view: FrameView, tensor: TensorSpec): void {
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
  const elements = Array.from(pixels, (level, i) => elementOf(level, channelOf(tensor, i), tensor));
  expect(Array.from(out)).toEqual(elements);
  for (const key of ['scaleX', 'scaleY', 'offsetX', 'offsetY'] as const) {
    expect(transform[key]).toBeCloseTo(want.transform[key], 9);
  }
  expect(transform.source).toEqual(want.transform.source);
}

test(`a tensor is at most one grey level from the reference, whatever the frame (${runs} cases)`, () => {
  fc.assert(
    fc.property(picture, spec, look, (stored, tensor, chosen) => {
      compare(stored, viewOf(stored, chosen), tensor);
    }),
    { numRuns: runs, verbose: 0 },
  );
}, 900_000);

for (const format of RAW_PIXEL_FORMATS) {
  test(`${format} is at most one grey level from the reference by every resize, interpolation and layout`, () => {
    const cases = RESIZES.flatMap((resize) =>
      INTERPOLATIONS.flatMap((interpolation) =>
        LAYOUTS.flatMap((layout) =>
          COLOUR_ORDERS.map((colourOrder) => ({ resize, interpolation, layout, colourOrder })),
        ),
      ),
    );
    for (const [index, chosen] of cases.entries()) {
      fc.assert(
        fc.property(pictureOf(format), spec, look, (stored, tensor, looked) => {
          const channels = chosen.colourOrder === 'gray' ? 1 : 3;
          const mean = [0, 0, 0].slice(0, channels);
          const std = [1, 1, 1].slice(0, channels);
          const view = viewOf(stored, looked);
          compare(stored, view, { ...tensor, ...chosen, scale: 1, mean, std });
        }),
        { numRuns: isDeep ? 30 : 1, seed: index + 1, verbose: 0 },
      );
    }
  }, 900_000);
}

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

/** Every luma over one chroma pair, as one row of `yuyv`. */
function lumaRow(cb: number, cr: number): Uint8Array {
  return Uint8Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? i / 2 : i % 4 === 1 ? cb : cr));
}

for (const matrix of YUV_MATRICES) {
  for (const range of YUV_RANGES) {
    test(`colour conversion is within one grey level of ${range} range ${matrix} for every luma and chroma`, () => {
      const step = isDeep ? 1 : 5;
      const colour = { matrix, range };
      const out = new Uint8Array(256 * 3);
      let worst = 0;
      let differing = 0;
      let count = 0;
      for (let cb = 0; cb < 256; cb += step) {
        for (let cr = 0; cr < 256; cr += step) {
          const image = { data: lumaRow(cb, cr), width: 256, height: 1, format: 'yuyv' } as const;
          rawToTensor({ ...image, colour }, UPRIGHT, { ...plain, width: 256 }, out);
          for (let y = 0; y < 256; y++) {
            const want = yuvToRgb(y, cb, cr, colour);
            const inSteps = yuvToRgbInSteps(y, cb, cr, colour);
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
  }
}

const UPRIGHT = { rotation: 0, flip: 'none' } as const;

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
