import { describe, expect, it } from 'vitest';
import { highestThreshold, lowestThreshold } from '../../../component/decode/score-threshold.ts';

const given = { thresholds: { score: 0.5, labels: { dent: 0.7, rust: 0.2 } } };

describe('thresholds of several labels', () => {
  it('from the highest on everything is found, below the lowest nothing', () => {
    expect(highestThreshold(['dent', 'rust', 'hole'], given, 0.9)).toBe(0.7);
    expect(lowestThreshold(given, 0.9)).toBe(0.2);
  });

  it('looks at the labels that the model gives, where they are known', () => {
    expect(highestThreshold(['rust'], given, 0.9)).toBe(0.2);
    expect(highestThreshold(['hole'], given, 0.9)).toBe(0.5);
    expect(highestThreshold([], given, 0.9)).toBe(0.7);
  });

  it("takes the model's where the camera says nothing", () => {
    expect(highestThreshold([], { thresholds: { labels: {} } }, 0.3)).toBe(0.3);
    expect(highestThreshold(['hole'], { thresholds: { labels: { dent: 0.7 } } }, 0.3)).toBe(0.3);
  });
});
