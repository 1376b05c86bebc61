import { describe, expect, it } from 'vitest';
import { runVedette, samples } from '../../support/runtime-process.ts';

interface Answer {
  readonly cores: number;
  readonly origin: string;
  readonly figures: {
    readonly variant: string;
    readonly layout: { readonly workers: number; readonly threads: number };
    readonly pictures: number;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly p99Ms: number;
    readonly prepareMs: number;
    readonly runMs: number;
    readonly decodeMs: number;
    readonly slowestRound: number;
    readonly picturesPerSecond: number;
    readonly fastestRound: number;
  }[];
  readonly memory: { readonly variant: string; readonly megabytes: number }[];
  readonly advice: { readonly best: { readonly variant: string } };
}

describe('vedette model bench', () => {
  it('measures a variant in each layout, end to end, and recommends one', async () => {
    const { code, stdout, stderr } = await runVedette({
      arguments: [
        'model',
        'bench',
        samples('models', 'brick-anomaly'),
        '--seconds',
        '0.3',
        '--json',
      ],
      timeoutMs: 60_000,
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^round 3 of 3: fp32, 1 × 1$/m);
    const { cores, origin, figures, memory, advice } = JSON.parse(stdout) as Answer;
    expect(origin).toMatch(/^a made-up JPEG of 1280×720; name pictures/);
    const layouts = figures.map(({ layout }) => `${layout.workers}×${layout.threads}`);
    expect(layouts).toEqual(expect.arrayContaining(cores > 1 ? ['1×1', `1×${cores}`] : ['1×1']));
    expect(new Set(layouts).size).toBe(layouts.length);
    for (const one of figures) {
      expect(one.variant).toBe('fp32');
      expect(one.pictures).toBeGreaterThanOrEqual(3 * one.layout.workers);
      expect(one.p50Ms).toBeLessThanOrEqual(one.p95Ms);
      expect(one.p95Ms).toBeLessThanOrEqual(one.p99Ms);
      expect(one.slowestRound).toBeLessThanOrEqual(one.picturesPerSecond);
      expect(one.picturesPerSecond).toBeLessThanOrEqual(one.fastestRound);
      for (const part of [one.prepareMs, one.runMs, one.decodeMs]) {
        expect(part).toBeGreaterThan(0);
        expect(part).toBeLessThan(one.p99Ms);
      }
    }
    expect(memory).toEqual([{ variant: 'fp32', megabytes: expect.any(Number) as number }]);
    expect(memory[0]!.megabytes).toBeGreaterThan(30);
    expect(advice.best.variant).toBe('fp32');
  }, 70_000);

  it('refuses a variant that the package does not have', async () => {
    const { code, stdout, stderr } = await runVedette({
      arguments: ['model', 'bench', samples('models', 'brick-anomaly'), '--variant', 'int8'],
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/int8.*fp32/);
  });
});
