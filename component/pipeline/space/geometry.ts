import type { Box, Point } from '../../contract/frame.ts';

export function anchorOf(box: Box, anchor: 'bottom-centre' | 'centre'): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height * (anchor === 'centre' ? 0.5 : 1) };
}

/** Places of boxes are hundredths of a pixel, so that a box's end may be off by one or two of them. */
const ON_OUTLINE_PX = 0.02;

/**
 * Whether a point lies in a polygon, by the even-odd rule (W. R. Franklin, PNPOLY), or on its outline:
 * boxes end at the picture's edge, which is where a zone over the whole picture ends as well.
 */
export function contains(polygon: readonly Point[], point: Point): boolean {
  return isWithin(polygon, point) || distanceTo([...polygon, polygon[0]!], point) <= ON_OUTLINE_PX;
}

function isWithin(polygon: readonly Point[], point: Point): boolean {
  let isInside = false;
  let previous = polygon.at(-1);
  for (const corner of polygon) {
    if (previous && corner.y > point.y !== previous.y > point.y) {
      const crossing =
        ((previous.x - corner.x) * (point.y - corner.y)) / (previous.y - corner.y) + corner.x;
      if (point.x < crossing) isInside = !isInside;
    }
    previous = corner;
  }
  return isInside;
}

/** Distance of a point to a line of one or more pieces, in the points' unit. */
export function distanceTo(line: readonly Point[], point: Point): number {
  let nearest = Infinity;
  for (let i = 1; i < line.length; i += 1) {
    const [a, b] = [line[i - 1]!, line[i]!];
    const along = { x: b.x - a.x, y: b.y - a.y };
    const length = along.x ** 2 + along.y ** 2;
    const reach =
      length === 0 ? 0 : ((point.x - a.x) * along.x + (point.y - a.y) * along.y) / length;
    const t = Math.min(1, Math.max(0, reach));
    nearest = Math.min(
      nearest,
      Math.hypot(point.x - a.x - t * along.x, point.y - a.y - t * along.y),
    );
  }
  return nearest;
}

/** Whether `c` lies on the right of the way from `a` to `b` in a picture (y goes down), or on it. */
const isRightOf = (a: Point, b: Point, c: Point): boolean =>
  (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) >= 0;

/**
 * How often the step from `from` to `to` crosses a line of one or more pieces: from its left to its
 * right (looking from its first point to its last) minus the other way. What touches is given to one
 * side always, so that a path made of steps is counted as a whole: a corner that two pieces share, or a
 * place on the line between two steps, is crossed once or not at all, never twice.
 */
export function signedCrossings(line: readonly Point[], from: Point, to: Point): number {
  let sum = 0;
  for (let i = 1; i < line.length; i += 1) {
    const [a, b] = [line[i - 1]!, line[i]!];
    const begins = isRightOf(a, b, from);
    const ends = isRightOf(a, b, to);
    if (begins === ends || isRightOf(from, to, a) === isRightOf(from, to, b)) continue;
    sum += ends ? 1 : -1;
  }
  return sum;
}
