import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Size } from '../../../component/contract/frame.ts';
import { MAX_TILES, tileRegions } from '../../../component/contract/tiles.ts';

const side = fc.integer({ min: 1, max: 300 });
const size = fc.record({ width: side, height: side });

test('tiles cover the picture, stay inside of it and overlap at least as asked', () => {
  fc.assert(
    fc.property(size, size, fc.nat(), (picture, tile, some) => {
      const overlap = some % Math.min(tile.width, tile.height);
      const needed = (length: number, part: number) =>
        length <= part ? 1 : Math.ceil((length - overlap) / (part - overlap));
      const count = needed(picture.width, tile.width) * needed(picture.height, tile.height);
      fc.pre(count <= 1024);
      const regions = tileRegions(picture, tile, overlap);
      // Fewer could not cover it with this overlap.
      expect(regions).toHaveLength(count);
      const covered = new Uint8Array(picture.width * picture.height);
      for (const { x, y, width, height } of regions) {
        expect(width).toBe(Math.min(tile.width, picture.width));
        expect(height).toBe(Math.min(tile.height, picture.height));
        expect(x >= 0 && y >= 0 && x + width <= picture.width).toBe(true);
        expect(y + height).toBeLessThanOrEqual(picture.height);
        for (let row = y; row < y + height; row++) {
          covered.fill(1, row * picture.width + x, row * picture.width + x + width);
        }
      }
      expect(covered.includes(0)).toBe(false);
      for (const axis of ['x', 'y'] as const) {
        const length = axis === 'x' ? 'width' : 'height';
        const starts = [...new Set(regions.map((region) => region[axis]))];
        for (const [i, start] of starts.slice(1).entries()) {
          expect(start).toBeGreaterThan(starts[i]!);
          expect(starts[i]! + tile[length] - start).toBeGreaterThanOrEqual(overlap);
        }
      }
    }),
    { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 10_000 : 500 },
  );
});

test('tiles go row by row, and the last of each axis ends with the picture', () => {
  expect(tileRegions({ width: 10, height: 7 }, { width: 4, height: 4 }, 1)).toEqual([
    { x: 0, y: 0, width: 4, height: 4 },
    { x: 3, y: 0, width: 4, height: 4 },
    { x: 6, y: 0, width: 4, height: 4 },
    { x: 0, y: 3, width: 4, height: 4 },
    { x: 3, y: 3, width: 4, height: 4 },
    { x: 6, y: 3, width: 4, height: 4 },
  ]);
  expect(tileRegions({ width: 9, height: 3 }, { width: 4, height: 5 }, 0)).toEqual([
    { x: 0, y: 0, width: 4, height: 3 },
    { x: 4, y: 0, width: 4, height: 3 },
    { x: 5, y: 0, width: 4, height: 3 },
  ]);
});

test('numbers that make no sense, and too many tiles, are refused', () => {
  const picture: Size = { width: 100, height: 80 };
  const tile: Size = { width: 40, height: 30 };
  const refused = (call: () => unknown) =>
    expect(call).toThrow(expect.objectContaining({ code: 'FRAME_INVALID' }));
  for (const value of [0, -1, 1.5, NaN, Infinity, 65_536, '4', undefined] as number[]) {
    refused(() => tileRegions({ ...picture, width: value }, tile, 0));
    refused(() => tileRegions({ ...picture, height: value }, tile, 0));
    refused(() => tileRegions(picture, { ...tile, width: value }, 0));
    refused(() => tileRegions(picture, { ...tile, height: value }, 0));
  }
  for (const overlap of [30, 40, -1, 0.5, NaN, Infinity]) {
    refused(() => tileRegions(picture, tile, overlap));
  }
  expect(tileRegions(picture, tile, 29).length).toBeGreaterThan(100);
  const most = { width: MAX_TILES, height: 1 };
  expect(tileRegions(most, { width: 1, height: 1 }, 0)).toHaveLength(MAX_TILES);
  refused(() => tileRegions({ ...most, width: MAX_TILES + 1 }, { width: 1, height: 1 }, 0));
  refused(() => tileRegions({ width: 65_535, height: 65_535 }, { width: 1, height: 1 }, 0));
});
