import { VedetteError } from '../../contract/errors.ts';
import type { Box, FrameView, Size } from '../../contract/frame.ts';
import type { TilingConfig } from '../../contract/tiling-config.ts';
import { tileRegions } from '../../contract/tiles.ts';

/** Tiles of a picture for one request: more take too long for any line. */
export const MAX_REQUEST_TILES = 1024;

/**
 * The views that a model sees of a picture in tiles, row by row; the whole picture (or the view's
 * region) comes last when it is asked for. A picture of one tile is that one view.
 * @param picture the upright picture
 * @param view the camera's; tiles cover its region
 * @param input size of the model's input: a tile's size unless it is configured
 * @throws VedetteError FRAME_INVALID for a region outside of the picture or too many tiles
 */
export function tileViews(
  picture: Size,
  view: FrameView,
  tiling: TilingConfig,
  input: Size,
): FrameView[] {
  const { rotation, flip } = view;
  const shown: Box = view.region ?? { x: 0, y: 0, ...picture };
  const tile = {
    width: tiling.tileWidth ?? input.width,
    height: tiling.tileHeight ?? input.height,
  };
  const overlapPx = tiling.overlapPx ?? Math.floor(Math.min(tile.width, tile.height) / 5);
  const regions = tileRegions(shown, tile, overlapPx);
  if (regions.length > MAX_REQUEST_TILES) {
    throw new VedetteError(
      'FRAME_INVALID',
      `${shown.width}x${shown.height} pixels in tiles of ${tile.width}x${tile.height} that overlap by ${overlapPx} are ${regions.length} tiles, at most ${MAX_REQUEST_TILES} are judged: use larger tiles`,
      { details: { tiles: regions.length, maxTiles: MAX_REQUEST_TILES } },
    );
  }
  if (regions.length === 1) return [view];
  const views = regions.map((region): FrameView => ({
    rotation,
    flip,
    region: { ...region, x: region.x + shown.x, y: region.y + shown.y },
  }));
  return tiling.withWholePicture ? [...views, { rotation, flip, region: shown }] : views;
}
