import { describe, expect, it } from 'vitest';
import {
  detectionProblems,
  PEER_TOLERANCE,
  SAMPLE_TOLERANCE,
} from '../../bench/same-detections.ts';

const seen = (label: string, score: number, x = 100) => ({
  label,
  score,
  box: { x, y: 50, width: 40, height: 80 },
});

describe('detectionProblems', () => {
  it('accepts the same objects a little moved', () => {
    const expected = [seen('person', 0.6), seen('car', 0.5, 300)];
    const found = [seen('car', 0.52, 301), seen('person', 0.57, 101)];
    expect(detectionProblems(found, expected, SAMPLE_TOLERANCE)).toEqual([]);
  });

  it('names what is missing and what is too much', () => {
    const problems = detectionProblems([seen('dog', 0.6)], [seen('person', 0.6)], SAMPLE_TOLERANCE);
    expect(problems).toEqual([
      'no person with score 0.60 where one is expected',
      'a dog with score 0.60 where none is expected',
    ]);
  });

  it('lets doubtful objects be there or not', () => {
    expect(detectionProblems([], [seen('person', 0.39)], SAMPLE_TOLERANCE)).toEqual([]);
    expect(detectionProblems([seen('person', 0.44)], [], SAMPLE_TOLERANCE)).toEqual([]);
  });

  it('allows services that scale otherwise more, but not another place', () => {
    const expected = [seen('person', 0.6)];
    expect(detectionProblems([seen('person', 0.5, 104)], expected, SAMPLE_TOLERANCE)).toHaveLength(
      2,
    );
    expect(detectionProblems([seen('person', 0.5, 104)], expected, PEER_TOLERANCE)).toEqual([]);
    expect(detectionProblems([seen('person', 0.6, 150)], expected, PEER_TOLERANCE)).toHaveLength(2);
  });
});
