import { escapeXml } from '../../pipeline/escape-xml.ts';
import type { Evaluation } from './evaluation.ts';

/** Apart also for colour-blind eyes and in grey (Okabe and Ito's set); position tells them too. */
const GOOD_COLOUR = '#0072b2';
const BAD_COLOUR = '#d55e00';
const WIDTH = 840;
const HEIGHT = 400;
const PLOT = { left: 56, right: 816, top: 72, middle: 204, bottom: 336 } as const;
const BINS = 40;

type Shown = Pick<Evaluation, 'evaluated' | 'current' | 'suggested' | 'score' | 'good' | 'bad'>;

/**
 * An SVG of how many pictures have which score: good ones upwards, bad ones downwards from one axis,
 * with a line at each threshold.
 */
export function scoreHistogram(evaluation: Shown): string {
  const { evaluated, current, suggested, score, good, bad } = evaluation;
  const values = [...evaluated.map((one) => one.score), current.threshold, suggested.threshold];
  const low = Math.floor(Math.min(...values) * 20) / 20;
  const high = Math.max(low + 0.05, Math.ceil(Math.max(...values) * 20) / 20);
  const x = (value: number) =>
    PLOT.left + ((value - low) / (high - low)) * (PLOT.right - PLOT.left);
  const counts = { good: new Array<number>(BINS).fill(0), bad: new Array<number>(BINS).fill(0) };
  for (const { picture, score: value } of evaluated) {
    const bin = Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS));
    counts[picture.isBad ? 'bad' : 'good'][bin]! += 1;
  }
  const most = Math.max(1, ...counts.good, ...counts.bad);
  const binWidth = (PLOT.right - PLOT.left) / BINS;
  const tall = PLOT.middle - PLOT.top;
  const bars = [...counts.good.keys()].flatMap((bin) => {
    const left = PLOT.left + bin * binWidth + 1;
    const bar = (count: number, isBad: boolean) => {
      if (count === 0) return '';
      const height = (count / most) * tall;
      const top = isBad ? PLOT.middle : PLOT.middle - height;
      return `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(binWidth - 2).toFixed(1)}" height="${height.toFixed(1)}" fill="${isBad ? BAD_COLOUR : GOOD_COLOUR}"/>`;
    };
    return [bar(counts.good[bin]!, false), bar(counts.bad[bin]!, true)];
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
    `role="img" aria-label="Histogram of scores" font-family="DejaVu Sans Mono, monospace" font-size="13" fill="#1b1f24">` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>` +
    bars.join('') +
    line(PLOT.left, PLOT.middle, PLOT.right, PLOT.middle, 'stroke="#1b1f24"') +
    `<text x="${PLOT.left}" y="18" fill="${GOOD_COLOUR}" font-weight="bold">▲ ${good} good pictures</text>` +
    `<text x="${PLOT.left}" y="${HEIGHT - 10}" fill="${BAD_COLOUR}" font-weight="bold">▼ ${bad} bad pictures</text>` +
    scale(low, high, x) +
    countScale(most, tall) +
    thresholdLines(evaluation, x) +
    `<text x="${PLOT.right}" y="${HEIGHT - 10}" text-anchor="end">${escapeXml(score.meaning)} →</text>` +
    `</svg>`
  );
}

function scale(low: number, high: number, x: (value: number) => number): string {
  const step = high - low > 0.5 ? 0.1 : high - low > 0.2 ? 0.05 : 0.01;
  const ticks: string[] = [];
  for (let value = low; value <= high + 1e-9; value += step) {
    const at = x(value);
    ticks.push(
      line(at, PLOT.bottom, at, PLOT.bottom + 4, 'stroke="#57606a"'),
      `<text x="${at.toFixed(1)}" y="${PLOT.bottom + 20}" text-anchor="middle" fill="#57606a" font-size="11">${Number(value.toFixed(3))}</text>`,
    );
  }
  return ticks.join('');
}

const countScale = (most: number, tall: number): string =>
  [-1, 1]
    .map((way) => {
      const y = PLOT.middle + way * tall;
      const at = y + 4;
      return (
        line(PLOT.left - 5, PLOT.middle + way * tall, PLOT.left, y, 'stroke="#57606a"') +
        `<text x="${PLOT.left - 9}" y="${at}" text-anchor="end" fill="#57606a">${most}</text>`
      );
    })
    .join('');

/** Solid for the one in use, dashed for the suggested one; names stand on the side where there is room. */
function thresholdLines({ current, suggested }: Shown, x: (value: number) => number): string {
  const isSame = current.threshold === suggested.threshold;
  const each = isSame
    ? [
        {
          at: current.threshold,
          text: `current and suggested ${current.threshold}`,
          isDashed: false,
          row: 0,
        },
      ]
    : [
        { at: current.threshold, text: `current ${current.threshold}`, isDashed: false, row: 0 },
        {
          at: suggested.threshold,
          text: `suggested ${suggested.threshold}`,
          isDashed: true,
          row: 1,
        },
      ];
  return each
    .map(({ at, text, isDashed, row }) => {
      const place = x(at);
      const isLeft = place > (PLOT.left + PLOT.right) / 2;
      const top = 42 + row * 16;
      return (
        line(
          place,
          top - 10,
          place,
          PLOT.bottom,
          `stroke="#1b1f24" stroke-width="2"${isDashed ? ' stroke-dasharray="6 4"' : ''}`,
        ) +
        `<text x="${(place + (isLeft ? -6 : 6)).toFixed(1)}" y="${top}" text-anchor="${isLeft ? 'end' : 'start'}">${text}</text>`
      );
    })
    .join('');
}

const line = (x1: number, y1: number, x2: number, y2: number, style: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${style}/>`;
