import { maskAreas } from '../../../native/index.ts';
import type { Box, Point } from '../../contract/frame.ts';
import { outlineOf } from '../../decode/simplify-contour.ts';
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

/** Work stays bounded, whatever a noisy map gives. */
export const MAX_JOINED = 4000;
/** Cells along the longer side of the grid on which touching areas are joined. */
const MAX_GRID_SIDE = 1024;

/**
 * Areas of different tiles become one where they touch. One whose bounds meet none of another tile stays
 * exactly as it is; the others are drawn on a grid and traced again, to within a cell of a pixel or a
 * 1024th of their extent. Of more than MAX_JOINED areas the largest are joined and the others stay as
 * they are: none is left out, though ground that two tiles see may be counted for both.
 */
export function joinAreas(areas: readonly TileArea[]): JoinedArea[] {
  if (areas.length <= MAX_JOINED) return joined(areas);
  const bySize = areas
    .map((area) => ({ area, size: sizeOf(area) }))
    .sort((a, b) => b.size - a.size)
    .map(({ area }) => area);
  return [...joined(bySize.slice(0, MAX_JOINED)), ...bySize.slice(MAX_JOINED).map(alone)];
}

const joined = (areas: readonly TileArea[]): JoinedArea[] =>
  touchingGroups(areas).flatMap((group) =>
    group.length === 1 ? [alone(group[0]!)] : traced(group),
  );

const alone = (area: TileArea): JoinedArea => ({ polygon: area.polygon, pixels: sizeOf(area) });

const sizeOf = ({ pixels, polygon }: TileArea): number => pixels ?? polygonArea(polygon);

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
    const group = groups.get(of);
    if (group) group.push(area);
    else groups.set(of, [area]);
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
    polygon: outlineOf(contour).map(({ x, y }) => ({
      x: Math.min(bounds.x + x * cellPx, bounds.x + bounds.width),
      y: Math.min(bounds.y + y * cellPx, bounds.y + bounds.height),
    })),
    pixels: cellCount * cellPx * cellPx,
  }));
}

/** Sets the cells whose middle lies in a polygon (even-odd rule), row by row. */
function fill(mask: Uint8Array, width: number, height: number, polygon: readonly Point[]): void {
  const { y: top, height: extent } = boundsOf(polygon);
  const lastRow = Math.min(height - 1, Math.floor(top + extent));
  for (let row = Math.max(0, Math.floor(top)); row <= lastRow; row += 1) {
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
