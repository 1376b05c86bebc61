export interface BarGroup {
  readonly name: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

export interface BarPlot {
  readonly title: string;
  /** How a value is written behind its bar. */
  readonly text: (value: number) => string;
  readonly groups: readonly BarGroup[];
}

const WIDTH = 720;
const AREA = { left: 210, right: 90, top: 44, bottom: 12 };
const BAR = { height: 16, gap: 4 };
const GROUP = { name: 20, gap: 14 };
/** Ours, and theirs; distinct also for those who do not see all colours (Okabe and Ito). */
const COLOURS = { ours: '#0072b2', theirs: '#d55e00' };

/**
 * Horizontal bars in groups, all on one linear scale from 0, each with its name and value: an SVG of
 * some kilobytes. `isOurs` decides the colour.
 */
export function barPlot(
  { title, text, groups }: BarPlot,
  isOurs: (name: string) => boolean,
): string {
  const greatest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const perMs = (WIDTH - AREA.left - AREA.right) / greatest;
  const parts: string[] = [];
  let y = AREA.top;
  for (const { name, bars } of groups) {
    parts.push(label(16, y + 13, name, 'start', 'bold'));
    y += GROUP.name;
    for (const bar of bars) {
      const length = Math.max(1, round(bar.value * perMs));
      const colour = isOurs(bar.name) ? COLOURS.ours : COLOURS.theirs;
      parts.push(
        label(AREA.left - 8, y + 12, bar.name, 'end'),
        `<rect x="${AREA.left}" y="${y}" width="${length}" height="${BAR.height}" fill="${colour}"/>`,
        label(AREA.left + length + 6, y + 12, text(bar.value), 'start'),
      );
      y += BAR.height + BAR.gap;
    }
    y += GROUP.gap;
  }
  const height = y - GROUP.gap + AREA.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${WIDTH / 2}" y="24" text-anchor="middle" font-size="15">${safe(title)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

const round = (value: number): number => Math.round(value * 10) / 10;

const safe = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function label(x: number, y: number, words: string, anchor: string, weight = 'normal'): string {
  return `<text x="${round(x)}" y="${y}" text-anchor="${anchor}" font-weight="${weight}">${safe(words)}</text>`;
}
