import { VedetteError } from '../component/contract/errors.ts';
import type { Box, FrameView, Size } from '../component/contract/frame.ts';
import type { TensorSpec } from '../component/contract/tensor.ts';
import { checkPixels, composeViews, decodePicture } from './decode-picture.ts';
import { inspectImage, jpegToTensor, rawToTensor, type RawImage } from './index.ts';

/** Upright pixels for drawing: packed `rgb24`, the whole picture or the region of its view. */
export interface RgbPicture extends Size {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly format: 'rgb24';
  /** Size of the whole upright picture, in whose pixels results are given. */
  readonly source: Size;
  /** The part of it that `data` shows. */
  readonly region: Box;
}

/**
 * A raw frame for drawing, scaled down (area) to fit `maxSize`, never up.
 * @throws VedetteError FRAME_INVALID
 */
export function rawToRgb(image: RawImage, view: FrameView, maxSize?: Size): RgbPicture {
  return shrink(image, view, maxSize, (spec, out) => rawToTensor(image, view, spec, out));
}

/**
 * An encoded picture for drawing, scaled down (area) to fit `maxSize`, never up.
 * @throws VedetteError IMAGE_CORRUPT, IMAGE_FORMAT_UNSUPPORTED, IMAGE_TOO_LARGE, FRAME_INVALID
 */
export async function decodeToRgb(
  data: Uint8Array,
  view: FrameView,
  maxSize: Size | undefined,
  maxPixels: number,
): Promise<RgbPicture> {
  const info = inspectImage(data);
  checkPixels(info, maxPixels);
  const upright = composeViews(info, view);
  if (info.format === 'jpeg') {
    return shrink(info, upright, maxSize, (spec, out) =>
      jpegToTensor(data, view, spec, out, maxPixels),
    );
  }
  const image = await decodePicture(data, info, maxPixels);
  return shrink(image, upright, maxSize, (spec, out) => rawToTensor(image, upright, spec, out));
}

function shrink(
  stored: Size,
  view: FrameView,
  maxSize: Size | undefined,
  render: (spec: TensorSpec, out: Uint8Array) => unknown,
): RgbPicture {
  const isTurned = view.rotation === 90 || view.rotation === 270;
  const source = isTurned
    ? { width: stored.height, height: stored.width }
    : { width: stored.width, height: stored.height };
  const region = view.region ?? { x: 0, y: 0, ...source };
  checkRegion(region, source);
  const { width, height } = fitWithin(region, maxSize);
  const data = new Uint8Array(width * height * 3);
  render(
    {
      width,
      height,
      layout: 'nhwc',
      dtype: 'uint8',
      colourOrder: 'rgb',
      resize: 'stretch',
      interpolation: 'area',
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      padValue: 0,
    },
    data,
  );
  return { data, width, height, format: 'rgb24', source, region };
}

function fitWithin(size: Size, maxSize: Size | undefined): Size {
  if (maxSize === undefined) return { width: size.width, height: size.height };
  const ratio = Math.min(1, maxSize.width / size.width, maxSize.height / size.height);
  return {
    width: Math.max(1, Math.round(size.width * ratio)),
    height: Math.max(1, Math.round(size.height * ratio)),
  };
}

/** Before memory is taken for it; the addon checks again. */
function checkRegion(region: Box, source: Size): void {
  const isInside =
    [region.x, region.y, region.width, region.height].every(Number.isSafeInteger) &&
    region.width >= 1 &&
    region.height >= 1 &&
    region.x >= 0 &&
    region.y >= 0 &&
    region.x + region.width <= source.width &&
    region.y + region.height <= source.height;
  if (isInside) return;
  throw new VedetteError(
    'FRAME_INVALID',
    `region x ${region.x}, y ${region.y}, ${region.width} x ${region.height} does not lie within the upright picture of ${source.width}x${source.height}`,
  );
}
