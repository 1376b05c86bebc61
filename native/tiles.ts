import { VedetteError } from '../component/contract/errors.ts';
import type { Box, FrameView, Quad } from '../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../component/contract/tensor.ts';
import { callAddon } from './addon.ts';
import { memoryOf, type TensorTarget } from './kept-tensor.ts';
import type { RawImage } from './raw-image.ts';
import { AddonRequest, number, object, quadNumbers } from './request.ts';

const request = new AddonRequest();

/** Numbers of a tile in a call to the addon. Mirrored in native/binding/tiles.cc. */
const TILE_NUMBERS = 16;
const TILE_HAS_QUAD = 6;
const TILE_QUAD = 7;
const TILE_PERSPECTIVE = 7;

/**
 * Several regions of one raw picture to a tensor each, in one call: `outs[i]` becomes what
 * `rawToTensor` makes of `regions[i]` (1 to 4,096 boxes or quads in pixels of the upright picture). `view`
 * has no region or quad of its own. Further `outs` are left alone. Regions for a whole picture: `tileRegions`;
 * places of a batch: `batchPlaces`.
 * @returns for each region the way back to pixels of the upright picture
 * @throws VedetteError FRAME_INVALID, TENSOR_INVALID; nothing was written then
 */
export function rawToTiles(
  image: RawImage,
  view: FrameView,
  regions: readonly (Box | Quad)[],
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
  regions: readonly (Box | Quad)[],
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
  regions: readonly (Box | Quad)[],
  spec: TensorSpec,
  outs: readonly TensorTarget[],
) {
  request.setView(view);
  if (view.region !== undefined || view.quad !== undefined) {
    throw new VedetteError(
      'FRAME_INVALID',
      'view.region and view.quad: expected none, since each tile has one of its own',
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
  for (const [i, region] of (regions as readonly (Box | Quad)[]).entries()) {
    const name = `regions[${i}]`;
    if (isQuad(region)) {
      tiles[i * TILE_NUMBERS + TILE_HAS_QUAD] = 1;
      tiles.set(quadNumbers(region, name), i * TILE_NUMBERS + TILE_QUAD);
      continue;
    }
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

const isQuad = (region: Box | Quad): region is Quad => Array.isArray(region);

function transformsOf(tiles: Float64Array): FrameTransform[] {
  return Array.from({ length: tiles.length / TILE_NUMBERS }, (_, i) => {
    const numbers = tiles.subarray(i * TILE_NUMBERS, (i + 1) * TILE_NUMBERS);
    const [scaleX, scaleY, offsetX, offsetY, width, height, hasQuad] = numbers as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const transform = { scaleX, scaleY, offsetX, offsetY, source: { width, height } };
    if (hasQuad === 0) return transform;
    return { ...transform, perspective: [...numbers.subarray(TILE_PERSPECTIVE)] };
  });
}
