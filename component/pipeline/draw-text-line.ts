import type { Size } from '../contract/frame.ts';
import type { TextLine } from '../contract/result.ts';
import { drawText, LABEL_COLOURS, points, textWidth } from './draw-parts.ts';

/** A line of text where it stands, and what it says above it. */
export function drawTextLine(line: TextLine, scale: number, fontPx: number, canvas: Size): string {
  const { polygon, text = line.score.toFixed(2) } = line;
  if (!polygon) return '';
  const background = LABEL_COLOURS[0]!;
  const outline = `<polygon points="${points(polygon, scale)}" fill="none" stroke="${background}" stroke-width="2"/>`;
  const [xs, ys] = [polygon.map(({ x }) => x * scale), polygon.map(({ y }) => y * scale)];
  const width = textWidth(text, fontPx);
  const left = Math.min(Math.max(0, Math.min(...xs)), Math.max(0, canvas.width - width));
  const [above, below] = [Math.min(...ys) - fontPx * 1.4, Math.max(...ys)];
  const top = above > 0 ? above : below;
  return outline + drawText(text, { left, top, width, fontPx, background, colour: '#111111' });
}
