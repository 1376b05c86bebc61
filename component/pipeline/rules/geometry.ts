import type { Box, Point } from '../../contract/frame.ts';

export function anchorOf(box: Box, anchor: 'bottom-centre' | 'centre'): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height * (anchor === 'centre' ? 0.5 : 1) };
}

/**
 * Whether a point lies in a polygon, by the even-odd rule (W. R. Franklin, PNPOLY). A point on the
 * left or top edge is inside, on the right or bottom edge outside.
 */
export function contains(polygon: readonly Point[], point: Point): boolean {
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
