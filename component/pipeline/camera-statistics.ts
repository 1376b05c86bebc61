import type { Size } from '../contract/frame.ts';
import { STAGES, type CameraStatus, type NewResult, type Stage } from '../contract/ports.ts';
import { OUTCOMES, type Outcome } from '../contract/result.ts';

const WINDOW_MS = 5000;
const BUCKET_MS = 500;

interface Bucket {
  readonly startMs: number;
  frames: number;
  readonly sums: Record<Stage, number>;
}

const zeroStages = (): Record<Stage, number> =>
  Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;

/** What a camera did: totals since start, rates and stage means over the last five seconds. */
export class CameraStatistics {
  readonly #outcomes = Object.fromEntries(OUTCOMES.map((o) => [o, 0])) as Record<Outcome, number>;
  readonly #startedAtMs = performance.now();
  #framesJudged = 0;
  #lastFrame: CameraStatus['lastFrame'];
  #buckets: Bucket[] = [];

  /** `isJudged` is false for a frame that counts as dropped, or counted with another result. */
  countResult(result: NewResult, storeMs: number, capturedAtMs: number, isJudged: boolean): void {
    if (isJudged) this.#framesJudged += 1;
    this.#outcomes[result.verdict.outcome] += 1;
    const { width, height }: Size = result.frame;
    // The size of what was refused by its first bytes is not known.
    if (width > 0) this.#lastFrame = { width, height, capturedAtMs };
    const bucket = this.#bucketOfNow();
    bucket.frames += 1;
    const { queueMs, preprocessMs, runMs, decodeMs, totalMs } = result.timings;
    bucket.sums.queue += queueMs;
    bucket.sums.preprocess += preprocessMs;
    bucket.sums.run += runMs;
    bucket.sums.decode += decodeMs;
    bucket.sums.store += storeMs;
    bucket.sums.total += totalMs + storeMs;
  }

  snapshot(): Pick<
    CameraStatus,
    'framesJudged' | 'framesPerSecond' | 'stageMs' | 'outcomes' | 'lastFrame'
  > {
    this.#forgetOld();
    const frames = this.#buckets.reduce((sum, bucket) => sum + bucket.frames, 0);
    const oldest = this.#buckets[0]?.startMs ?? performance.now();
    const spanMs = Math.min(performance.now() - this.#startedAtMs, performance.now() - oldest);
    const stageMs = zeroStages();
    if (frames > 0) {
      for (const stage of STAGES) {
        const sum = this.#buckets.reduce((total, bucket) => total + bucket.sums[stage], 0);
        stageMs[stage] = sum / frames;
      }
    }
    return {
      framesJudged: this.#framesJudged,
      framesPerSecond: spanMs < BUCKET_MS ? 0 : (frames * 1000) / spanMs,
      stageMs,
      outcomes: { ...this.#outcomes },
      ...(this.#lastFrame ? { lastFrame: this.#lastFrame } : {}),
    };
  }

  #bucketOfNow(): Bucket {
    this.#forgetOld();
    const now = performance.now();
    const newest = this.#buckets.at(-1);
    if (newest && now - newest.startMs < BUCKET_MS) return newest;
    const bucket = { startMs: now, frames: 0, sums: zeroStages() };
    this.#buckets.push(bucket);
    return bucket;
  }

  #forgetOld(): void {
    const limit = performance.now() - WINDOW_MS;
    this.#buckets = this.#buckets.filter((bucket) => bucket.startMs >= limit);
  }
}
