import type { Quad, Size } from './frame.ts';

/**
 * The rectangle that a quad becomes, in whole pixels: as wide as the longer of its upper and lower side,
 * as high as the longer of the others; halves to even, at least 1. As the addon has it.
 */
export function quadSize([first, second, third, fourth]: Quad): Size {
  const side = (a: Quad[number], b: Quad[number]) => Math.hypot(b.x - a.x, b.y - a.y);
  return {
    width: wholeSide(side(first, second), side(fourth, third)),
    height: wholeSide(side(first, fourth), side(second, third)),
  };
}

function wholeSide(one: number, other: number): number {
  const length = Math.max(one, other);
  const down = Math.floor(length);
  const isHalf = length - down === 0.5;
  return Math.max(1, isHalf ? down + (down % 2) : Math.round(length));
}
