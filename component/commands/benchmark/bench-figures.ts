import type { ThreadLayout } from './layouts.ts';

/** One picture, from its bytes to its findings, in milliseconds. */
export interface PictureTimes {
  readonly totalMs: number;
  readonly prepareMs: number;
  readonly runMs: number;
  readonly decodeMs: number;
}

export interface RoundResult {
  readonly picturesPerSecond: number;
  readonly times: readonly PictureTimes[];
}

/** What is measured: a variant in a layout. */
export interface Contender {
  readonly variant: string;
  readonly layout: ThreadLayout;
}

export interface BenchFigures extends Contender {
  readonly pictures: number;
  /** Median of the rounds, and the slowest and fastest of them. */
  readonly picturesPerSecond: number;
  readonly slowestRound: number;
  readonly fastestRound: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Medians. */
  readonly prepareMs: number;
  readonly runMs: number;
  readonly decodeMs: number;
}

export function benchFigures(contender: Contender, rounds: readonly RoundResult[]): BenchFigures {
  const rates = rounds.map((round) => round.picturesPerSecond);
  const times = rounds.flatMap((round) => round.times);
  const of = (part: keyof PictureTimes, share: number) =>
    quantile(
      times.map((one) => one[part]),
      share,
    );
  return {
    ...contender,
    pictures: times.length,
    picturesPerSecond: quantile(rates, 0.5),
    slowestRound: Math.min(...rates),
    fastestRound: Math.max(...rates),
    p50Ms: of('totalMs', 0.5),
    p95Ms: of('totalMs', 0.95),
    p99Ms: of('totalMs', 0.99),
    prepareMs: of('prepareMs', 0.5),
    runMs: of('runMs', 0.5),
    decodeMs: of('decodeMs', 0.5),
  };
}

/** Nearest rank: the smallest value that at least so large a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * values.length));
  return values.toSorted((a, b) => a - b)[rank - 1] ?? NaN;
}

/** So much of the best throughput is as good as it. */
const AS_GOOD = 0.95;

export interface BenchAdvice {
  readonly best: BenchFigures;
  readonly reason: string;
  /** Where a single picture takes less time than in `best`, beyond the spread. */
  readonly quickest?: BenchFigures;
}

/**
 * The contender to run: of those that reach 95 % of the highest throughput, or whose rounds overlap
 * with those of the fastest, the first variant of the package with the fewest threads in all.
 * @param figures in the order of the package's variants; not empty
 */
export function benchAdvice(figures: readonly BenchFigures[]): BenchAdvice {
  const fastest = figures.reduce((most, one) =>
    one.picturesPerSecond > most.picturesPerSecond ? one : most,
  );
  const isAsGood = (one: BenchFigures) =>
    one.picturesPerSecond >= AS_GOOD * fastest.picturesPerSecond ||
    one.fastestRound >= fastest.slowestRound;
  const variants = [...new Set(figures.map(({ variant }) => variant))];
  const cost = ({ variant, layout }: BenchFigures) =>
    variants.indexOf(variant) * 1e6 + layout.workers * layout.threads * 1e3 + layout.workers;
  const [best] = figures.filter(isAsGood).toSorted((a, b) => cost(a) - cost(b));
  const quickest = figures.reduce((least, one) => (one.p50Ms < least.p50Ms ? one : least));
  const isQuicker = quickest !== best && quickest.p95Ms < best!.p50Ms;
  return {
    best: best!,
    reason: reasonFor(best!, fastest, figures),
    ...(isQuicker ? { quickest } : {}),
  };
}

const nameOf = ({ variant, layout: { workers, threads } }: Contender): string =>
  `${variant} with ${workers} ${workers === 1 ? 'worker' : 'workers'} of ${threads} ${threads === 1 ? 'thread' : 'threads'}`;

function reasonFor(
  best: BenchFigures,
  fastest: BenchFigures,
  figures: readonly BenchFigures[],
): string {
  if (figures.length === 1) return 'the only one measured';
  if (best !== fastest) {
    return `as fast as ${nameOf(fastest)} (${rate(fastest)}) within the spread of the rounds, and simpler`;
  }
  const [second] = figures
    .filter((one) => one !== best)
    .toSorted((a, b) => b.picturesPerSecond - a.picturesPerSecond);
  return `the most pictures a second; next is ${nameOf(second!)} (${rate(second!)})`;
}

const rate = ({ picturesPerSecond }: BenchFigures): string =>
  `${picturesPerSecond.toPrecision(3)} a second`;

/** How far apart the rounds of one contender lie, as a part of their median: noise of the machine. */
export const spreadOf = ({ slowestRound, fastestRound, picturesPerSecond }: BenchFigures): number =>
  (fastestRound - slowestRound) / picturesPerSecond;
