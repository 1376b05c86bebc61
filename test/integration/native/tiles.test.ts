import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { Box, FrameView } from '../../../component/contract/frame.ts';
import {
  createTensorData,
  PICTURE_DTYPES,
  tensorElements,
  type TensorSpec,
} from '../../../component/contract/tensor.ts';
import { tileRegions } from '../../../component/contract/tiles.ts';
import { encodedToTiles } from '../../../native/image-to-tensor.ts';
import type { KeptTensor } from '../../../native/index.ts';
import {
  batchPlaces,
  encodeJpeg,
  jpegToTensor,
  jpegToTiles,
  rawToTensor,
  rawToTiles,
  type RawImage,
} from '../../../native/index.ts';

const UPRIGHT: FrameView = { rotation: 0, flip: 'none' };
const SPEC: TensorSpec = {
  width: 32,
  height: 24,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};

function picture(format: 'rgb24' | 'gray8' | 'nv12', width: number, height: number): RawImage {
  const bytes = { rgb24: 3, gray8: 1, nv12: 1.5 }[format] * width * height;
  const data = new Uint8Array(bytes).map((_, i) => (i * i * 7) >> 3);
  return { data, width, height, format };
}

const spec = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    layout: fc.constantFrom('nchw', 'nhwc'),
    dtype: fc.constantFrom(...PICTURE_DTYPES),
    colourOrder: fc.constantFrom('rgb', 'bgr', 'gray'),
    resize: fc.constantFrom('stretch', 'letterbox', 'crop', 'letterbox-top-left'),
    interpolation: fc.constantFrom('bilinear', 'area', 'bicubic-antialias', 'nearest'),
  } as const)
  .map((chosen): TensorSpec => {
    const channels = chosen.colourOrder === 'gray' ? 1 : 3;
    const isInt8 = chosen.dtype === 'int8';
    return {
      ...chosen,
      scale: 1,
      mean: [0, 0, 0].slice(0, channels),
      std: [1, 1, 1].slice(0, channels),
      padValue: 114,
      ...(isInt8 ? { quantisation: { scale: 1.5, zeroPoint: -100 } } : {}),
    };
  });

test('tiles in one call are the regions one by one, places and transforms too', () => {
  fc.assert(
    fc.property(
      spec,
      fc.constantFrom('rgb24', 'gray8', 'nv12'),
      fc.record({
        width: fc.integer({ min: 10, max: 130 }),
        height: fc.integer({ min: 10, max: 130 }),
      }),
      fc.constantFrom(0, 90, 180, 270),
      fc.constantFrom('none', 'horizontal', 'vertical'),
      fc.nat(),
      (tensor, format, tile, rotation, flip, some) => {
        const image = picture(format, 120, 90);
        const view: FrameView = { rotation, flip };
        const upright = rotation % 180 === 0 ? image : { width: 90, height: 120 };
        const overlap = some % Math.min(tile.width, tile.height, 9);
        const regions = tileRegions(upright, tile, overlap).slice(0, 60);
        const batch = createTensorData(tensor, regions.length).fill(99);
        const places = batchPlaces(batch, tensor);
        const transforms = rawToTiles(image, view, regions, tensor, places);
        const alone = createTensorData(tensor, regions.length);
        const elements = tensorElements(tensor);
        regions.forEach((region, i) => {
          const out = alone.subarray(i * elements, (i + 1) * elements);
          expect(transforms[i]).toEqual(rawToTensor(image, { ...view, region }, tensor, out));
        });
        expect(batch).toEqual(alone);
      },
    ),
    { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 3_000 : 200 },
  );
});

test('an encoded picture is the same in tiles as region by region, whatever its format and turn', async () => {
  const raw = picture('rgb24', 150, 100);
  const source = sharp(raw.data, { raw: { width: 150, height: 100, channels: 3 } });
  const files = [
    encodeJpeg(raw, 90),
    encodeJpeg(picture('gray8', 150, 100), 90),
    await source.clone().jpeg({ progressive: true }).toBuffer(),
    await source.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    await source.clone().png().toBuffer(),
  ];
  for (const [number, file] of files.entries()) {
    const isTurned = number === 3;
    const size = isTurned ? { width: 100, height: 150 } : { width: 150, height: 100 };
    for (const view of [UPRIGHT, { rotation: 180, flip: 'none' } as const]) {
      const regions = tileRegions(size, { width: 48, height: 40 }, 8);
      const places = batchPlaces(createTensorData(SPEC, regions.length), SPEC);
      const transforms = await encodedToTiles(file, view, regions, SPEC, places, 1e6);
      for (const [i, region] of regions.entries()) {
        const [want] = batchPlaces(createTensorData(SPEC), SPEC) as [KeptTensor];
        const [transform] = await encodedToTiles(file, view, [region], SPEC, [want], 1e6);
        expect(transforms[i]).toEqual(transform);
        expect(places[i]!.data).toEqual(want.data);
        if (number > 2) continue;
        const alone = new Float32Array(tensorElements(SPEC));
        expect(jpegToTensor(file, { ...view, region }, SPEC, alone, 1e6)).toEqual(transform);
        expect(want.data).toEqual(alone);
      }
    }
  }
});

test('several pictures go into a batch, each place with bars of its own', () => {
  const wide = picture('rgb24', 60, 20);
  const tall = picture('nv12', 20, 60);
  for (const dtype of ['float32', 'float16', 'int8'] as const) {
    const tensor: TensorSpec = {
      ...SPEC,
      dtype,
      ...(dtype === 'int8' ? { quantisation: { scale: 1 / 255, zeroPoint: -128 } } : {}),
    };
    const batch = createTensorData(tensor, 3).fill(99);
    const places = batchPlaces(batch, tensor);
    const elements = tensorElements(tensor);
    for (let round = 0; round < 3; round++) {
      const frames = round % 2 === 0 ? [wide, tall, wide] : [wide, wide, tall];
      frames.forEach((frame, i) => rawToTensor(frame, UPRIGHT, tensor, places[i]!));
      frames.forEach((frame, i) => {
        const alone = createTensorData(tensor);
        rawToTensor(frame, UPRIGHT, tensor, alone);
        expect(batch.subarray(i * elements, (i + 1) * elements)).toEqual(alone);
      });
    }
    // The middle of a bar, which no call looks at: who keeps it did not write it again.
    const inBar = 2 * tensor.width + 7;
    batch[inBar] = 5;
    batch[elements + inBar] = 5;
    rawToTensor(wide, UPRIGHT, tensor, places[0]!);
    rawToTensor(wide, UPRIGHT, tensor, places[1]!);
    expect(batch[inBar]).toBe(5);
    expect(batch[elements + inBar]).not.toBe(5);
  }
});

test('tiles keep their bars from frame to frame', () => {
  const image = picture('rgb24', 120, 90);
  const regions = tileRegions(image, { width: 60, height: 30 }, 4);
  const batch = createTensorData(SPEC, regions.length);
  const places = batchPlaces(batch, SPEC);
  rawToTiles(image, UPRIGHT, regions, SPEC, places);
  const last = (regions.length - 1) * tensorElements(SPEC) + 2 * SPEC.width + 7;
  batch[last] = 5;
  rawToTiles(image, UPRIGHT, regions, SPEC, places);
  expect(batch[last]).toBe(5);
  // A refused call leaves nothing to rely on.
  const outside = [...regions.slice(1), { x: 100, y: 0, width: 60, height: 30 }];
  expect(() => rawToTiles(image, UPRIGHT, outside, SPEC, places)).toThrow(/does not lie within/);
  rawToTiles(image, UPRIGHT, regions, SPEC, places);
  expect(batch[last]).not.toBe(5);
});

test('tiles that do not fit are refused before anything is written', () => {
  const image = picture('rgb24', 120, 90);
  const jpeg = encodeJpeg(image, 90);
  const good: Box = { x: 0, y: 0, width: 60, height: 30 };
  const batch = new Float32Array(tensorElements(SPEC) * 2).fill(7);
  const outs = batchPlaces(batch, SPEC);
  const refused = (
    code: string,
    regions: unknown,
    targets: unknown = outs,
    view: FrameView = UPRIGHT,
    tensor: TensorSpec = SPEC,
  ) => {
    const [boxes, memories] = [regions as Box[], targets as KeptTensor[]];
    const coded = expect.objectContaining({ name: 'VedetteError', code });
    expect(() => rawToTiles(image, view, boxes, tensor, memories)).toThrow(coded);
    expect(() => jpegToTiles(jpeg, view, boxes, tensor, memories, 1e6)).toThrow(coded);
    expect(batch.every((value) => value === 7)).toBe(true);
  };
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 31, 1e300, '4', null, undefined, 4n, {}]) {
    for (const key of ['x', 'y', 'width', 'height']) {
      refused('FRAME_INVALID', [good, { ...good, [key]: value }]);
    }
  }
  refused('FRAME_INVALID', [good, { ...good, width: 121 }]);
  refused('FRAME_INVALID', [good, { ...good, y: 61 }]);
  refused('FRAME_INVALID', [good, { ...good, height: 0 }]);
  for (const regions of [[], [null], [7], 'all', undefined, { length: 1 }]) {
    refused('FRAME_INVALID', regions);
  }
  refused('FRAME_INVALID', new Array(4097).fill(good), new Array(4097).fill(outs[0]));
  refused('FRAME_INVALID', [good], outs, { ...UPRIGHT, region: good });
  refused('TENSOR_INVALID', [good, good, good]);
  for (const targets of [[], null, 'memory', batch]) {
    refused('TENSOR_INVALID', [good], targets);
  }
  const short = batch.subarray(1, tensorElements(SPEC));
  for (const memory of [short, batch.subarray(batch.length), new Uint8Array(9999), null, 7, {}]) {
    refused('TENSOR_INVALID', [good, good], [outs[0], memory]);
  }
  refused('TENSOR_INVALID', [good], outs, UPRIGHT, { ...SPEC, dtype: 'float16' });
  expect(() => jpegToTiles(jpeg.subarray(0, 900), UPRIGHT, [good], SPEC, outs, 1e6)).toThrow(
    expect.objectContaining({ code: 'IMAGE_CORRUPT' }),
  );
  expect(() => jpegToTiles(jpeg, UPRIGHT, [good], SPEC, outs, 100)).toThrow(
    expect.objectContaining({ code: 'IMAGE_TOO_LARGE' }),
  );
  expect(batch.every((value) => value === 7)).toBe(true);
});

test('memory that is no whole number of tensors is no batch', () => {
  for (const length of [0, 1, tensorElements(SPEC) - 1, tensorElements(SPEC) * 2 + 1]) {
    expect(() => batchPlaces(new Float32Array(length), SPEC)).toThrow(
      expect.objectContaining({ code: 'TENSOR_INVALID' }),
    );
  }
});
