/**
 * Prints one line for each of many tensors, with a hash of its bytes: run under each VEDETTE_KERNEL,
 * the lines must be the same. Usage: node kernel-outputs.ts <cases>
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  RAW_PIXEL_FORMATS,
  YUV_MATRICES,
  YUV_RANGES,
  type FrameView,
  type SampleMeaning,
} from '../../../component/contract/frame.ts';
import {
  createTensorData,
  PICTURE_DTYPES,
  type TensorSpec,
} from '../../../component/contract/tensor.ts';
import { kernelName, packedFrameBytes, rawToTensor, type RawImage } from '../../../native/index.ts';
import { byteSpec } from './byte-spec.ts';

const INTERPOLATIONS = [
  'bilinear',
  'area',
  'bilinear-antialias',
  'bicubic-antialias',
  'nearest',
] as const;

let state = 20_261_121;
/** A whole number from 0 to `limit` - 1, the same in every run. */
function below(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

function oneOf<T>(choices: readonly T[]): T {
  return choices[below(choices.length)] as T;
}

const specOf = (width: number, height: number, change: Partial<TensorSpec> = {}) =>
  byteSpec(width, height, { padValue: 114, ...change });

function print(title: string, image: RawImage, view: FrameView, spec: TensorSpec): void {
  const out = createTensorData(spec);
  rawToTensor(image, view, spec, out);
  const hash = createHash('sha256').update(new Uint8Array(out.buffer)).digest('hex');
  console.log(`${title} ${hash.slice(0, 24)}`);
}

async function printGolden(): Promise<void> {
  const file = path.join(import.meta.dirname, 'golden', 'golden.json');
  const golden = JSON.parse(await readFile(file, 'utf8')) as {
    resizes: {
      width: number;
      height: number;
      data: string;
      results: { width: number; height: number; interpolation: TensorSpec['interpolation'] }[];
    }[];
    conversions: { width: number; height: number; format: RawImage['format']; data: string }[];
  };
  const view: FrameView = { rotation: 0, flip: 'none' };
  for (const { width, height, data, results } of golden.resizes) {
    const image = { data: Buffer.from(data, 'base64'), width, height, format: 'rgb24' } as const;
    for (const { width: w, height: h, interpolation } of results) {
      print(`golden ${interpolation}`, image, view, specOf(w, h, { interpolation }));
    }
  }
  for (const { width, height, format, data } of golden.conversions) {
    const image = { data: Buffer.from(data, 'base64'), width, height, format };
    print(`golden ${format}`, image, view, specOf(width, height));
  }
}

function printRandom(): void {
  const format = oneOf(RAW_PIXEL_FORMATS);
  // The smallest that every format has: a Bayer cell.
  const size = { width: 2 + below(below(2) === 0 ? 60 : 700), height: 2 + below(40) };
  const data = new Uint8Array(packedFrameBytes(format, size));
  const isHarsh = below(3) === 0;
  data.forEach((_, i) => (data[i] = isHarsh ? below(2) * 255 : below(256)));
  const colourOrder = oneOf(['rgb', 'bgr', 'rgb', 'gray'] as const);
  const channels = colourOrder === 'gray' ? 1 : 3;
  const dtype = oneOf(PICTURE_DTYPES);
  const isQuantised = dtype === 'int8' || (dtype === 'uint8' && below(2) === 0);
  const zeroPoint = below(256) - (dtype === 'int8' ? 128 : 0);
  const normalise: Partial<TensorSpec> =
    dtype === 'uint8' && !isQuantised
      ? {}
      : {
          ...(isQuantised ? { quantisation: { scale: (1 + below(99)) / 2000, zeroPoint } } : {}),
          scale: 1 / 255,
          mean: [0.485, 0.456, 0.406].slice(0, channels),
          std: [0.229, 0.224, 0.225].slice(0, channels),
        };
  const spec = specOf(1 + below(300), 1 + below(40), {
    colourOrder,
    dtype,
    layout: oneOf(['nchw', 'nhwc'] as const),
    resize: oneOf(['stretch', 'letterbox', 'crop', 'letterbox-top-left'] as const),
    interpolation: below(2) === 0 ? 'bilinear' : oneOf(INTERPOLATIONS),
    mean: [0, 0, 0].slice(0, channels),
    std: [1, 1, 1].slice(0, channels),
    ...normalise,
  });
  const view = { rotation: oneOf([0, 0, 90, 180, 270]), flip: oneOf(['none', 'horizontal']) };
  const meaning: SampleMeaning = {
    ...(/^(nv|i420|yuyv|uyvy)/.test(format) && below(2) === 0
      ? { colour: { matrix: oneOf(YUV_MATRICES), range: oneOf(YUV_RANGES) } }
      : {}),
    ...(format.startsWith('mono') && below(2) === 0
      ? { levels: { black: below(500), white: 501 + below(500) } }
      : {}),
  };
  const title = `${format} ${size.width}×${size.height} → ${spec.width}×${spec.height}`;
  print(
    `${title} ${spec.interpolation}`,
    { data, format, ...meaning, ...size },
    view as FrameView,
    spec,
  );
}

console.log(kernelName());
await printGolden();
for (let left = Number(process.argv[2]); left > 0; left--) printRandom();
