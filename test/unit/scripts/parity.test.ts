import { describe, expect, it } from 'vitest';
import {
  differencesOf,
  largestScoreDifference,
  type Answer,
} from '../../../scripts/parity/compare-answers.ts';

const box = { x: 10, y: 10, width: 40, height: 20 };
const street = (score: number, x = 10): Answer => ({
  picture: 'a.jpg',
  width: 640,
  height: 480,
  detections: [{ label: 'person', labelIndex: 0, score, box: { ...box, x } }],
});
const brick = (score: number): Answer => ({
  picture: 'a.png',
  width: 256,
  height: 256,
  anomaly: { score, threshold: 0.5, isAnomalous: score >= 0.5 },
});

describe('parity of answers', () => {
  it('takes a grey level or so of decoding for no difference', () => {
    expect(differencesOf([street(0.61)], [street(0.6, 10.5)])).toEqual([]);
    expect(differencesOf([brick(0.43)], [brick(0.44)])).toEqual([]);
    expect(largestScoreDifference([brick(0.43)], [brick(0.44)])).toBeCloseTo(0.01, 9);
  });

  it('finds another place, another score, another verdict and another size', () => {
    expect(differencesOf([street(0.6)], [street(0.6, 20)]).join()).toMatch(/'person'.*not found/);
    expect(differencesOf([street(0.6)], [street(0.7)]).join()).toMatch(/'person'.*not found/);
    expect(differencesOf([brick(0.49)], [brick(0.51)]).join()).toMatch(/anomaly score/);
    expect(differencesOf([{ ...brick(0.4), width: 128 }], [brick(0.4)]).join()).toMatch(/128×256/);
  });

  it('finds a picture that only one of them judged, and findings that do not fit together', () => {
    expect(differencesOf([], [brick(0.4)]).join()).toMatch(/no answer of Vedette/);
    expect(differencesOf([brick(0.4)], []).join()).toMatch(/no answer of Python/);
    const other = { ...street(0.4), picture: 'a.png', width: 256, height: 256 };
    expect(differencesOf([brick(0.4)], [other]).join()).toMatch(/nothing that could be compared/);
  });
});
