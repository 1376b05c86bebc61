import { describe, expect, test } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Point } from '../../../component/contract/frame.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';
import {
  cornersOf,
  minimumAreaRectangle,
} from '../../../component/decode/minimum-area-rectangle.ts';
import { mapAreas } from '../../../native/index.ts';
import { decoderOf, outputOf, refusalOf, squareSpec } from './decode-model.ts';

const SIDE = 320;
/** The picture is twice as large as the map. */
const context: DecodeContext = {
  transform: { scaleX: 2, scaleY: 2, offsetX: 0, offsetY: 0, source: { width: 640, height: 640 } },
  input: { width: SIDE, height: SIDE },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};

const decoder = (settings: object = {}) =>
  decoderOf({ decoder: 'text-detection', ...settings } as never, ['b', 1, 'h', 'w'], [], {
    ...squareSpec,
    width: 960,
    height: 960,
  });

/** A map that has `value` where a cell's centre lies inside. */
function mapOf(...shapes: { inside: (x: number, y: number) => boolean; value: number }[]) {
  const map = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      for (const { inside, value } of shapes) {
        if (inside(x + 0.5, y + 0.5)) map[y * SIDE + x] = value;
      }
    }
  }
  return map;
}

const box = (left: number, top: number, right: number, bottom: number, value = 0.9) => ({
  inside: (x: number, y: number) => x > left && x < right && y > top && y < bottom,
  value,
});

const turned = (cx: number, cy: number, width: number, height: number, angle: number) => ({
  inside: (x: number, y: number) => {
    const u = (x - cx) * Math.cos(angle) + (y - cy) * Math.sin(angle);
    const v = (y - cy) * Math.cos(angle) - (x - cx) * Math.sin(angle);
    return Math.abs(u) < width / 2 && Math.abs(v) < height / 2;
  },
  value: 0.9,
});

const linesOf = (map: Float32Array, settings: object = {}, own = context) =>
  decoder(settings).decode(outputOf(map, [1, 1, SIDE, SIDE]), own).findings.text!;

describe('a detector of text', () => {
  test('gives the grown rectangle of an upright line in source pixels, as computed by hand', () => {
    const [line] = linesOf(mapOf(box(100, 50, 200, 70)));
    // Centres of the cells span 99 × 19 around (150, 60); grown by 99 × 19 × 1.5 ÷ (2 × (99 + 19)).
    const grown = (99 * 19 * 1.5) / (2 * (99 + 19));
    const [width, height] = [99 + 2 * grown, 19 + 2 * grown];
    const corners = [
      [150 - width / 2, 60 - height / 2],
      [150 + width / 2, 60 - height / 2],
      [150 + width / 2, 60 + height / 2],
      [150 - width / 2, 60 + height / 2],
    ];
    line!.polygon!.forEach((corner, i) => {
      expect(corner.x).toBeCloseTo(corners[i]![0]! * 2, 1);
      expect(corner.y).toBeCloseTo(corners[i]![1]! * 2, 1);
    });
    expect(line!.score).toBeCloseTo(0.9, 5);
    expect(line).not.toHaveProperty('text');
  });

  test.each([0.1, 0.5, -0.3, 0.785, 1.2])('follows a line that is turned by %d', (angle) => {
    const [line, ...others] = linesOf(mapOf(turned(160, 150, 120, 24, angle)), { unclipRatio: 0 });
    expect(others).toEqual([]);
    const [a, b, c] = line!.polygon as [Point, Point, Point, Point];
    const sides = [Math.hypot(b.x - a.x, b.y - a.y), Math.hypot(c.x - b.x, c.y - b.y)];
    // To a cell of the map, which is two pixels.
    expect(Math.abs(Math.max(...sides) - 2 * 119)).toBeLessThan(4);
    expect(Math.abs(Math.min(...sides) - 2 * 23)).toBeLessThan(4);
    const long = sides[0]! > sides[1]! ? [a, b] : [b, c];
    const found = Math.atan2(long[1]!.y - long[0]!.y, long[1]!.x - long[0]!.x);
    expect(Math.abs(Math.sin(found - angle))).toBeLessThan(0.03);
  });

  test('gives corners clockwise from the upper one on the left', () => {
    for (const angle of [-0.6, -0.1, 0, 0.1, 0.6]) {
      const [line] = linesOf(mapOf(turned(160, 150, 120, 24, angle)));
      const [a, b, c, d] = line!.polygon as [Point, Point, Point, Point];
      const cross = (b.x - a.x) * (d.y - a.y) - (b.y - a.y) * (d.x - a.x);
      expect(cross).toBeGreaterThan(0);
      expect(Math.max(a.x, d.x)).toBeLessThan(Math.max(b.x, c.x));
      expect(a.y).toBeLessThan(d.y);
    }
  });

  test('leaves out lines that are unsure, too thin, or nearly nothing', () => {
    const map = mapOf(
      box(10, 10, 110, 30, 0.9),
      box(10, 50, 110, 70, 0.5),
      box(10, 90, 110, 93, 0.9),
      box(10, 110, 13, 113, 0.9),
    );
    expect(linesOf(map)).toHaveLength(1);
    expect(linesOf(map, { scoreThreshold: 0.4 })).toHaveLength(2);
    expect(linesOf(map, { scoreThreshold: 0.4, minSide: 2 })).toHaveLength(3);
    const strict = { ...context, thresholds: { score: 0.95, labels: {} } };
    expect(linesOf(map, {}, strict)).toEqual([]);
  });

  test('scores by the mean inside the rectangle, where the map is low too', () => {
    // An L: its rectangle is a quarter full of text.
    const [line] = linesOf(mapOf(box(100, 100, 120, 200, 0.8), box(100, 180, 200, 200, 0.8)), {
      scoreThreshold: 0.1,
    });
    expect(line!.score).toBeGreaterThan(0.25);
    expect(line!.score).toBeLessThan(0.32);
  });

  test('lists lines as they are read: from above to below, beside each other from the left', () => {
    const map = mapOf(
      box(200, 60, 300, 80),
      box(10, 64, 110, 84),
      box(10, 10, 110, 30),
      box(50, 150, 150, 170),
    );
    const starts = linesOf(map).map(({ polygon }) => Math.round(polygon![0]!.x / 20));
    expect(starts).toEqual([0, 0, 19, 4]);
  });

  test('keeps lines at the border inside the picture', () => {
    const [line] = linesOf(mapOf(box(0, 0, 100, 20)));
    for (const { x, y } of line!.polygon!) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(y).toBeGreaterThanOrEqual(0);
    }
  });

  test('sees only the part of the map that shows the picture', () => {
    const half: DecodeContext = {
      ...context,
      transform: { ...context.transform, source: { width: 640, height: 300 } },
    };
    const map = mapOf(box(10, 10, 110, 30), box(10, 200, 110, 220));
    expect(linesOf(map, {}, half)).toHaveLength(1);
  });

  test('finds nothing on an empty map', () => {
    expect(linesOf(new Float32Array(SIDE * SIDE))).toEqual([]);
  });

  test('bounds how many lines it looks at', () => {
    const map = new Float32Array(SIDE * SIDE);
    for (let y = 0; y < SIDE; y += 8) {
      for (let x = 0; x < SIDE; x += 8) {
        for (let i = 0; i < 36; i++) map[(y + Math.floor(i / 6)) * SIDE + x + (i % 6)] = 1;
      }
    }
    expect(linesOf(map, { unclipRatio: 2 })).toHaveLength(1000);
    expect(linesOf(map, { unclipRatio: 2, maxLines: 7 })).toHaveLength(7);
  });

  test('refuses values that are no map, and graphs that give none', () => {
    const bad = new Float32Array(SIDE * SIDE);
    bad[5] = NaN;
    expect(refusalOf(() => linesOf(bad))).toMatch(/OUTPUT_INVALID: .*NaN at element 5/);
    expect(
      refusalOf(() => decoder().decode(outputOf(new Float32Array(8), [1, 2, 2, 2]), context)),
    ).toMatch(/OUTPUT_INVALID: .*\[1, 2, 2, 2\]/);
    expect(refusalOf(() => linesOf(mapOf(box(100, 50, 200, 70, 9))))).toMatch(/OUTPUT_INVALID/);
    expect(refusalOf(() => decoderOf({ decoder: 'text-detection' }, ['b', 3, 'h', 'w']))).toMatch(
      /MODEL_MISMATCH/,
    );
  });
});

test('the rectangle has the least area of all that enclose the centres of the cells', () => {
  let state = 7;
  const random = () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const size = { width: 48, height: 48 };
  for (let run = 0; run < 60; run++) {
    const map = new Float32Array(48 * 48);
    let [x, y] = [24, 24];
    for (let step = 0; step < 200; step++) {
      map[y * 48 + x] = 1;
      x = Math.min(47, Math.max(0, x + Math.round(random() * 2 - 1)));
      y = Math.min(47, Math.max(0, y + Math.round((random() * 2 - 1) * 0.8)));
    }
    const found = mapAreas(map, 0.5, {
      size,
      within: { x: 0, y: 0, ...size },
      minCells: 1,
      maxAreas: 1,
    });
    if ('kind' in found) throw new Error('the map is finite');
    const rectangle = minimumAreaRectangle(found.areas[0]!.contour);
    const cells = [...map.keys()].filter((cell) => map[cell] === 1);
    const centres = cells.map((cell) => [(cell % 48) + 0.5, Math.floor(cell / 48) + 0.5] as const);
    let least = Infinity;
    for (let step = 0; step < 9000; step++) {
      const angle = (step / 9000) * (Math.PI / 2);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const along = centres.map(([cx, cy]) => cx * cos + cy * sin);
      const across = centres.map(([cx, cy]) => cy * cos - cx * sin);
      const area =
        (Math.max(...along) - Math.min(...along)) * (Math.max(...across) - Math.min(...across));
      least = Math.min(least, area);
    }
    expect(rectangle.width * rectangle.height).toBeLessThanOrEqual(least + 1e-6);
    expect(rectangle.width * rectangle.height).toBeGreaterThan(least * 0.99);
    // And it holds them all.
    const [a, b, , d] = cornersOf(rectangle) as [Point, Point, Point, Point];
    for (const [cx, cy] of centres) {
      for (const [p, q] of [
        [a, b],
        [a, d],
      ] as const) {
        const length = Math.hypot(q.x - p.x, q.y - p.y);
        if (length === 0) continue;
        const part = ((cx - p.x) * (q.x - p.x) + (cy - p.y) * (q.y - p.y)) / length ** 2;
        expect(part).toBeGreaterThan(-1e-6);
        expect(part).toBeLessThan(1 + 1e-6);
      }
    }
  }
});
