import type { Box, FrameView, Quad } from '../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../component/contract/tensor.ts';
import { composeViews, decodePicture } from './decode-picture.ts';
import { inspectImage, jpegToTensor, jpegToTiles, rawToTensor, rawToTiles } from './index.ts';
import type { TensorTarget } from './kept-tensor.ts';

/**
 * An encoded picture (JPEG, PNG, WebP, TIFF; only its bytes decide which) to a tensor. JPEG is
 * decoded by the addon on the calling thread before this returns, the others by sharp; all go through
 * the same resize. `out` as for `rawToTensor`; it must not be used until the promise settles.
 * @throws VedetteError IMAGE_CORRUPT, IMAGE_FORMAT_UNSUPPORTED, IMAGE_TOO_LARGE (more than
 * `maxPixels` pixels: nothing was decoded), FRAME_INVALID, TENSOR_INVALID
 */
export async function encodedToTensor(
  data: Uint8Array,
  view: FrameView,
  spec: TensorSpec,
  out: TensorTarget,
  maxPixels: number,
): Promise<FrameTransform> {
  const info = inspectImage(data);
  if (info.format === 'jpeg') return jpegToTensor(data, view, spec, out, maxPixels);
  const image = await decodePicture(data, info, maxPixels);
  return rawToTensor(image, composeViews(info, view), spec, out);
}

/**
 * An encoded picture to a tensor for each of several regions or quads; it is decoded once. As
 * `encodedToTensor` and `rawToTiles`.
 */
export async function encodedToTiles(
  data: Uint8Array,
  view: FrameView,
  regions: readonly (Box | Quad)[],
  spec: TensorSpec,
  outs: readonly TensorTarget[],
  maxPixels: number,
): Promise<FrameTransform[]> {
  const info = inspectImage(data);
  if (info.format === 'jpeg') return jpegToTiles(data, view, regions, spec, outs, maxPixels);
  const image = await decodePicture(data, info, maxPixels);
  return rawToTiles(image, composeViews(info, view), regions, spec, outs);
}
