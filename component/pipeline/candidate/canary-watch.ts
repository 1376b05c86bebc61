import { VedetteError } from '../../contract/errors.ts';
import type { CanaryFigures, RollbackCause } from '../../contract/model-lifecycle.ts';
import type { NewResult } from '../../contract/ports.ts';
import type { RolloutConfig } from '../../contract/rollout-config.ts';
import type { RecentOutcome } from '../../contract/verdict-comparison.ts';
import type { Candidate } from '../../inference/versions/version-set.ts';
import { errorsOf, latencyOrVerdictsOf } from './canary-rule.ts';
import type { Baseline, RollbackReason } from './canary-rule.ts';
import { median } from './rate-interval.ts';

export interface CanaryWatchOptions {
  readonly candidate: Candidate;
  readonly rollout: RolloutConfig;
  /** Newest results of the version before on a camera. */
  readonly recent: (camera: string) => Promise<readonly RecentOutcome[]>;
  /** @returns whether it is taken back: not while it is being promoted */
  readonly rollBack: (cause: RollbackCause, reason: VedetteError) => boolean;
  readonly onFault: (fault: VedetteError) => void;
}

interface CameraTally {
  results: number;
  errors: number;
  fails: number;
  reviews: number;
  answers: number;
  slow: number;
  readonly times: number[];
  nextLookAt: number;
  baseline: Baseline;
}

const NO_BASELINE: Baseline = { results: 0, errors: 0, fails: 0, reviews: 0 };
const MAX_TIMES = 500;

/** Follows what a canary gives on its cameras, and sends it back by the rules of `canary-rule.ts`. */
export class CanaryWatch {
  readonly #options: CanaryWatchOptions;
  #rollout: RolloutConfig;
  readonly #cameras = new Map<string, CameraTally>();
  #isOver = false;

  constructor(options: CanaryWatchOptions) {
    this.#options = options;
    this.#rollout = options.rollout;
  }

  configure(rollout: RolloutConfig): void {
    this.#rollout = rollout;
  }

  /** Reads what the canary is compared with. Until then, and without it, errors alone are judged. */
  async begin(): Promise<void> {
    await Promise.all(
      this.#options.candidate.cameras.map(async (camera) => {
        try {
          this.#tally(camera).baseline = baselineOf(await this.#options.recent(camera));
        } catch (thrown) {
          this.#options.onFault(VedetteError.from(thrown));
        }
      }),
    );
  }

  /** A result that the canary gave. */
  count(camera: string, result: NewResult): void {
    if (this.#isOver || isPictureFault(result.error?.code)) return;
    const tally = this.#tally(camera);
    const { outcome } = result.verdict;
    tally.results += 1;
    if (outcome === 'error') tally.errors += 1;
    else this.#countAnswer(tally, result);
    const rollout = this.#rollout;
    let reason = errorsOf(tally, tally.baseline, rollout);
    if (!reason && tally.results >= tally.nextLookAt) {
      tally.nextLookAt *= 2;
      reason = latencyOrVerdictsOf(tally, tally.baseline, rollout);
    }
    if (reason) this.#rollBack(camera, reason);
  }

  figures(): Readonly<Record<string, CanaryFigures>> {
    return Object.fromEntries(
      [...this.#cameras].map(([camera, { times, answers: _a, slow: _s, ...tally }]) => {
        const middle = median(times);
        return [camera, { ...tally, ...(middle === undefined ? {} : { medianMs: middle }) }];
      }),
    );
  }

  #countAnswer(tally: CameraTally, { verdict, timings }: NewResult): void {
    const answerMs = timings.queueMs + timings.preprocessMs + timings.runMs + timings.decodeMs;
    const limit = (tally.baseline.medianMs ?? Infinity) * this.#rollout.latencyFactor;
    tally.answers += 1;
    if (verdict.outcome === 'fail') tally.fails += 1;
    if (verdict.outcome === 'review') tally.reviews += 1;
    if (answerMs > limit) tally.slow += 1;
    tally.times.push(answerMs);
    if (tally.times.length > MAX_TIMES) tally.times.shift();
  }

  #rollBack(camera: string, { cause, text }: RollbackReason): void {
    const { generation } = this.#options.candidate;
    this.#isOver = this.#options.rollBack(
      cause,
      new VedetteError(
        'MODEL_CANARY_FAILED',
        `${generation.packageName} was rolled back for its ${cause} on camera ${camera}: ${text}`,
        { details: { camera, cause, package: generation.packageName } },
      ),
    );
  }

  #tally(camera: string): CameraTally {
    let tally = this.#cameras.get(camera);
    if (!tally) {
      tally = {
        results: 0,
        errors: 0,
        fails: 0,
        reviews: 0,
        answers: 0,
        slow: 0,
        times: [],
        nextLookAt: this.#rollout.minimumResults,
        baseline: NO_BASELINE,
      };
      this.#cameras.set(camera, tally);
    }
    return tally;
  }
}

/** A picture that no version could have read. */
const isPictureFault = (code: string | null | undefined): boolean =>
  code?.startsWith('IMAGE_') === true || code === 'FRAME_INVALID';

/** Counted as the canary's results are: without pictures that no version could have read. */
export function baselineOf(results: readonly RecentOutcome[]): Baseline {
  const recent = results.filter(({ errorCode }) => !isPictureFault(errorCode));
  const count = (wanted: RecentOutcome['outcome']) =>
    recent.filter(({ outcome }) => outcome === wanted).length;
  const middle = median(
    recent.filter(({ outcome }) => outcome !== 'error').map(({ answerMs }) => answerMs),
  );
  return {
    results: recent.length,
    errors: count('error'),
    fails: count('fail'),
    reviews: count('review'),
    ...(middle === undefined ? {} : { medianMs: middle }),
  };
}
