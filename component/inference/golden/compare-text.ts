import { textSchema } from '../../contract/result.ts';
import type { TextLine } from '../../contract/result.ts';
import type { Box, Point } from '../../contract/frame.ts';
import { intersectionOverUnion } from '../../contract/box-overlap.ts';
import type { Comparison } from './comparison.ts';

/** Of the upright hulls: a line is thin, so that a pixel is much of it. */
const LEAST_OVERLAP = 0.7;

const expectedText = textSchema.pick({ text: true, polygon: true }).loose().array();

/**
 * Every expected line must be found: the same letters, spaces and case aside, where it has `text`, and
 * hulls that overlap by IoU ≥ 0.7 where it has a `polygon`. No further line may be there.
 */
export const compareText: Comparison = ({ text: found }, { text }) => {
  const parsed = expectedText.safeParse(text);
  if (!found || !parsed.success) return undefined;
  const rest = new Set(found);
  const differences: string[] = [];
  for (const wanted of parsed.data) {
    const match = [...rest].find((line) => isSame(line, wanted));
    if (match) rest.delete(match);
    else differences.push(`${nameOf(wanted)} was not found`);
  }
  for (const line of rest) differences.push(`${nameOf(line)} was not expected`);
  return differences;
};

type Expected = Pick<TextLine, 'text' | 'polygon'>;

function isSame(line: TextLine, { text, polygon }: Expected): boolean {
  if (text !== undefined && lettersOf(line.text ?? '') !== lettersOf(text)) return false;
  if (polygon === undefined) return true;
  if (line.polygon === undefined) return false;
  return intersectionOverUnion(hullOf(line.polygon), hullOf(polygon)) >= LEAST_OVERLAP;
}

const lettersOf = (text: string) => text.replaceAll(/\s/g, '').toLowerCase();

function hullOf(polygon: readonly Point[]): Box {
  const [xs, ys] = [polygon.map(({ x }) => x), polygon.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

const nameOf = ({ text, polygon }: Expected) => {
  const [first] = polygon ?? [];
  const place = first ? ` at ${first.x}, ${first.y}` : '';
  return text === undefined ? `a line${place}` : `the text '${text}'${place}`;
};
