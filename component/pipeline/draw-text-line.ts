import type { Size } from '../contract/frame.ts';
import type { TextLine } from '../contract/result.ts';
import { drawText, LABEL_COLOURS, points, textWidth } from './draw-parts.ts';

/** A line of text where it stands, and what it says: beside it on the right where there is room, else above or below. */
export function drawTextLine(line: TextLine, scale: number, fontPx: number, canvas: Size): string {
  const { polygon, text = line.score.toFixed(2) } = line;
  if (!polygon) return '';
  const background = LABEL_COLOURS[0]!;
  const outline = `<polygon points="${points(polygon, scale)}" fill="none" stroke="${background}" stroke-width="2"/>`;
  const [xs, ys] = [polygon.map(({ x }) => x * scale), polygon.map(({ y }) => y * scale)];
  const width = textWidth(text, fontPx);
  const [right, high, low] = [Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const isRoom = right + width <= canvas.width;
  const left = isRoom ? right : Math.max(0, Math.min(Math.min(...xs), canvas.width - width));
  const above = high - fontPx * 1.4;
  const top = isRoom ? (high + low) / 2 - fontPx * 0.7 : above > 0 ? above : low;
  return outline + drawText(text, { left, top, width, fontPx, background, colour: '#111111' });
}
