import type { Point, Size } from '../contract/frame.ts';
import type { Tracking } from '../contract/result.ts';
import { drawText, labelColour, points, round, textWidth } from './draw-parts.ts';
import type { Trail } from './space/scene.ts';

export interface DrawnZone {
  /** Absent for one that stands in a rule. */
  readonly name?: string;
  /** In source pixels. */
  readonly polygon: readonly Point[];
}

export interface DrawnLine {
  /** In source pixels. */
  readonly points: readonly Point[];
}

const LINE_COLOUR = '#ffffff';

/** Its outline, and what is in it now. */
export function drawZone(
  { name, polygon }: DrawnZone,
  tracking: Tracking | undefined,
  scale: number,
  fontPx: number,
  canvas: Size,
): string {
  const outline =
    `<polygon points="${points(polygon, scale)}" fill="#ffffff" fill-opacity="0.06" stroke="#ffffff" ` +
    `stroke-opacity="0.8" stroke-width="1.5" stroke-dasharray="7 5"/>`;
  const state = name === undefined ? undefined : tracking?.zones[name];
  if (!state) return outline;
  const text = `${name}: ${state.count}`;
  const lowest = polygon.reduce((low, corner) => (corner.y > low.y ? corner : low));
  return outline + note(text, lowest, scale, fontPx, canvas);
}

/** Its pieces, an arrow that shows what is forward, and its counts. */
export function drawLine(
  name: string,
  line: DrawnLine,
  tracking: Tracking | undefined,
  scale: number,
  fontPx: number,
  canvas: Size,
): string {
  const [from, to] = middlePiece(line.points);
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  // The right hand of who looks from the first point to the last, with y going down.
  const forward = { x: -(to.y - from.y) / length, y: (to.x - from.x) / length };
  const reach = fontPx * 1.6;
  const [x, y] = [middle.x * scale, middle.y * scale];
  const tip = { x: x + forward.x * reach, y: y + forward.y * reach };
  const wing = (side: number) =>
    `${round(tip.x - (forward.x + side * forward.y) * reach * 0.35)},` +
    `${round(tip.y - (forward.y - side * forward.x) * reach * 0.35)}`;
  const state = tracking?.lines[name];
  const text = state ? `${name}: ${state.forward} / ${state.backward}` : name;
  const end = line.points.at(-1)!;
  return (
    `<polyline points="${points(line.points, scale)}" fill="none" stroke="#111111" stroke-width="5" stroke-opacity="0.5"/>` +
    `<polyline points="${points(line.points, scale)}" fill="none" stroke="${LINE_COLOUR}" stroke-width="2.5"/>` +
    `<line x1="${round(x)}" y1="${round(y)}" x2="${round(tip.x)}" y2="${round(tip.y)}" stroke="${LINE_COLOUR}" stroke-width="2.5"/>` +
    `<polygon points="${wing(1)} ${round(tip.x)},${round(tip.y)} ${wing(-1)}" fill="${LINE_COLOUR}"/>` +
    note(text, end, scale, fontPx, canvas)
  );
}

/** Where an object came from; fainter than its box. */
export function drawTrail({ points: places, labelIndex }: Trail, scale: number): string {
  if (places.length < 2) return '';
  return (
    `<polyline points="${points(places, scale)}" fill="none" stroke="${labelColour({ labelIndex })}" ` +
    `stroke-width="2" stroke-opacity="0.7" stroke-linejoin="round"/>`
  );
}

function middlePiece(line: readonly Point[]): readonly [Point, Point] {
  const index = Math.max(1, Math.floor(line.length / 2));
  return [line[index - 1]!, line[index]!];
}

/** A small text beside a point, inside the picture. */
function note(text: string, at: Point, scale: number, fontPx: number, canvas: Size): string {
  const width = textWidth(text, fontPx);
  const height = fontPx * 1.4;
  return drawText(text, {
    left: Math.min(Math.max(0, at.x * scale + 3), Math.max(0, canvas.width - width)),
    top: Math.min(Math.max(0, at.y * scale + 3), Math.max(0, canvas.height - height)),
    width,
    fontPx,
    background: '#ffffff',
    colour: '#111111',
  });
}
