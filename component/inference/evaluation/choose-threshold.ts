import type { Consequences, OperatingPoint } from './operating-points.ts';

/** What an inspection engineer asks of a threshold. */
export interface ThresholdWish {
  /** At most so many of the bad pictures may pass; without it the costs alone decide. */
  readonly maxEscapes?: number | undefined;
  /** What one costs. Without both, the shares of escapes and of false rejects weigh the same. */
  readonly costEscape?: number | undefined;
  readonly costFalseReject?: number | undefined;
}

export interface ChosenThreshold extends OperatingPoint {
  readonly threshold: number;
  /** What `maxEscapes` asks for cannot be reached by any threshold. */
  readonly isBeyondWish: boolean;
}

/**
 * The threshold of the least cost among those with at most `maxEscapes`: of two of the same cost the
 * one with fewer escapes, then the one furthest from any score. Without costs it is the one with the
 * highest Youden index, which gives both kinds of picture the same weight however many there are.
 * @param points not empty
 */
export function chooseThreshold(
  points: readonly OperatingPoint[],
  totals: { readonly good: number; readonly bad: number },
  { maxEscapes = Infinity, costEscape, costFalseReject }: ThresholdWish = {},
): ChosenThreshold {
  const hasCosts = costEscape !== undefined || costFalseReject !== undefined;
  const ofEscape = hasCosts ? (costEscape ?? 1) : 1 / Math.max(1, totals.bad);
  const ofFalseReject = hasCosts ? (costFalseReject ?? 1) : 1 / Math.max(1, totals.good);
  const cost = ({ escapes, falseRejects }: Consequences) =>
    escapes * ofEscape + falseRejects * ofFalseReject;
  const allowed = points.filter(({ escapes }) => escapes <= maxEscapes);
  const fewest = Math.min(...points.map(({ escapes }) => escapes));
  const candidates =
    allowed.length > 0 ? allowed : points.filter(({ escapes }) => escapes === fewest);
  const [best] = candidates.toSorted(
    (a, b) => round(cost(a) - cost(b)) || a.escapes - b.escapes || b.to - b.from - (a.to - a.from),
  );
  return { ...best!, threshold: roundThreshold(best!), isBeyondWish: allowed.length === 0 };
}

/** Sums of the same terms in another order are the same cost. */
const round = (difference: number): number => (Math.abs(difference) < 1e-9 ? 0 : difference);

/** The roundest number in the middle half of a range of thresholds. */
export function roundThreshold({ from, to }: Pick<OperatingPoint, 'from' | 'to'>): number {
  const middle = (from + to) / 2;
  const quarter = (to - from) / 4;
  for (let digits = 1; digits <= 9; digits += 1) {
    const rounded = Number(middle.toFixed(digits));
    if (Math.abs(rounded - middle) <= quarter) return rounded;
  }
  return middle;
}
