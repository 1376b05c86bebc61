import { describe, expect, it } from 'vitest';
import {
  benchAdvice,
  benchFigures,
  quantile,
} from '../../../component/commands/benchmark/bench-figures.ts';
import type { BenchFigures } from '../../../component/commands/benchmark/bench-figures.ts';
import { renderBench } from '../../../component/commands/benchmark/render-bench.ts';
import { modelManifestSchema } from '../../../component/contract/model-manifest.ts';
import { layoutsFor } from '../../../component/commands/benchmark/layouts.ts';

const figure = (
  variant: string,
  layout: readonly [workers: number, threads: number],
  rates: readonly number[],
  totalMs = 10,
): BenchFigures =>
  benchFigures(
    { variant, layout: { workers: layout[0], threads: layout[1] } },
    rates.map((picturesPerSecond) => ({
      picturesPerSecond,
      times: [{ totalMs, prepareMs: 1, runMs: 8, decodeMs: 1 }],
    })),
  );

describe('layoutsFor', () => {
  it('spreads a model over the cores in the ways that make a difference', () => {
    const text = (cores: number) => layoutsFor(cores).map((one) => `${one.workers}×${one.threads}`);
    expect(text(1)).toEqual(['1×1']);
    expect(text(2)).toEqual(['1×1', '2×1', '1×2']);
    expect(text(8)).toEqual(['1×1', '8×1', '4×2', '1×8']);
    expect(Math.max(...layoutsFor(128).map(({ workers }) => workers))).toBe(16);
  });
});

describe('quantile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0.5, 0.95, 0.99, 1].map((share) => quantile(values, share))).toEqual([50, 95, 99, 100]);
    expect(quantile([7], 0.99)).toBe(7);
  });
});

describe('benchFigures', () => {
  it('are the median of the rounds, with the slowest and the fastest', () => {
    expect(figure('fp32', [1, 1], [12, 30, 10])).toMatchObject({
      picturesPerSecond: 12,
      slowestRound: 10,
      fastestRound: 30,
      pictures: 3,
    });
  });
});

describe('benchAdvice', () => {
  it('takes the most pictures a second where that is clear', () => {
    const figures = [figure('fp32', [1, 1], [10, 11]), figure('fp32', [2, 1], [19, 20])];
    const { best, reason } = benchAdvice(figures);
    expect(best.layout).toEqual({ workers: 2, threads: 1 });
    expect(reason).toMatch(/most pictures a second; next is fp32 with 1 worker of 1 thread/);
  });

  it('takes the first variant and the fewest threads where the rest is within the spread', () => {
    const figures = [
      figure('fp32', [1, 1], [18, 20]),
      figure('fp32', [2, 1], [19, 22]),
      figure('int8', [1, 1], [19, 21]),
    ];
    const { best, reason } = benchAdvice(figures);
    expect({ variant: best.variant, layout: best.layout }).toEqual({
      variant: 'fp32',
      layout: { workers: 1, threads: 1 },
    });
    expect(reason).toMatch(/^as fast as fp32 with 2 workers .* within the spread/);
  });

  it('names the layout that answers a single picture soonest, when another one gives the most', () => {
    const figures = [figure('fp32', [2, 1], [20, 21], 100), figure('fp32', [1, 2], [15, 16], 60)];
    expect(benchAdvice(figures).quickest?.layout).toEqual({ workers: 1, threads: 2 });
    expect(benchAdvice(figures.slice(0, 1)).quickest).toBeUndefined();
  });
});

describe('renderBench', () => {
  const manifest = modelManifestSchema.parse({
    name: 'parts',
    version: '1.0.0',
    task: 'anomaly-detection',
    variants: [{ name: 'fp32', file: 'model.onnx' }],
    output: { decoder: 'anomaly' },
  });
  const render = (rates: readonly number[]) => {
    const figures = [figure('fp32', [1, 1], rates), figure('fp32', [2, 1], [40, 41, 42])];
    return renderBench({
      ...{ model: { manifest }, named: 'models/parts', cores: 2, processor: 'a processor' },
      ...{ origin: 'two pictures', rounds: 3, secondsPerRound: 2, figures },
      memory: [{ variant: 'fp32', megabytes: 90 }],
      refused: [{ variant: 'int8', reason: 'it is for linux-arm64, this machine is linux-x64' }],
      advice: benchAdvice(figures),
    });
  };

  it('prints a table, what was left out, and lines to paste', () => {
    const text = render([20, 21, 20]);
    expect(text).toMatch(/^parts 1\.0\.0 on 2 × a processor$/m);
    expect(text).toMatch(
      /^variant +workers × threads +pictures a second +p50 +p95 +p99 +prepare +run +decode +pictures$/m,
    );
    expect(text).toMatch(
      /^fp32 +2 × 1 +41\.0 \(40\.0–42\.0\) +10\.0 +10\.0 +10\.0 +1\.0 +8\.0 +1\.0 +3$/m,
    );
    expect(text).toMatch(/^int8 was not measured: it is for linux-arm64/m);
    expect(text).toContain(
      '      package: models/parts\n      variant: fp32\n      workers: 2\n      threadsPerWorker: 1\n',
    );
    expect(text).not.toMatch(/rounds lie up to/);
  });

  it('says when the rounds lie so far apart that small differences mean nothing', () => {
    expect(render([10, 20, 30])).toMatch(/The rounds lie up to 100 % apart \(fp32, 1 × 1\)/);
  });
});
