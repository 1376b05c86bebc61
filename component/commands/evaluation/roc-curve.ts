import type { Evaluation } from './evaluation.ts';

const SIDE = 340;
const PLOT = { left: 56, right: 324, top: 16, bottom: 284 } as const;

/** An SVG of the share of bad pictures caught over the share of good ones rejected, for every threshold. */
export function rocCurve({ points, current, suggested, good, bad }: Evaluation): string {
  const place = ({ escapes, falseRejects }: { escapes: number; falseRejects: number }) => ({
    x: PLOT.left + (falseRejects / good) * (PLOT.right - PLOT.left),
    y: PLOT.bottom - ((bad - escapes) / bad) * (PLOT.bottom - PLOT.top),
  });
  const corners = [
    { escapes: 0, falseRejects: good },
    ...points,
    { escapes: bad, falseRejects: 0 },
  ].map(place);
  const path = corners.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  const ticks = [0, 0.5, 1].flatMap((part) => {
    const { x } = place({ escapes: 0, falseRejects: part * good });
    const { y } = place({ escapes: bad - part * bad, falseRejects: 0 });
    const text = `${part * 100} %`;
    return [
      `<text x="${x}" y="${PLOT.bottom + 18}" text-anchor="middle">${text}</text>`,
      `<text x="${PLOT.left - 8}" y="${y + 4}" text-anchor="end">${text}</text>`,
    ];
  });
  const [now, then] = [place(current), place(suggested)];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" width="${SIDE}" height="${SIDE}" role="img" ` +
    `aria-label="ROC curve" font-family="DejaVu Sans Mono, monospace" font-size="11" fill="#1b1f24">` +
    `<rect width="${SIDE}" height="${SIDE}" fill="#ffffff"/>` +
    `<rect x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.right - PLOT.left}" height="${PLOT.bottom - PLOT.top}" fill="none" stroke="#d8dee4"/>` +
    `<line x1="${PLOT.left}" y1="${PLOT.bottom}" x2="${PLOT.right}" y2="${PLOT.top}" stroke="#d8dee4"/>` +
    `<polyline points="${path}" fill="none" stroke="#0072b2" stroke-width="2"/>` +
    `<circle cx="${now.x}" cy="${now.y}" r="5" fill="#1b1f24"/>` +
    `<circle cx="${then.x}" cy="${then.y}" r="8" fill="none" stroke="#1b1f24" stroke-width="2"/>` +
    ticks.join('') +
    `<text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 36}" text-anchor="middle">good pictures rejected</text>` +
    `<text x="14" y="${(PLOT.top + PLOT.bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(PLOT.top + PLOT.bottom) / 2})">bad pictures caught</text>` +
    `<text x="${PLOT.right}" y="${PLOT.bottom - 10}" text-anchor="end">● current  ○ suggested</text>` +
    `</svg>`
  );
}
