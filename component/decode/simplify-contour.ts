import type { Point } from '../contract/frame.ts';

const MOST_POINTS_LOOKED_AT = 4096;
/** In cells of the map or mask that the contour goes round. */
const OUTLINE_TOLERANCE = 1;
const MAX_OUTLINE_POINTS = 128;

/** A contour as results show it. */
export const outlineOf = (contour: readonly Point[]): readonly Point[] =>
  simplifyContour(contour, OUTLINE_TOLERANCE, MAX_OUTLINE_POINTS);

/**
 * A closed contour with fewer points, none of the dropped ones farther than `tolerance` from it
 * (Douglas and Peucker 1973, started from the first point and the one farthest from it). The
 * tolerance is doubled until at most `maxPoints` remain, halved until at least three do. The same
 * contour always gives the same points. Contours of more than 4096 points are thinned out first.
 */
export function simplifyContour(
  contour: readonly Point[],
  tolerance: number,
  maxPoints: number,
): readonly Point[] {
  const stride = Math.ceil(contour.length / MOST_POINTS_LOOKED_AT);
  const points = stride === 1 ? contour : contour.filter((_, index) => index % stride === 0);
  if (points.length <= 3) return points;
  let limit = tolerance;
  let kept = douglasPeucker(points, limit);
  while (kept.length < 3 && limit > 1e-3) {
    limit /= 2;
    kept = douglasPeucker(points, limit);
  }
  if (kept.length < 3) return points.slice(0, 3);
  while (kept.length > maxPoints) {
    limit *= 2;
    const fewer = douglasPeucker(points, limit);
    if (fewer.length < 3) break;
    kept = fewer;
  }
  return kept;
}

function douglasPeucker(points: readonly Point[], tolerance: number): Point[] {
  const { length } = points;
  const origin = points[0]!;
  let far = 0;
  let farthest = -1;
  for (let index = 1; index < length; index += 1) {
    const point = points[index]!;
    const distance = (point.x - origin.x) ** 2 + (point.y - origin.y) ** 2;
    if (distance > farthest) [farthest, far] = [distance, index];
  }
  const keeps = new Uint8Array(length);
  keeps[0] = 1;
  keeps[far] = 1;
  const spans: [number, number][] = [
    [0, far],
    [far, length],
  ];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    const start = points[from]!;
    const end = points[to % length]!;
    let worst = tolerance;
    let split = -1;
    for (let index = from + 1; index < to; index += 1) {
      const distance = distanceToSegment(points[index]!, start, end);
      if (distance > worst) [worst, split] = [distance, index];
    }
    if (split < 0) continue;
    keeps[split] = 1;
    spans.push([from, split], [split, to]);
  }
  return points.filter((_, index) => keeps[index] === 1);
}

export function distanceToSegment(point: Point, start: Point, end: Point): number {
  const dx = end.x - start.x;
  const dy = end.y - start.y;
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((point.x - start.x) * dx + (point.y - start.y) * dy) / squared;
  const t = along < 0 ? 0 : along > 1 ? 1 : along;
  return Math.hypot(point.x - start.x - t * dx, point.y - start.y - t * dy);
}
