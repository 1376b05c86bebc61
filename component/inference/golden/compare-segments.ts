import { segmentSchema } from '../../contract/result.ts';
import type { Segment } from '../../contract/result.ts';
import type { Comparison } from './comparison.ts';

/** Of `areaFraction`. */
const TOLERANCE = 0.03;

const expectedSegments = segmentSchema.pick({ label: true, areaFraction: true }).loose().array();

/**
 * The part of the picture that a class covers may differ by 0.03; a class that is not there covers
 * nothing.
 */
export const compareSegments: Comparison = ({ segments: found }, { segments }) => {
  const parsed = expectedSegments.safeParse(segments);
  if (!found || !parsed.success) return undefined;
  const expected = parsed.data;
  const labels = new Set([...found, ...expected].map(({ label }) => label));
  const part = (of: readonly Pick<Segment, 'label' | 'areaFraction'>[], label: string) =>
    of.find((one) => one.label === label)?.areaFraction ?? 0;
  return [...labels].flatMap((label) => {
    const [seen, wanted] = [part(found, label), part(expected, label)];
    if (Math.abs(seen - wanted) <= TOLERANCE) return [];
    return [`'${label}' covers ${seen} of the picture, expected ${wanted}`];
  });
};
