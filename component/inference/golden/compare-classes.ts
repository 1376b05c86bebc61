import { classificationSchema } from '../../contract/result.ts';
import { EXTRA_SCORE, SURE_SCORE } from './comparison.ts';
import type { Comparison } from './comparison.ts';

const TOLERANCE = 0.05;

const expectedClasses = classificationSchema.pick({ label: true, score: true }).loose().array();

/**
 * Every expected class of score ≥ 0.4 must have the same score within 0.05; nothing further may have
 * more than 0.45.
 */
export const compareClasses: Comparison = ({ classes: found }, { classes }) => {
  const parsed = expectedClasses.safeParse(classes);
  if (!found || !parsed.success) return undefined;
  const differences: string[] = [];
  for (const { label, score } of parsed.data) {
    const match = found.find((candidate) => candidate.label === label);
    const isSame = match && Math.abs(match.score - score) <= TOLERANCE;
    if (score >= SURE_SCORE && !isSame) {
      differences.push(`class '${label}' has the score ${match?.score ?? 0}, expected ${score}`);
    }
  }
  for (const { label, score } of found) {
    const isExpected = parsed.data.some((wanted) => wanted.label === label);
    if (score > EXTRA_SCORE && !isExpected) {
      differences.push(`class '${label}' of score ${score} was not expected`);
    }
  }
  return differences;
};
