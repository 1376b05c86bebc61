import { median } from '../median.ts';
import type { SerializedError } from '../../contract/errors.ts';
import type { InferenceAnswer } from '../../contract/ports.ts';
import type { ModelIdentity } from '../../contract/result.ts';
import type { FindingsComparison, LabelSets } from '../../inference/evaluation/compare-findings.ts';
import type { NamedPicture } from '../picture-arguments.ts';

export type AnswerTimes = Pick<InferenceAnswer['timings'], 'preprocessMs' | 'runMs' | 'decodeMs'>;

/** What is kept of each picture; its answers are made again when it is drawn. */
export interface ComparedPicture {
  readonly name: string;
  /** Of those that may be drawn only: a frame of a clip holds its pixels. */
  readonly source?: NamedPicture;
  readonly comparison: FindingsComparison;
  readonly times: readonly [first: AnswerTimes, second: AnswerTimes];
}

/** Two models on the same pictures. */
export interface ModelComparison {
  readonly first: ModelIdentity;
  readonly second: ModelIdentity;
  readonly compared: readonly ComparedPicture[];
  readonly failures: readonly { readonly name: string; readonly error: SerializedError }[];
  readonly labels: LabelSets;
}

export interface ComparisonFigures {
  readonly pictures: number;
  readonly same: number;
  readonly matched: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Highest scores of detections that only one has, 0 without any. */
  readonly surest: readonly [first: number, second: number];
  readonly meanOverlap?: number;
  /** Second less first. */
  readonly meanScoreDifference?: number;
  readonly largestScoreDifference?: number;
  /** Medians, in milliseconds. */
  readonly times: readonly [first: AnswerTimes, second: AnswerTimes];
  /** Labels that only one model has. */
  readonly labelsOnlyFirst: readonly string[];
  readonly labelsOnlySecond: readonly string[];
}

export function comparisonFigures({ compared, labels }: ModelComparison): ComparisonFigures {
  const all = compared.map(({ comparison }) => comparison);
  const overlaps = all.flatMap((one) => one.overlaps);
  const scores = all.flatMap((one) => one.scoreDifferences);
  const times = (side: 0 | 1): AnswerTimes => {
    const of = (stage: keyof AnswerTimes) => median(compared.map((one) => one.times[side][stage]));
    return { preprocessMs: of('preprocessMs'), runMs: of('runMs'), decodeMs: of('decodeMs') };
  };
  const missing = (of: readonly string[], from: readonly string[]) =>
    of.length > 0 && from.length > 0 ? of.filter((label) => !from.includes(label)) : [];
  return {
    pictures: compared.length,
    same: all.filter(({ isSame }) => isSame).length,
    matched: overlaps.length,
    onlyFirst: all.reduce((sum, one) => sum + one.onlyFirst.length, 0),
    onlySecond: all.reduce((sum, one) => sum + one.onlySecond.length, 0),
    surest: [
      highest(all.map(({ surest }) => surest[0])),
      highest(all.map(({ surest }) => surest[1])),
    ],
    ...(overlaps.length > 0 ? { meanOverlap: mean(overlaps) } : {}),
    ...(scores.length > 0
      ? { meanScoreDifference: mean(scores), largestScoreDifference: furthestFromZero(scores) }
      : {}),
    times: [times(0), times(1)],
    labelsOnlyFirst: missing(labels.first, labels.second),
    labelsOnlySecond: missing(labels.second, labels.first),
  };
}

/** The most different first. */
export const differing = ({ compared }: Pick<ModelComparison, 'compared'>): ComparedPicture[] =>
  compared
    .filter(({ comparison }) => !comparison.isSame)
    .sort((a, b) => b.comparison.distance - a.comparison.distance);

export const titleOf = ({ name, version, variant }: ModelIdentity): string =>
  `${name} ${version}, ${variant}`;

/** What two models say, in sentences. */
export function comparisonWords(comparison: ModelComparison): string[] {
  const figures = comparisonFigures(comparison);
  const { pictures, same, matched, onlyFirst, onlySecond } = figures;
  const words = [
    `They agree on ${same} of ${pictures} ${pictures === 1 ? 'picture' : 'pictures'}${pictures > 0 ? ` (${((same / pictures) * 100).toFixed(0)} %)` : ''}.`,
  ];
  if (matched + onlyFirst + onlySecond > 0) {
    const overlap =
      figures.meanOverlap === undefined ? '' : ` (mean IoU ${figures.meanOverlap.toFixed(3)})`;
    words.push(
      `${matched} detections are in both${overlap}, ${onlyFirst} only in A${surestText(figures.surest[0])}, ${onlySecond} only in B${surestText(figures.surest[1])}.`,
    );
  }
  if (figures.meanScoreDifference !== undefined) {
    words.push(
      `Scores of B are ${signed(figures.meanScoreDifference)} against A on average where both have one, ${signed(figures.largestScoreDifference!)} at most.`,
    );
  }
  const [a, b] = figures.times;
  const ratio = b.runMs / a.runMs;
  if (Number.isFinite(ratio) && a.runMs > 0) {
    words.push(
      `A runs in ${a.runMs.toFixed(1)} ms, B in ${b.runMs.toFixed(1)} ms (medians; ${ratio.toFixed(2)} times as long). \`vedette model bench\` measures it properly.`,
    );
  }
  for (const [side, labels] of [
    ['A', figures.labelsOnlyFirst],
    ['B', figures.labelsOnlySecond],
  ] as const) {
    if (labels.length === 0) continue;
    const shown = labels.slice(0, 10).join(', ');
    words.push(
      `Only ${side} has the ${labels.length === 1 ? 'label' : `${labels.length} labels`} ${shown}${labels.length > 10 ? ', …' : ''}: findings of ${labels.length === 1 ? 'it' : 'these'} are left out.`,
    );
  }
  return words;
}

const surestText = (score: number): string =>
  score === 0 ? '' : ` (the surest ${score.toFixed(2)})`;

const highest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), 0);

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const furthestFromZero = (values: readonly number[]): number =>
  values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);

/** At most so many are drawn. */
export const MOST_DRAWN = 200;

/** Adds a picture, and lets go of the source of the least different one when there are enough. */
export function keep(
  compared: ComparedPicture[],
  one: ComparedPicture & { source: NamedPicture },
): void {
  const { source, ...rest } = one;
  compared.push(one.comparison.isSame ? rest : { ...rest, source });
  const drawable = compared.filter((each) => each.source !== undefined);
  if (drawable.length <= MOST_DRAWN) return;
  const least = drawable.reduce((low, each) =>
    each.comparison.distance < low.comparison.distance ? each : low,
  );
  const { source: _, ...without } = least;
  compared[compared.indexOf(least)] = without;
}
