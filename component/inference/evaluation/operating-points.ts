/** A picture whose truth is known, and how bad the model finds it, 0–1. */
export interface ScoredPicture {
  readonly isBad: boolean;
  readonly score: number;
}

/** What a threshold does: pictures of a score at or above it are rejected. */
export interface Consequences {
  /** Bad pictures that pass. */
  readonly escapes: number;
  /** Good pictures that are rejected. */
  readonly falseRejects: number;
}

/** Every threshold above `from`, up to and including `to`, has these consequences. */
export interface OperatingPoint extends Consequences {
  readonly from: number;
  readonly to: number;
}

export function consequencesAt(
  pictures: readonly ScoredPicture[],
  threshold: number,
): Consequences {
  let escapes = 0;
  let falseRejects = 0;
  for (const { isBad, score } of pictures) {
    if (isBad && score < threshold) escapes += 1;
    if (!isBad && score >= threshold) falseRejects += 1;
  }
  return { escapes, falseRejects };
}

/**
 * All that thresholds above 0, up to 1, can do, from the lowest to the highest: they change their
 * consequences only at scores. A score of 0 is never rejected: it stands for nothing found.
 */
export function operatingPoints(pictures: readonly ScoredPicture[]): OperatingPoint[] {
  const sorted = pictures.toSorted((a, b) => a.score - b.score);
  let escapes = 0;
  let falseRejects = sorted.filter(({ isBad }) => !isBad).length;
  const points: OperatingPoint[] = [];
  let from = 0;
  for (let at = 0; at < sorted.length;) {
    const to = sorted[at]!.score;
    if (to > from) points.push({ from, to, escapes, falseRejects });
    for (; at < sorted.length && sorted[at]!.score === to; at += 1) {
      if (sorted[at]!.isBad) escapes += 1;
      else falseRejects -= 1;
    }
    from = to;
  }
  if (from < 1) points.push({ from, to: 1, escapes, falseRejects });
  return points;
}

/** Those that no other one beats in both respects, by rising threshold. */
export function bestPoints(points: readonly OperatingPoint[]): OperatingPoint[] {
  return points.filter(
    (one) =>
      !points.some(
        (other) =>
          other.escapes <= one.escapes &&
          other.falseRejects <= one.falseRejects &&
          (other.escapes < one.escapes || other.falseRejects < one.falseRejects),
      ),
  );
}

/**
 * Area under the ROC curve: how often a bad picture has a higher score than a good one, ties counting
 * half (Mann and Whitney's U). 1 tells all apart, 0.5 is chance. `undefined` without both kinds.
 */
export function areaUnderRoc(pictures: readonly ScoredPicture[]): number | undefined {
  const sorted = pictures.toSorted((a, b) => a.score - b.score);
  const bad = sorted.filter(({ isBad }) => isBad).length;
  const good = sorted.length - bad;
  if (bad === 0 || good === 0) return undefined;
  let goodBelow = 0;
  let wins = 0;
  for (let at = 0; at < sorted.length;) {
    const { score } = sorted[at]!;
    let [goodHere, badHere] = [0, 0];
    for (; at < sorted.length && sorted[at]!.score === score; at += 1) {
      if (sorted[at]!.isBad) badHere += 1;
      else goodHere += 1;
    }
    wins += badHere * (goodBelow + goodHere / 2);
    goodBelow += goodHere;
  }
  return wins / (bad * good);
}
