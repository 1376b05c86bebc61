import type { Box } from './frame.ts';

/** Intersection over union, 0–1; 0 for boxes that share no area. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared === 0 ? 0 : shared / (a.width * a.height + b.width * b.height - shared);
}
