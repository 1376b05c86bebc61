export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LinePlot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Shaded between these values of y. */
  readonly band?: { readonly from: number; readonly to: number };
}

const SIZE = { width: 720, height: 360 };
const AREA = { left: 64, right: 28, top: 40, bottom: 76 };
/** Distinct also for those who do not see all colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#56b4e9', '#e69f00', '#009e73', '#cc79a7'];
/** About so many numbers along an axis. */
const TICKS = 5;

/** Lines over two linear axes as an SVG of some kilobytes. */
export function linePlot({ title, x, y, series, band }: LinePlot): string {
  const right = SIZE.width - AREA.right;
  const bottom = SIZE.height - AREA.bottom;
  const atX = (value: number) =>
    round(AREA.left + ((value - x.from) / (x.to - x.from)) * (right - AREA.left));
  const atY = (value: number) =>
    round(bottom - ((value - y.from) / (y.to - y.from)) * (bottom - AREA.top));
  const parts = [
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="#fff"/>`,
    text(SIZE.width / 2, 22, title, 'middle', 15),
  ];
  if (band) {
    const height = round(atY(band.from) - atY(band.to));
    parts.push(
      `<rect x="${AREA.left}" y="${atY(band.to)}" width="${right - AREA.left}" height="${height}" fill="#eee"/>`,
    );
  }
  for (const value of ticks(y)) {
    const at = atY(value);
    parts.push(`<path d="M${AREA.left} ${at}H${right}" stroke="#ddd"/>`);
    parts.push(text(AREA.left - 8, at + 4, value.toLocaleString('en-GB'), 'end'));
  }
  for (const value of ticks(x)) {
    parts.push(text(atX(value), bottom + 18, value.toLocaleString('en-GB'), 'middle'));
  }
  parts.push(
    `<path d="M${AREA.left} ${AREA.top}V${bottom}H${right}" fill="none" stroke="#444"/>`,
    text((AREA.left + right) / 2, bottom + 38, x.label, 'middle'),
    `<g transform="translate(16 ${(AREA.top + bottom) / 2}) rotate(-90)">${text(0, 0, y.label, 'middle')}</g>`,
  );
  let legendX = AREA.left;
  for (const [index, { name, points }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length]!;
    const line = points
      .filter((point) => point.x >= x.from && point.x <= x.to)
      .map((point) => `${atX(point.x)} ${atY(Math.min(y.to, Math.max(y.from, point.y)))}`)
      .join('L');
    parts.push(`<path d="M${line}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    const legendY = SIZE.height - 14;
    parts.push(`<path d="M${legendX} ${legendY - 4}h18" stroke="${colour}" stroke-width="3"/>`);
    parts.push(text(legendX + 24, legendY, name));
    legendX += 44 + name.length * 6.6;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12" fill="#222">\n${parts.join('\n')}\n</svg>\n`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Round numbers along an axis. */
function ticks({ from, to }: Axis): number[] {
  const step = roundUp((to - from) / TICKS);
  const count = Math.floor((to - from) / step);
  return Array.from({ length: count + 1 }, (_, index) => from + index * step);
}

function text(x: number, y: number, words: string, anchor = 'start', size = 12): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${size}">${safe}</text>`;
}

/** The end of an axis from 0 that holds the value: the next number that stands at the axis. */
export function axisEnd(value: number): number {
  const step = roundUp(value / TICKS);
  return Math.ceil(value / step) * step;
}

/** The least «round» number (1, 2 or 5 times a power of ten) that is not below the value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value)!;
}
