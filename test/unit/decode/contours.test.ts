import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Point } from '../../../component/contract/frame.ts';
import { maskAreas as listAreas } from '../../../native/index.ts';
import { distanceToSegment, simplifyContour } from '../../../component/decode/simplify-contour.ts';

const SIDE = 12;
const masks = fc
  .tuple(
    fc.uint8Array({ minLength: SIDE * SIDE, maxLength: SIDE * SIDE, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
  )
  .map(([values, level]) => values.map((value) => (value >= level ? 1 : 0)));
const size = { width: SIDE, height: SIDE };
const everything = { x: 0, y: 0, ...size };
const maskAreas = (mask: ArrayLike<number>, within = everything) =>
  listAreas(Uint8Array.from(mask), { size, within, minCells: 1, maxAreas: 1000 }).areas;

describe('contours', () => {
  test('enclose their area and its holes and nothing else', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const areas = maskAreas(mask);
        const inAnyArea = areas.reduce((sum, { cellCount }) => sum + cellCount, 0);
        expect(inAnyArea).toBe(mask.reduce((sum, bit) => sum + bit, 0));
        for (let y = 0; y < SIDE; y += 1) {
          for (let x = 0; x < SIDE; x += 1) {
            const centre = { x: x + 0.5, y: y + 0.5 };
            const encloses = areas.some(({ contour }) => windingNumber(centre, contour) !== 0);
            if (mask[y * SIDE + x]) expect(encloses).toBe(true);
            else if (encloses) expect(leadsOutside(mask, x, y)).toBe(false);
          }
        }
      }),
    );
  });

  test('enclose as many cells as the area has when it has no holes', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const filled = mask.map((bit, index) =>
          bit || !leadsOutside(mask, index % SIDE, Math.floor(index / SIDE)) ? 1 : 0,
        );
        for (const { cellCount, contour } of maskAreas(filled)) {
          expect(polygonArea(contour)).toBe(cellCount);
        }
      }),
    );
  });

  test('look only at the cells within the box', () => {
    const mask = new Uint8Array(SIDE * SIDE).fill(1);
    const [area, ...rest] = maskAreas(mask, { x: 2, y: 3, width: 4, height: 5 });
    expect(rest).toEqual([]);
    expect(area).toEqual({
      cellCount: 20,
      contour: [
        { x: 2, y: 3 },
        { x: 6, y: 3 },
        { x: 6, y: 8 },
        { x: 2, y: 8 },
      ],
    });
  });

  test('stay within the tolerance when simplified, and always come out the same', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        for (const { contour } of maskAreas(mask)) {
          const simple = simplifyContour(contour, 1, 1000);
          expect(simplifyContour(contour, 1, 1000)).toEqual(simple);
          expect(simple.length).toBeGreaterThanOrEqual(3);
          expect(simple.every((point) => contour.includes(point))).toBe(true);
          for (const point of contour) expect(distance(point, simple)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('are cut down to the points allowed', () => {
    const zigzag = Array.from({ length: 6000 }, (_, index) => ({
      x: 3000 * Math.cos((index / 6000) * 2 * Math.PI) * (index % 2 ? 1 : 1.3),
      y: 3000 * Math.sin((index / 6000) * 2 * Math.PI),
    }));
    const simple = simplifyContour(zigzag, 1, 128);
    expect(simple.length).toBeGreaterThan(3);
    expect(simple.length).toBeLessThanOrEqual(128);
  });
});

function windingNumber(point: Point, polygon: readonly Point[]): number {
  let winding = 0;
  for (const [index, a] of polygon.entries()) {
    const b = polygon[(index + 1) % polygon.length]!;
    const side = (b.x - a.x) * (point.y - a.y) - (point.x - a.x) * (b.y - a.y);
    if (a.y <= point.y && b.y > point.y && side > 0) winding += 1;
    if (a.y > point.y && b.y <= point.y && side < 0) winding -= 1;
  }
  return winding;
}

/** Whether an unset cell reaches the border over unset cells that share an edge. */
function leadsOutside(mask: Uint8Array, x: number, y: number): boolean {
  const seen = new Set<string>();
  const stack: [number, number][] = [[x, y]];
  for (let cell = stack.pop(); cell; cell = stack.pop()) {
    const [cellX, cellY] = cell;
    if (cellX < 0 || cellY < 0 || cellX >= SIDE || cellY >= SIDE) return true;
    const key = `${cellX},${cellY}`;
    if (seen.has(key) || mask[cellY * SIDE + cellX]) continue;
    seen.add(key);
    stack.push([cellX + 1, cellY], [cellX - 1, cellY], [cellX, cellY + 1], [cellX, cellY - 1]);
  }
  return false;
}

function polygonArea(polygon: readonly Point[]): number {
  let twice = 0;
  for (const [index, a] of polygon.entries()) {
    const b = polygon[(index + 1) % polygon.length]!;
    twice += a.x * b.y - b.x * a.y;
  }
  return twice / 2;
}

function distance(point: Point, polygon: readonly Point[]): number {
  return Math.min(
    ...polygon.map((a, index) =>
      distanceToSegment(point, a, polygon[(index + 1) % polygon.length]!),
    ),
  );
}
