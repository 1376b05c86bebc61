import { describe, expect, it } from 'vitest';
import { findingsText } from '../../../component/commands/findings-text.ts';

describe('the line about an anomaly', () => {
  it.each([
    [0.9, true, '0.900 ≥ 0.5'],
    [0.1, false, '0.100 < 0.5'],
    [0.1, true, '0.100 < 0.5, anomalous'],
    [0.9, false, '0.900 ≥ 0.5, not anomalous'],
  ])('of score %f, anomalous: %s, compares what is so', (score, isAnomalous, line) => {
    expect(findingsText({ anomaly: { score, threshold: 0.5, isAnomalous } })).toBe(line);
  });
});

describe('the line about text', () => {
  it('says what was read once', () => {
    const text = [{ text: 'LOT 42', score: 0.9 }, { score: 0.8 }];
    expect(findingsText({ text })).toBe('LOT 42 0.90, a place of text 0.80');
  });
});
