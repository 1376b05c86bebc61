import { maskAreas } from '../../../native/index.ts';
import type { Box, Point } from '../../contract/frame.ts';
import { simplifyContour } from '../../decode/simplify-contour.ts';
import { hull, intersection } from './merge-detections.ts';

export interface TileArea {
  readonly tile: number;
  readonly polygon: readonly Point[];
  /** Where it lies, in pixels. */
  readonly bounds: Box;
  /** In square pixels, as its tile measured it; absent where only the outline is known. */
  readonly pixels?: number | undefined;
}

export interface JoinedArea {
  readonly polygon: readonly Point[];
  /** In square pixels. */
  readonly pixels: number;
}

/** Cells along the longer side of the grid on which touching areas are joined. */
const MAX_GRID_SIDE = 1024;
const MAX_POLYGON_POINTS = 128;
const CONTOUR_TOLERANCE = 1;

/**
 * Areas of different tiles become one where they touch. One whose bounds meet none of another tile stays
 * exactly as it is; the others are drawn on a grid and traced again, to within a cell of a pixel or a
 * 1024th of their extent.
 */
export function joinAreas(areas: readonly TileArea[]): JoinedArea[] {
  return touchingGroups(areas).flatMap((group) =>
    group.length === 1
      ? [{ polygon: group[0]!.polygon, pixels: group[0]!.pixels ?? polygonArea(group[0]!.polygon) }]
      : traced(group),
  );
}

/** Groups whose bounds meet across tiles: only those can touch. */
function touchingGroups(areas: readonly TileArea[]): TileArea[][] {
  const sorted = areas.toSorted((a, b) => a.bounds.x - b.bounds.x);
  const parent = sorted.map((_, index) => index);
  const root = (index: number): number => {
    let at = index;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  sorted.forEach((area, index) => {
    for (let next = index + 1; next < sorted.length; next += 1) {
      const other = sorted[next]!;
      if (other.bounds.x > area.bounds.x + area.bounds.width) break;
      if (other.tile === area.tile || !intersection(area.bounds, other.bounds)) continue;
      parent[root(next)] = root(index);
    }
  });
  const groups = new Map<number, TileArea[]>();
  sorted.forEach((area, index) => {
    const of = root(index);
    groups.set(of, [...(groups.get(of) ?? []), area]);
  });
  return [...groups.values()];
}

function traced(group: readonly TileArea[]): JoinedArea[] {
  const bounds = hull(group.map((area) => area.bounds));
  const cellPx = Math.max(1, Math.max(bounds.width, bounds.height) / MAX_GRID_SIDE);
  const size = {
    width: Math.max(1, Math.ceil(bounds.width / cellPx)),
    height: Math.max(1, Math.ceil(bounds.height / cellPx)),
  };
  const mask = new Uint8Array(size.width * size.height);
  for (const { polygon } of group) {
    fill(
      mask,
      size.width,
      size.height,
      polygon.map(({ x, y }) => ({ x: (x - bounds.x) / cellPx, y: (y - bounds.y) / cellPx })),
    );
  }
  const within = { x: 0, y: 0, ...size };
  const { areas } = maskAreas(mask, { size, within, minCells: 1, maxAreas: group.length });
  return areas.map(({ contour, cellCount }) => ({
    polygon: simplifyContour(contour, CONTOUR_TOLERANCE, MAX_POLYGON_POINTS).map(({ x, y }) => ({
      x: Math.min(bounds.x + x * cellPx, bounds.x + bounds.width),
      y: Math.min(bounds.y + y * cellPx, bounds.y + bounds.height),
    })),
    pixels: cellCount * cellPx * cellPx,
  }));
}

/** Sets the cells whose middle lies in a polygon (even-odd rule), row by row. */
function fill(mask: Uint8Array, width: number, height: number, polygon: readonly Point[]): void {
  for (let row = 0; row < height; row += 1) {
    const y = row + 0.5;
    const crossings: number[] = [];
    polygon.forEach((to, index) => {
      const from = polygon.at(index - 1)!;
      if (from.y > y === to.y > y) return;
      crossings.push(from.x + ((y - from.y) / (to.y - from.y)) * (to.x - from.x));
    });
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const first = Math.max(0, Math.ceil(crossings[i]! - 0.5));
      const last = Math.min(width - 1, Math.ceil(crossings[i + 1]! - 0.5) - 1);
      if (last >= first) mask.fill(1, row * width + first, row * width + last + 1);
    }
  }
}

/** Shoelace formula. */
function polygonArea(polygon: readonly Point[]): number {
  const twice = polygon.reduce((sum, to, index) => {
    const from = polygon.at(index - 1)!;
    return sum + from.x * to.y - to.x * from.y;
  }, 0);
  return Math.abs(twice) / 2;
}

export function boundsOf(polygon: readonly Point[]): Box {
  const [xs, ys] = [polygon.map(({ x }) => x), polygon.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
