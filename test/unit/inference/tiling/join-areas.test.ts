import { describe, expect, it } from 'vitest';
import {
  boundsOf,
  joinAreas,
  MAX_JOINED,
  type TileArea,
} from '../../../../component/inference/tiling/join-areas.ts';

const area = (tile: number, x: number, y: number, width: number, height: number): TileArea => {
  const polygon = [
    { x, y },
    { x: x + width, y },
    { x: x + width, y: y + height },
    { x, y: y + height },
  ];
  return { tile, polygon, bounds: boundsOf(polygon) };
};

describe('joining areas of tiles', () => {
  it('draws each with all of its rows, wherever it lies in its group', () => {
    const joined = joinAreas([
      area(0, 10, 20, 30, 40),
      area(1, 35, 40, 30, 50),
      area(0, 60, 80, 20, 25),
    ]);
    expect(joined).toHaveLength(1);
    const drawn = 30 * 40 + 30 * 50 + 20 * 25 - 5 * 20 - 5 * 10;
    expect(joined[0]!.pixels).toBe(drawn);
    expect(boundsOf(joined[0]!.polygon)).toEqual({ x: 10, y: 20, width: 70, height: 85 });
  });

  it('joins the largest of too many, and keeps the others as they are', () => {
    const large = [area(0, 0, 0, 40, 40), area(1, 30, 0, 40, 40)];
    const small = Array.from({ length: MAX_JOINED }, (_, i) =>
      // Pairs that touch across tiles.
      area(i % 2, 1000 + (i >> 1) * 10 + (i % 2), 500, 3, 3),
    );
    const joined = joinAreas([...small, ...large]);
    expect(joined.find(({ pixels }) => pixels === 70 * 40)).toBeDefined();
    // All but two of the small ones were joined with their neighbour.
    expect(joined).toHaveLength(1 + (MAX_JOINED - 2) / 2 + 2);
    expect(joined.filter(({ pixels }) => pixels === 9)).toHaveLength(2);
  });
});
