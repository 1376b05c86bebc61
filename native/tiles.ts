import { VedetteError } from '../component/contract/errors.ts';
import type { Box, FrameView } from '../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../component/contract/tensor.ts';
import { callAddon } from './addon.ts';
import { memoryOf, type TensorTarget } from './kept-tensor.ts';
import type { RawImage } from './raw-image.ts';
import { AddonRequest, number, object } from './request.ts';

const request = new AddonRequest();

/** Numbers of a tile in a call to the addon. Mirrored in native/binding/tiles.cc. */
const TILE_NUMBERS = 6;

/**
 * Several regions of one raw picture to a tensor each, in one call: `outs[i]` becomes what
 * `rawToTensor` makes of `regions[i]` (1 to 4,096 boxes in pixels of the upright picture). `view` has
 * no region of its own. Further `outs` are left alone. Regions for a whole picture: `tileRegions`;
 * places of a batch: `batchPlaces`.
 * @returns for each region the way back to pixels of the upright picture
 * @throws VedetteError FRAME_INVALID, TENSOR_INVALID; nothing was written then
 */
export function rawToTiles(
  image: RawImage,
  view: FrameView,
  regions: readonly Box[],
  spec: TensorSpec,
  outs: readonly TensorTarget[],
): FrameTransform[] {
  request.setImage(image);
  const call = prepare(view, regions, spec, outs);
  callAddon((addon) =>
    addon.rawToTiles(image.data, request.slots, call.memories, call.bars, call.tiles),
  );
  return transformsOf(call.tiles);
}

/**
 * The same for a JPEG, which is decoded once, as a whole.
 * @throws VedetteError as `rawToTiles` and `jpegToTensor`; nothing was written then
 */
export function jpegToTiles(
  data: Uint8Array,
  view: FrameView,
  regions: readonly Box[],
  spec: TensorSpec,
  outs: readonly TensorTarget[],
  maxPixels: number,
): FrameTransform[] {
  request.setMaxPixels(maxPixels);
  const call = prepare(view, regions, spec, outs);
  callAddon((addon) =>
    addon.jpegToTiles(data, request.slots, call.memories, call.bars, call.tiles),
  );
  return transformsOf(call.tiles);
}

function prepare(
  view: FrameView,
  regions: readonly Box[],
  spec: TensorSpec,
  outs: readonly TensorTarget[],
) {
  request.setView(view);
  if (view.region !== undefined) {
    throw new VedetteError(
      'FRAME_INVALID',
      'view.region: expected none, since each tile has a region of its own',
    );
  }
  request.setSpec(spec);
  if (!Array.isArray(regions)) {
    throw new VedetteError('FRAME_INVALID', `regions: expected an array, got ${typeof regions}`);
  }
  if (!Array.isArray(outs) || outs.length < regions.length) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `outs: expected a tensor for each of ${regions.length} regions, got ${Array.isArray(outs) ? outs.length : typeof outs}`,
    );
  }
  const tiles = new Float64Array(regions.length * TILE_NUMBERS);
  for (const [i, region] of (regions as readonly Box[]).entries()) {
    const name = `regions[${i}]`;
    object(region, name, 'FRAME_INVALID');
    const numbers = [region.x, region.y, region.width, region.height];
    numbers.forEach((value) => number(value, name, 'FRAME_INVALID'));
    tiles.set(numbers, i * TILE_NUMBERS);
  }
  const targets = (outs as readonly TensorTarget[]).slice(0, regions.length).map(memoryOf);
  return {
    tiles,
    memories: targets.map(({ data }) => data),
    bars: targets.map(({ bars }) => bars),
  };
}

function transformsOf(tiles: Float64Array): FrameTransform[] {
  return Array.from({ length: tiles.length / TILE_NUMBERS }, (_, i) => {
    const [scaleX, scaleY, offsetX, offsetY, width, height] = tiles.subarray(
      i * TILE_NUMBERS,
    ) as unknown as [number, number, number, number, number, number];
    return { scaleX, scaleY, offsetX, offsetY, source: { width, height } };
  });
}
