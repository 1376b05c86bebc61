import type { Point } from '../contract/frame.ts';

/** A rectangle that may be turned. */
export interface TurnedRectangle {
  readonly centre: Point;
  /** Unit vector along `width`; `height` lies along (−y, x). */
  readonly along: Point;
  readonly width: number;
  readonly height: number;
}

/**
 * The rectangle of least area around the centres of an area's cells, as OpenCV's `minAreaRect` of its
 * `findContours`; `contour` runs along the edges of the cells. One side of it is flush with a side of
 * the convex hull (H. Freeman, R. Shapira 1975), so that every side is tried.
 *
 * The hull of the edges is the hull of the centres plus a cell (Minkowski sum): it has the same sides
 * and those of a cell, and reaches |cos| + |sin| farther across in each direction, which is taken off.
 */
export function minimumAreaRectangle(contour: readonly Point[]): TurnedRectangle {
  const hull = convexHull(contour);
  let best: TurnedRectangle | undefined;
  for (const [index, corner] of hull.entries()) {
    const next = hull[(index + 1) % hull.length]!;
    const length = Math.hypot(next.x - corner.x, next.y - corner.y);
    const along = { x: (next.x - corner.x) / length, y: (next.y - corner.y) / length };
    const rectangle = enclose(hull, along);
    if (!best || rectangle.width * rectangle.height < best.width * best.height) best = rectangle;
  }
  return best!;
}

function enclose(hull: readonly Point[], along: Point): TurnedRectangle {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of hull) {
    const u = x * along.x + y * along.y;
    const v = y * along.x - x * along.y;
    left = Math.min(left, u);
    right = Math.max(right, u);
    top = Math.min(top, v);
    bottom = Math.max(bottom, v);
  }
  const [u, v] = [(left + right) / 2, (top + bottom) / 2];
  const cell = Math.abs(along.x) + Math.abs(along.y);
  return {
    centre: { x: u * along.x - v * along.y, y: u * along.y + v * along.x },
    along,
    width: Math.max(0, right - left - cell),
    height: Math.max(0, bottom - top - cell),
  };
}

/** A. M. Andrew's monotone chain (1979), without points on a side. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const half = (from: readonly Point[]) => {
    const chain: Point[] = [];
    for (const point of from) {
      while (chain.length >= 2 && !turnsLeft(chain.at(-2)!, chain.at(-1)!, point)) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

const turnsLeft = (a: Point, b: Point, c: Point): boolean =>
  (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0;

/**
 * Its corners, clockwise as seen in a picture, from the upper one of the two on the left: where the
 * reading of a line begins.
 */
export function cornersOf({ centre, along, width, height }: TurnedRectangle): Point[] {
  const across = { x: -along.y, y: along.x };
  const corner = (u: number, v: number): Point => ({
    x: centre.x + along.x * u + across.x * v,
    y: centre.y + along.y * u + across.y * v,
  });
  const [u, v] = [width / 2, height / 2];
  const corners = [corner(-u, -v), corner(u, -v), corner(u, v), corner(-u, v)];
  const leftmost = [...corners].sort((a, b) => a.x - b.x).slice(0, 2);
  const first = leftmost[0]!.y <= leftmost[1]!.y ? leftmost[0]! : leftmost[1]!;
  const start = corners.indexOf(first);
  return [...corners.slice(start), ...corners.slice(0, start)];
}
