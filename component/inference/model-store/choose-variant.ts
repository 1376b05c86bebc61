import type { VariantMeasurement } from './installed-model.ts';

/** So much faster another variant must be than the one that the author put first. */
const WORTH = 0.9;

/**
 * Which variant runs on this machine: the author's first, unless another one ran in less than nine
 * tenths of its time.
 * @param measurements in the order of the package; one at least ran
 */
export function chooseVariant(measurements: readonly VariantMeasurement[]): {
  readonly variant: string;
  readonly reason: string;
} {
  const ran = measurements.filter(hasRun);
  const [first, ...others] = ran;
  if (!first) throw new RangeError('no variant ran');
  if (others.length === 0) {
    const reason =
      measurements.length === 1
        ? 'the only one of the package'
        : `the only one that runs here (${milliseconds(first)})`;
    return { variant: first.variant, reason };
  }
  const fastest = ran.reduce((best, one) => (one.medianRunMs < best.medianRunMs ? one : best));
  const isWorth = fastest.medianRunMs < WORTH * first.medianRunMs;
  const chosen = isWorth ? fastest : first;
  const rest = ran.filter((one) => one !== chosen).map(milliseconds);
  const why = isWorth ? 'the fastest here' : 'the first, and no other is 10 % faster here';
  return {
    variant: chosen.variant,
    reason: `${why}: ${[milliseconds(chosen), ...rest].join(', ')}`,
  };
}

type Run = VariantMeasurement & { readonly medianRunMs: number };

const hasRun = (one: VariantMeasurement): one is Run => one.medianRunMs !== undefined;

const milliseconds = ({ variant, medianRunMs }: Run): string =>
  `${variant} ${medianRunMs.toPrecision(3)} ms`;
