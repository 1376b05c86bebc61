import { compare, type Comparison, type Timing } from './measure-interleaved.ts';
import { digits, ratio } from './number-text.ts';
import { atLeast } from './reach.ts';
import type { Table, Target } from './section.ts';

/** Both make the same picture when they differ by no more than this on average, in grey levels. */
export const MOST_MEAN_LEVELS_APART = 4;

export interface JpegPeer {
  readonly timing: Timing;
  /** From our tensor, on average, in grey levels. */
  readonly levelsApart: number;
}

export interface MeasuredJpeg {
  readonly picture: string;
  readonly rule: string;
  readonly side: number;
  readonly addon: Timing;
  /** The quickest way that makes the same tensor. */
  readonly same: JpegPeer;
  /** The quickest way of all. */
  readonly any: JpegPeer;
}

export interface Tried {
  readonly levelsApart: number;
  readonly trialMs: number;
}

/** The quickest way that makes the same tensor, and the quickest of all. */
export function fastest<W extends Tried>(ways: readonly W[]): { same: W; any: W } {
  const sorted = [...ways].sort((a, b) => a.trialMs - b.trialMs);
  const same = sorted.find(({ levelsApart }) => levelsApart <= MOST_MEAN_LEVELS_APART);
  if (same === undefined) {
    throw new Error(`no way makes a tensor within ${MOST_MEAN_LEVELS_APART} grey levels of ours`);
  }
  return { same, any: sorted[0]! };
}

const REACH = new Map([
  [640, 2],
  [224, 1.6],
]);

const REASON =
  'Most of the addon’s time is entropy decoding (see there), which sharp does with the same library. Tried: rows decoded only as the tensor asks for them, into memory that stays in the cache; chroma filtered only in the columns that the tensor needs. Not done: decoding at a reduced size, as sharp does for small tensors, since it moves results by more than a grey level.';

export function jpegTargets(works: readonly MeasuredJpeg[]): Target[] {
  return works
    .filter(({ rule }) => rule === 'bilinear')
    .map(({ picture, side, addon, same }) => {
      const what = `JPEG 1920×1080, ${picture}, → ${side}×${side} beside sharp and the best JavaScript loop`;
      return atLeast(what, REACH.get(side)!, compare(addon, same.timing), REASON);
    });
}

const times = ({ ratio: value, lowest, highest }: Comparison): string =>
  `${ratio(value)} (${lowest.toFixed(1)}–${highest.toFixed(1)})`;

export function jpegTable(works: readonly MeasuredJpeg[]): Table {
  return {
    columns: [
      'work',
      'addon, ms',
      'same tensor by',
      'ms',
      'by round',
      'apart',
      'any tensor by',
      'ms',
      'by round',
      'apart',
    ],
    rows: works.map(({ picture, rule, side, addon, same, any }) => [
      `${picture} → ${side}×${side}, ${rule}`,
      digits(addon.medianMs),
      ...[same, any].flatMap(({ timing, levelsApart }) => [
        timing.name,
        digits(timing.medianMs),
        times(compare(addon, timing)),
        levelsApart.toFixed(1),
      ]),
    ]),
    says: ['same', 'any'].map((kind) => says(works, kind as 'same' | 'any')).join(' '),
  };
}

function says(works: readonly MeasuredJpeg[], kind: 'same' | 'any'): string {
  const ratios = works
    .map((work) => compare(work.addon, work[kind].timing).ratio)
    .sort((a, b) => a - b);
  const who = kind === 'same' ? 'The quickest way to the same tensor' : 'The quickest way to any';
  return `${who} takes ${ratio(ratios[0]!)} to ${ratio(ratios.at(-1)!)} the time of the addon.`;
}
