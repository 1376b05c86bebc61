import type { OutcomeTally, RollbackCause } from '../../contract/model-lifecycle.ts';
import type { RolloutConfig } from '../../contract/rollout-config.ts';
import { newcombe, wilson, Z_999 } from './rate-interval.ts';
import type { Count } from './rate-interval.ts';

/** What a canary gave on one camera. */
export interface CanaryTally extends OutcomeTally {
  /** Answers, and those of them above the limit of latency. */
  readonly answers: number;
  readonly slow: number;
}

/** What the version before gave on the same camera. */
export interface Baseline extends OutcomeTally {
  readonly medianMs?: number;
}

export interface RollbackReason {
  readonly cause: RollbackCause;
  readonly text: string;
}

/** One error, or two in a row, may be the machine's. */
const MIN_RESULTS_FOR_ERRORS = 3;

/**
 * Errors are looked at with every result: the part of results that are errors is above
 * `maxErrorRate`, and above what the version before had, when the lower end of Wilson's interval
 * (99.9 %) is. Three errors out of three are enough.
 */
export function errorsOf(
  tally: CanaryTally,
  baseline: Baseline,
  { maxErrorRate }: RolloutConfig,
): RollbackReason | undefined {
  if (tally.results < MIN_RESULTS_FOR_ERRORS) return undefined;
  const before = wilson({ part: baseline.errors, of: baseline.results }, Z_999);
  const limit = Math.max(maxErrorRate, baseline.results === 0 ? 0 : before.high);
  const { low } = wilson({ part: tally.errors, of: tally.results }, Z_999);
  if (low <= limit) return undefined;
  return {
    cause: 'errors',
    text: `${tally.errors} of ${tally.results} results are errors: at least ${percent(low)}, at most ${percent(limit)} are allowed`,
  };
}

/**
 * Latency and verdicts are looked at after `minimumResults`, and again at each doubling: with so few
 * looks at 99.9 % each, a good version is sent back by chance in less than one of a hundred canaries
 * (Bonferroni).
 *
 * Latency: the median is above `latencyFactor` times that before, when the part of answers above it
 * is more than a half with confidence (the sign test, by Wilson's interval). Verdicts: the part of
 * fails or reviews differs from that before by more than `rateTolerance` when Newcombe's interval of
 * the difference says so, or lies outside of the configured band when Wilson's does.
 */
export function latencyOrVerdictsOf(
  tally: CanaryTally,
  baseline: Baseline,
  config: RolloutConfig,
): RollbackReason | undefined {
  const slow = wilson({ part: tally.slow, of: tally.answers }, Z_999);
  if (baseline.medianMs !== undefined && slow.low > 0.5) {
    const limit = baseline.medianMs * config.latencyFactor;
    return {
      cause: 'latency',
      text: `${tally.slow} of ${tally.answers} answers took longer than ${limit.toFixed(1)} ms, ${config.latencyFactor} times the median before`,
    };
  }
  return (
    ratesOf('fail', tally.fails, baseline.fails, tally, baseline, config) ??
    ratesOf('review', tally.reviews, baseline.reviews, tally, baseline, config)
  );
}

function ratesOf(
  outcome: 'fail' | 'review',
  part: number,
  partBefore: number,
  tally: CanaryTally,
  baseline: Baseline,
  { failRate, reviewRate, rateTolerance, minimumResults }: RolloutConfig,
): RollbackReason | undefined {
  const now: Count = { part, of: tally.answers };
  const before: Count = { part: partBefore, of: baseline.results - baseline.errors };
  const band = outcome === 'fail' ? failRate : reviewRate;
  const said = `${part} of ${now.of} results are '${outcome}'`;
  if (band) {
    const { low, high } = wilson(now, Z_999);
    if (low <= band.to && high >= band.from) return undefined;
    return {
      cause: 'verdicts',
      text: `${said}: outside of ${percent(band.from)} to ${percent(band.to)}`,
    };
  }
  if (before.of < minimumResults) return undefined;
  const { low, high } = newcombe(now, before, Z_999);
  if (low <= rateTolerance && high >= -rateTolerance) return undefined;
  return {
    cause: 'verdicts',
    text: `${said}, and ${partBefore} of ${before.of} were before: they differ by more than ${percent(rateTolerance)}`,
  };
}

const percent = (rate: number): string => `${(rate * 100).toFixed(1)} %`;
