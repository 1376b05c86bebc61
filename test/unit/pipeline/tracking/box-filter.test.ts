import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AxisFilter } from '../../../../component/pipeline/tracking/axis-filter.ts';
import { BoxFilter } from '../../../../component/pipeline/tracking/box-filter.ts';

type Matrix = readonly [readonly [number, number], readonly [number, number]];
const times = (a: Matrix, b: Matrix): Matrix => {
  const cell = (row: 0 | 1, column: 0 | 1) => a[row][0] * b[0][column] + a[row][1] * b[1][column];
  return [
    [cell(0, 0), cell(0, 1)],
    [cell(1, 0), cell(1, 1)],
  ];
};

/** The same filter from the textbook's matrices: x = Fx, P = FPFᵀ + Q; K = PHᵀ/S, P = (I − KH)P. */
function byMatrices(steps: readonly { dt: number; z: number }[], deviation: number) {
  let x: readonly [number, number] = [steps[0]!.z, 0];
  let p: Matrix = [
    [4, 0],
    [0, 9],
  ];
  for (const { dt, z } of steps) {
    const f: Matrix = [
      [1, dt],
      [0, 1],
    ];
    x = [x[0] + dt * x[1], x[1]];
    const moved = times(times(f, p), [
      [1, 0],
      [dt, 1],
    ]);
    p = [
      [moved[0][0] + dt * 0.25, moved[0][1]],
      [moved[1][0], moved[1][1] + dt * 0.04],
    ];
    const s = p[0][0] + deviation ** 2;
    const k = [p[0][0] / s, p[1][0] / s] as const;
    x = [x[0] + k[0] * (z - x[0]), x[1] + k[1] * (z - x[0])];
    p = times(
      [
        [1 - k[0], 0],
        [-k[1], 1],
      ],
      p,
    );
  }
  return { x, variance: p[0][0] };
}

describe('an axis filter', () => {
  it('does what the matrices of a Kalman filter do', () => {
    const step = fc.record({
      dt: fc.double({ min: 0.1, max: 20, noNaN: true }),
      z: fc.double({ min: -500, max: 500, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const filter = new AxisFilter(steps[0]!.z, 2, 3);
        for (const { dt, z } of steps) {
          filter.predict(dt, 0.5, 0.2);
          filter.update(z, 1.5);
        }
        const expected = byMatrices(steps, 1.5);
        expect(filter.position).toBeCloseTo(expected.x[0], 6);
        expect(filter.velocity).toBeCloseTo(expected.x[1], 6);
        expect(filter.positionVariance).toBeCloseTo(expected.variance, 6);
      }),
    );
  });
});

describe('a box filter', () => {
  const at = (x: number) => ({ x, y: 50, width: 20, height: 40 });

  it('expects a box that moved evenly where it will be, at whatever intervals it was seen', () => {
    const filter = new BoxFilter(at(0));
    let timeMs = 0;
    for (const gapMs of [33, 100, 33, 250, 66, 33, 100, 33, 33, 100]) {
      timeMs += gapMs;
      filter.predict(gapMs, true);
      filter.update(at(timeMs / 10));
    }
    filter.predict(500, true);
    expect(Math.abs(filter.box().x - (timeMs + 500) / 10)).toBeLessThan(1);
    expect(filter.box()).toMatchObject({ y: expect.closeTo(50, 0), height: expect.closeTo(40, 0) });
  });

  it('stays finite for a box without height', () => {
    const filter = new BoxFilter({ x: 5, y: 5, width: 0, height: 0 });
    for (let i = 0; i < 5; i += 1) {
      filter.predict(100, true);
      filter.update({ x: 5, y: 5, width: 0, height: 0 });
    }
    expect(Object.values(filter.box()).every(Number.isFinite)).toBe(true);
  });
});
