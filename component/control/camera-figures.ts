import type { CameraFigures } from '../contract/device-health.ts';
import type { InferenceResult, Outcome } from '../contract/result.ts';

/** Figures are of the last so many seconds, in steps of a twentieth. */
export const FIGURES_SECONDS = 300;
const BUCKET_SECONDS = 15;
/** Neighbouring classes of latency differ by a twentieth: so exact are percentiles. */
const LATENCY_STEP = Math.log(1.05);

interface Bucket {
  readonly startMs: number;
  readonly outcomes: Record<Outcome, number>;
  /** Results by class of latency. */
  readonly latencies: Map<number, number>;
}

/** What the cameras did in the last minutes, in little memory whatever their rate. */
export class FiguresWindow {
  readonly #cameras = new Map<string, Bucket[]>();
  readonly #startedMs = performance.now();

  /** `nowMs` of a clock that never goes back. */
  count({ camera, verdict, timings }: InferenceResult, nowMs = performance.now()): void {
    if (camera === undefined) return;
    const bucket = this.#bucket(camera, nowMs);
    bucket.outcomes[verdict.outcome] += 1;
    const latency = latencyClass(timings.totalMs);
    bucket.latencies.set(latency, (bucket.latencies.get(latency) ?? 0) + 1);
  }

  figures(camera: string, nowMs = performance.now()): CameraFigures {
    const buckets = this.#recent(camera, nowMs);
    const sum = (outcome: Outcome) =>
      buckets.reduce((total, { outcomes }) => total + outcomes[outcome], 0);
    const [pass, fail, review, error] = [sum('pass'), sum('fail'), sum('review'), sum('error')];
    const results = pass + fail + review + error;
    const spanSeconds = Math.min(FIGURES_SECONDS, (nowMs - this.#startedMs) / 1000);
    const percentile = percentileOf(buckets, results);
    return {
      results,
      pass,
      fail,
      review,
      error,
      errorRate: results === 0 ? 0 : rounded(error / results, 10_000),
      framesPerSecond: spanSeconds <= 0 ? 0 : rounded(results / spanSeconds, 100),
      ...(results === 0 ? {} : { p50Ms: percentile(0.5), p95Ms: percentile(0.95) }),
    };
  }

  #recent(camera: string, nowMs: number): Bucket[] {
    const oldest = nowMs - FIGURES_SECONDS * 1000;
    const recent = (this.#cameras.get(camera) ?? []).filter(({ startMs }) => startMs >= oldest);
    this.#cameras.set(camera, recent);
    return recent;
  }

  #bucket(camera: string, nowMs: number): Bucket {
    const buckets = this.#recent(camera, nowMs);
    const newest = buckets.at(-1);
    if (newest && nowMs - newest.startMs < BUCKET_SECONDS * 1000) return newest;
    const outcomes = { pass: 0, fail: 0, review: 0, error: 0 };
    const bucket = { startMs: nowMs, outcomes, latencies: new Map<number, number>() };
    buckets.push(bucket);
    return bucket;
  }
}

const latencyClass = (ms: number): number =>
  Math.round(Math.log(Math.max(0.01, ms)) / LATENCY_STEP);

/** The nearest-rank percentile, as the middle of its class. */
function percentileOf(buckets: readonly Bucket[], results: number): (part: number) => number {
  const counts = new Map<number, number>();
  for (const { latencies } of buckets) {
    for (const [latency, count] of latencies) {
      counts.set(latency, (counts.get(latency) ?? 0) + count);
    }
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return (part) => {
    let seen = 0;
    const rank = Math.ceil(part * results);
    const found = sorted.find(([, count]) => (seen += count) >= rank);
    return found === undefined ? 0 : rounded(Math.exp(found[0] * LATENCY_STEP), 10);
  };
}

const rounded = (value: number, by: number): number => Math.round(value * by) / by;
