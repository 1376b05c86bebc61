import { describe, expect, test } from 'vitest';
import { FiguresWindow } from '../../../component/control/camera-figures.ts';
import type { InferenceResult, Outcome } from '../../../component/contract/result.ts';

const result = (outcome: Outcome, totalMs: number, camera = 'dock') =>
  ({ camera, verdict: { outcome }, timings: { totalMs } }) as unknown as InferenceResult;

describe('figures of a camera', () => {
  test('count outcomes and give percentiles to a twentieth', () => {
    const window = new FiguresWindow();
    const nowMs = performance.now();
    for (let ms = 1; ms <= 100; ms++) window.count(result(ms > 98 ? 'error' : 'pass', ms), nowMs);
    const figures = window.figures('dock', nowMs + 10_000);
    expect(figures).toMatchObject({ results: 100, pass: 98, error: 2, errorRate: 0.02 });
    expect(Math.abs(figures.p50Ms! / 50 - 1)).toBeLessThan(0.03);
    expect(Math.abs(figures.p95Ms! / 95 - 1)).toBeLessThan(0.03);
    expect(figures.framesPerSecond).toBeGreaterThan(9);
  });

  test('forget what is older than their window, and know nothing of other cameras', () => {
    const window = new FiguresWindow();
    const nowMs = performance.now();
    window.count(result('fail', 10), nowMs);
    window.count(result('review', 20), nowMs + 200_000);
    expect(window.figures('dock', nowMs + 250_000)).toMatchObject({ fail: 1, review: 1 });
    expect(window.figures('dock', nowMs + 310_000)).toMatchObject({ fail: 0, review: 1 });
    const none = window.figures('other', nowMs);
    expect(none).toMatchObject({ results: 0, errorRate: 0 });
    expect('p50Ms' in none).toBe(false);
  });
});
