import type { Box, Point, Size } from '../../../component/contract/frame.ts';

/** A connected area of a mask: its cells, and its outer contour in cell corners, clockwise. */
export interface MaskArea {
  readonly cellCount: number;
  readonly contour: readonly Point[];
}

/**
 * Connected areas (eight neighbours) of the set cells inside `within`, largest first, ties in
 * reading order. The contour follows the outer edges of the cells exactly, so that it encloses the
 * area and its holes and nothing else.
 * @param mask row-major, set where not 0
 */
export function maskAreas(mask: Uint8Array, size: Size, within: Box, minCells: number): MaskArea[] {
  const { labels, queue } = scratchFor(size.width * size.height);
  const right = within.x + within.width;
  const bottom = within.y + within.height;
  const areas: MaskArea[] = [];
  let label = 0;
  for (let y = within.y; y < bottom; y += 1) {
    for (let x = within.x; x < right; x += 1) {
      const first = y * size.width + x;
      if (mask[first] === 0 || labels[first] !== 0) continue;
      label += 1;
      labels[first] = label;
      queue[0] = first;
      let queued = 1;
      for (let head = 0; head < queued; head += 1) {
        const cell = queue[head]!;
        const cellX = cell % size.width;
        const cellY = (cell - cellX) / size.width;
        const lastX = Math.min(right - 1, cellX + 1);
        const lastY = Math.min(bottom - 1, cellY + 1);
        for (let nearY = Math.max(within.y, cellY - 1); nearY <= lastY; nearY += 1) {
          for (let nearX = Math.max(within.x, cellX - 1); nearX <= lastX; nearX += 1) {
            const near = nearY * size.width + nearX;
            if (mask[near] === 0 || labels[near] !== 0) continue;
            labels[near] = label;
            queue[queued] = near;
            queued += 1;
          }
        }
      }
      if (queued < minCells) continue;
      areas.push({
        cellCount: queued,
        contour: traceContour(labels, size, label, { x, y }),
      });
    }
  }
  return areas.sort((a, b) => b.cellCount - a.cellCount);
}

let scratch = { labels: new Int32Array(0), queue: new Int32Array(0) };

/** Memory for one call, kept for the next: fresh pages would cost more than the search. */
function scratchFor(cells: number): typeof scratch {
  if (scratch.labels.length === cells) scratch.labels.fill(0);
  else scratch = { labels: new Int32Array(cells), queue: new Int32Array(cells) };
  return scratch;
}

/** East, south, west, north; and the cells ahead on the right and on the left of a corner. */
const STEPS = [
  { dx: 1, dy: 0, right: { dx: 0, dy: 0 }, left: { dx: 0, dy: -1 } },
  { dx: 0, dy: 1, right: { dx: -1, dy: 0 }, left: { dx: 0, dy: 0 } },
  { dx: -1, dy: 0, right: { dx: -1, dy: -1 }, left: { dx: -1, dy: 0 } },
  { dx: 0, dy: -1, right: { dx: 0, dy: -1 }, left: { dx: -1, dy: -1 } },
] as const;

/**
 * Walks the edges between cells with the area on the right hand, from the top left corner of its
 * first cell, until it is back. Turning left whenever the cell ahead on the left belongs to the area
 * keeps cells that touch at a corner together.
 */
function traceContour(labels: Int32Array, size: Size, label: number, first: Point): Point[] {
  const isInside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < size.width && y < size.height && labels[y * size.width + x] === label;
  const contour: Point[] = [{ x: first.x, y: first.y }];
  let { x, y } = first;
  let heading = 0;
  for (;;) {
    const step = STEPS[heading]!;
    x += step.dx;
    y += step.dy;
    if (x === first.x && y === first.y) return contour;
    if (isInside(x + step.left.dx, y + step.left.dy)) heading = (heading + 3) % 4;
    else if (isInside(x + step.right.dx, y + step.right.dy)) continue;
    else heading = (heading + 1) % 4;
    contour.push({ x, y });
  }
}
