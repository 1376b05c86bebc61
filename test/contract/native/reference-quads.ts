/**
 * What an upright picture becomes when a quad of it is seen as a rectangle, in 64-bit floating point
 * from the definitions in native/README.md. The homography comes from eight linear equations, which
 * the addon does not solve.
 */
import type { Point, Quad, Size } from '../../../component/contract/frame.ts';
import type { Levels } from './reference-pixels.ts';

/** The nine numbers of the homography that leads the corners of `from` to those of `to`. */
export function homography(from: readonly Point[], to: readonly Point[]): number[] {
  const rows = from.flatMap(({ x, y }, i) => {
    const { x: X, y: Y } = to[i]!;
    return [
      [x, y, 1, 0, 0, 0, -x * X, -y * X, X],
      [0, 0, 0, x, y, 1, -x * Y, -y * Y, Y],
    ];
  });
  for (let column = 0; column < 8; column++) {
    const pivot = rows
      .slice(column)
      .reduce((a, b) => (Math.abs(b[column]!) > Math.abs(a[column]!) ? b : a));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      row.forEach((value, i) => (row[i] = value - factor * pivot[i]!));
    }
  }
  return [...rows.map((row, i) => row[8]! / row[i]!), 1];
}

export function lead(matrix: readonly number[], { x, y }: Point): Point {
  const [a, b, c, d, e, f, g, h, i] = matrix as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const w = g * x + h * y + i;
  return { x: (a * x + b * y + c) / w, y: (d * x + e * y + f) / w };
}

const roundHalfEven = (value: number) => {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
};

/** Width and height of the rectangle that a quad becomes. */
export function cropSize([a, b, c, d]: Quad): Size {
  const side = (p: Point, q: Point) => Math.hypot(q.x - p.x, q.y - p.y);
  return {
    width: Math.max(1, roundHalfEven(Math.max(side(a, b), side(d, c)))),
    height: Math.max(1, roundHalfEven(Math.max(side(a, d), side(b, c)))),
  };
}

const cornersOf = ({ width, height }: Size): Point[] => [
  { x: 0, y: 0 },
  { x: width, y: 0 },
  { x: width, y: height },
  { x: 0, y: height },
];

/** RGB of every pixel of a rectangle of `size` that is stretched over the quad, not rounded. */
export function quadLevels(upright: Levels, quad: Quad, size: Size): Float64Array {
  const matrix = homography(cornersOf(size), quad);
  const levels = new Float64Array(size.width * size.height * 3);
  const at = (x: number, y: number, channel: number) => {
    const column = Math.min(Math.max(x, 0), upright.width - 1);
    const row = Math.min(Math.max(y, 0), upright.height - 1);
    return upright.levels[(row * upright.width + column) * 3 + channel]!;
  };
  for (let v = 0; v < size.height; v++) {
    for (let u = 0; u < size.width; u++) {
      const place = lead(matrix, { x: u + 0.5, y: v + 0.5 });
      const [x, y] = [place.x - 0.5, place.y - 0.5];
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [across, down] = [x - left, y - top];
      for (let c = 0; c < 3; c++) {
        levels[(v * size.width + u) * 3 + c] =
          at(left, top, c) * (1 - across) * (1 - down) +
          at(left + 1, top, c) * across * (1 - down) +
          at(left, top + 1, c) * (1 - across) * down +
          at(left + 1, top + 1, c) * across * down;
      }
    }
  }
  return levels;
}
