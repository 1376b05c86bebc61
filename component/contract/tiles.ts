import { VedetteError } from './errors.ts';
import type { Box, Size } from './frame.ts';

/** As many as one call to the addon takes. */
export const MAX_TILES = 4096;
const MAX_SIDE = 65_535;

/**
 * The regions of a picture that cover it with tiles, row by row. All have the size of `tile`, or of the
 * picture along an axis where that is smaller. Neighbours share at least `overlapPx` pixels; the last
 * column and the last row are moved inwards to end with the picture, and share more.
 * @param picture the upright picture
 * @param overlapPx whole pixels, 0 to less than the tile's shorter side
 * @throws VedetteError FRAME_INVALID when the numbers make no sense or more than MAX_TILES would be needed
 */
export function tileRegions(picture: Size, tile: Size, overlapPx: number): Box[] {
  for (const [name, value] of [
    ['picture.width', picture.width],
    ['picture.height', picture.height],
    ['tile.width', tile.width],
    ['tile.height', tile.height],
  ] as const) {
    requireWhole(name, value, 1, MAX_SIDE);
  }
  requireWhole('overlapPx', overlapPx, 0, Math.min(tile.width, tile.height) - 1);
  const columns = tileCount(picture.width, tile.width, overlapPx);
  const rows = tileCount(picture.height, tile.height, overlapPx);
  if (columns * rows > MAX_TILES) {
    throw new VedetteError(
      'FRAME_INVALID',
      `${picture.width}x${picture.height} pixels in tiles of ${tile.width}x${tile.height} that overlap by ${overlapPx} are ${columns * rows} tiles, at most ${MAX_TILES} are allowed: use larger tiles`,
    );
  }
  const width = Math.min(tile.width, picture.width);
  const height = Math.min(tile.height, picture.height);
  return Array.from({ length: columns * rows }, (_, i) => ({
    x: Math.min((i % columns) * (tile.width - overlapPx), picture.width - width),
    y: Math.min(Math.floor(i / columns) * (tile.height - overlapPx), picture.height - height),
    width,
    height,
  }));
}

function tileCount(length: number, tile: number, overlap: number): number {
  return length <= tile ? 1 : 1 + Math.ceil((length - tile) / (tile - overlap));
}

function requireWhole(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new VedetteError(
    'FRAME_INVALID',
    `${name}: expected a whole number of ${low} to ${high}, got ${String(value)}`,
  );
}
