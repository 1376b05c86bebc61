import { escapeXml } from './escape-xml.ts';
import type { Point } from '../contract/frame.ts';
import type { Detection } from '../contract/result.ts';

/** What every drawing is made of. */

/** Colours that stay apart on grey scenes and for most colour-blind eyes (Okabe and Ito's set). */
export const LABEL_COLOURS = [
  '#56b4e9',
  '#e69f00',
  '#f0e442',
  '#009e73',
  '#cc79a7',
  '#d55e00',
  '#0072b2',
];

export const labelColour = ({ labelIndex }: Pick<Detection, 'labelIndex'>): string =>
  LABEL_COLOURS[labelIndex % LABEL_COLOURS.length] ?? '#ffffff';

export const points = (polygon: readonly Point[], scale: number): string =>
  polygon.map((corner) => `${round(corner.x * scale)},${round(corner.y * scale)}`).join(' ');

/** Width of a text in DejaVu Sans Mono: 0.602 em a letter, and half an em around it. */
export const textWidth = (text: string, fontPx: number): number =>
  text.length * fontPx * 0.602 + fontPx;

export function drawText(
  text: string,
  place: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly fontPx: number;
    readonly background: string;
    readonly colour: string;
  },
): string {
  const { left, top, width, fontPx } = place;
  return (
    `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" ` +
    `height="${round(fontPx * 1.4)}" fill="${place.background}"/>` +
    `<text x="${round(left + fontPx / 2)}" y="${round(top + fontPx * 1.05)}" ` +
    `fill="${place.colour}">${escapeXml(text.replace(/[\t\n]/g, ' '))}</text>`
  );
}

export const round = (value: number): number => Math.round(value * 10) / 10;
