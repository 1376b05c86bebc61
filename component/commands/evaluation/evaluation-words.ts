import { proportionInterval } from '../../inference/evaluation/proportion-interval.ts';
import { roundThreshold } from '../../inference/evaluation/choose-threshold.ts';
import type { Evaluation, ThresholdEffect } from './evaluation.ts';

/** None of so many can be 5 % in truth, by Wilson's interval; fewer bad pictures say little. */
const ENOUGH = 73;
const MOST_ROWS = 12;
const MOST_CONFUSIONS = 6;

/** `0 of 20 (0 %; up to 16 %)`, `3 of 20 (15 %; 5–36 %)`: what was counted, and what may be true. */
export function share(count: number, total: number): string {
  const { low, high } = proportionInterval(count, total);
  const range =
    count === 0
      ? `up to ${percent(high)}`
      : count === total
        ? `from ${percent(low)}`
        : `${percent(low, false)}–${percent(high)}`;
  return `${count} of ${total} (${percent(total === 0 ? 0 : count / total)}; ${range})`;
}

export interface ThresholdRow {
  readonly threshold: string;
  readonly note: string;
  readonly escapes: string;
  readonly falseRejects: string;
}

/** The current and the suggested threshold among those that no other one beats, by their height. */
export function thresholdRows(evaluation: Evaluation): ThresholdRow[] {
  const { current, suggested, best, good, bad } = evaluation;
  const marked: (ThresholdEffect & { readonly note: string })[] = [
    { ...suggested, note: 'suggested' },
    { ...current, note: 'current' },
  ];
  const others = thinned(best)
    .filter(({ from, to }) => !marked.some(({ threshold }) => threshold > from && threshold <= to))
    .map((point) => ({ ...point, threshold: roundThreshold(point), note: '' }));
  const isSame = current.threshold === suggested.threshold;
  const rows = isSame
    ? [{ ...current, note: 'current and suggested' }, ...others]
    : [...marked, ...others];
  return rows
    .sort((a, b) => a.threshold - b.threshold)
    .map(({ threshold, note, escapes, falseRejects }) => ({
      threshold: String(threshold),
      note,
      escapes: share(escapes, bad),
      falseRejects: share(falseRejects, good),
    }));
}

/** What the figures mean, in sentences. */
export function inWords(evaluation: Evaluation): string[] {
  const { current, suggested, good, bad, areaUnderRoc } = evaluation;
  const words = [
    `At the current threshold ${current.threshold}, ${counted(current.escapes, bad, 'bad picture')} ${current.escapes === 1 ? 'passes' : 'pass'} as good and ${counted(current.falseRejects, good, 'good picture')} ${current.falseRejects === 1 ? 'is' : 'are'} rejected.`,
  ];
  words.push(
    suggested.escapes === current.escapes && suggested.falseRejects === current.falseRejects
      ? `The suggested threshold ${suggested.threshold} does the same on these pictures; it lies further from their scores, so that new ones are less likely to fall on the wrong side.`
      : `With the suggested threshold ${suggested.threshold} it would be ${suggested.escapes} of ${bad} and ${suggested.falseRejects} of ${good}.`,
  );
  if (suggested.isBeyondWish) {
    words.push(
      `No threshold lets at most ${evaluation.wish.maxEscapes} escape: ${suggested.escapes} bad pictures have no score at all.`,
    );
  }
  const { classes } = evaluation;
  if (classes) {
    const confused = classes.confusions
      .slice(0, MOST_CONFUSIONS)
      .map(({ label, top, count }) => `${label} for ${top} ${count} ×`);
    words.push(
      `The first class is that of the folder for ${share(classes.right, classes.pictures)}${confused.length === 0 ? '.' : `; taken were ${confused.join(', ')}${classes.confusions.length > MOST_CONFUSIONS ? ', and more' : ''}.`}`,
    );
  }
  const { high } = proportionInterval(suggested.escapes, bad);
  if (bad < ENOUGH) {
    words.push(
      `${bad} bad ${bad === 1 ? 'picture is' : 'pictures are'} few: ${suggested.escapes} escapes of ${bad} can mean that up to ${percent(high)} of all bad parts pass (95 % confidence). ${suggested.escapes === 0 ? `To show that fewer than 5 % do, ${ENOUGH} bad pictures without an escape are needed.` : ''}`.trim(),
    );
  }
  if (areaUnderRoc < 0.7) {
    words.push(
      `The scores hardly tell good from bad here (AUROC ${areaUnderRoc.toFixed(3)}, chance is 0.5): no threshold makes this model useful on these pictures.`,
    );
  }
  return words;
}

const counted = (count: number, total: number, what: string): string =>
  `${count} of ${total} ${what}${total === 1 ? '' : 's'}`;

/** Below 10 % with a digit behind the point where it is not whole. */
function percent(part: number, hasUnit = true): string {
  const value = part * 100;
  const text = value > 0 && value < 10 && value % 1 !== 0 ? value.toFixed(1) : value.toFixed(0);
  return hasUnit ? `${text} %` : text;
}

/** Spread evenly, with the first and the last. */
function thinned<T>(rows: readonly T[]): readonly T[] {
  if (rows.length <= MOST_ROWS) return rows;
  const step = (rows.length - 1) / (MOST_ROWS - 1);
  return Array.from({ length: MOST_ROWS }, (_, index) => rows[Math.round(index * step)]!);
}
