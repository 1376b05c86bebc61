import {
  areaUnderRoc,
  bestPoints,
  consequencesAt,
  operatingPoints,
} from '../../inference/evaluation/operating-points.ts';
import type { Consequences, OperatingPoint } from '../../inference/evaluation/operating-points.ts';
import { chooseThreshold } from '../../inference/evaluation/choose-threshold.ts';
import type { ThresholdWish } from '../../inference/evaluation/choose-threshold.ts';
import type { PictureScore } from '../../inference/evaluation/picture-score.ts';
import type { SerializedError } from '../../contract/errors.ts';
import type { ModelIdentity } from '../../contract/result.ts';
import type { LabelledPicture } from './labelled-pictures.ts';

export interface EvaluatedPicture {
  readonly picture: LabelledPicture;
  readonly score: number;
  /** First class of a classifier. */
  readonly top?: string;
}

/** A classifier's first class against the label that the picture's folder is called by. */
export interface ClassAgreement {
  readonly right: number;
  readonly pictures: number;
  /** The most frequent first. */
  readonly confusions: readonly {
    readonly label: string;
    readonly top: string;
    readonly count: number;
  }[];
}

export interface ThresholdEffect extends Consequences {
  readonly threshold: number;
}

export interface CategoryEffect {
  readonly category: string;
  readonly isBad: boolean;
  readonly pictures: number;
  /** Judged wrong at the current, and at the suggested threshold. */
  readonly wrongNow: number;
  readonly wrongSuggested: number;
}

/** What a model's scores say of its thresholds, on pictures whose truth is known. */
export interface Evaluation {
  readonly model: ModelIdentity;
  readonly labels: readonly string[];
  readonly score: Omit<PictureScore, 'of' | 'thresholds'>;
  readonly good: number;
  readonly bad: number;
  readonly evaluated: readonly EvaluatedPicture[];
  readonly failures: readonly { readonly name: string; readonly error: SerializedError }[];
  readonly repeated: readonly string[];
  readonly areaUnderRoc: number;
  readonly current: ThresholdEffect;
  readonly suggested: ThresholdEffect & { readonly isBeyondWish: boolean };
  readonly wish: ThresholdWish;
  /** All that thresholds can do, and those of them that no other one beats. */
  readonly points: readonly OperatingPoint[];
  readonly best: readonly OperatingPoint[];
  readonly categories: readonly CategoryEffect[];
  /** Of classifiers, when folders are called by labels. */
  readonly classes?: ClassAgreement;
}

export type EvaluationFacts = Pick<
  Evaluation,
  'model' | 'labels' | 'score' | 'evaluated' | 'failures' | 'repeated' | 'wish'
>;

/** @param facts with at least one good and one bad picture */
export function evaluate(facts: EvaluationFacts): Evaluation {
  const { evaluated, score, wish } = facts;
  const scored = evaluated.map(({ picture: { isBad }, score: value }) => ({ isBad, score: value }));
  const bad = scored.filter(({ isBad }) => isBad).length;
  const good = scored.length - bad;
  const points = operatingPoints(scored);
  const { threshold, isBeyondWish } = chooseThreshold(points, { good, bad }, wish);
  const effect = (at: number): ThresholdEffect => ({
    threshold: at,
    ...consequencesAt(scored, at),
  });
  return {
    ...facts,
    good,
    bad,
    areaUnderRoc: areaUnderRoc(scored)!,
    current: effect(score.currentThreshold),
    suggested: { ...effect(threshold), isBeyondWish },
    points,
    best: bestPoints(points),
    categories: categories(evaluated, score.currentThreshold, threshold),
    ...classAgreement(facts),
  };
}

export const isMisjudged = ({ picture, score }: EvaluatedPicture, threshold: number): boolean =>
  picture.isBad !== score >= threshold;

/** The worst first: furthest on the wrong side. */
export const misjudged = (
  { evaluated }: Pick<Evaluation, 'evaluated'>,
  threshold: number,
): EvaluatedPicture[] =>
  evaluated
    .filter((one) => isMisjudged(one, threshold))
    .sort((a, b) => Math.abs(b.score - threshold) - Math.abs(a.score - threshold));

/** Judged right, nearest to the threshold first. */
export const closeCalls = (
  { evaluated }: Pick<Evaluation, 'evaluated'>,
  threshold: number,
): EvaluatedPicture[] =>
  evaluated
    .filter((one) => !isMisjudged(one, threshold))
    .sort((a, b) => Math.abs(a.score - threshold) - Math.abs(b.score - threshold));

function categories(
  evaluated: readonly EvaluatedPicture[],
  now: number,
  suggested: number,
): CategoryEffect[] {
  const groups = new Map<string, EvaluatedPicture[]>();
  for (const one of evaluated) {
    const key = `${one.picture.isBad ? 'bad' : 'good'}/${one.picture.category}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => ({
    category: group[0]!.picture.category,
    isBad: group[0]!.picture.isBad,
    pictures: group.length,
    wrongNow: group.filter((one) => isMisjudged(one, now)).length,
    wrongSuggested: group.filter((one) => isMisjudged(one, suggested)).length,
  }));
}

function classAgreement({
  evaluated,
  labels,
}: Pick<EvaluationFacts, 'evaluated' | 'labels'>): Pick<Evaluation, 'classes'> {
  const known = evaluated.filter(
    ({ picture, top }) => top !== undefined && labels.includes(picture.category),
  );
  if (known.length === 0) return {};
  const counts = new Map<string, { label: string; top: string; count: number }>();
  for (const { picture, top } of known) {
    if (top === picture.category) continue;
    const key = JSON.stringify([picture.category, top]);
    const before = counts.get(key) ?? { label: picture.category, top: top!, count: 0 };
    counts.set(key, { ...before, count: before.count + 1 });
  }
  const confusions = [...counts.values()].sort((a, b) => b.count - a.count);
  const wrong = confusions.reduce((sum, { count }) => sum + count, 0);
  return { classes: { right: known.length - wrong, pictures: known.length, confusions } };
}
