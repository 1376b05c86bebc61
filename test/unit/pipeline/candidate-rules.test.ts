import { describe, expect, test } from 'vitest';
import { rolloutSchema } from '../../../component/contract/rollout-config.ts';
import {
  errorsOf,
  latencyOrVerdictsOf,
} from '../../../component/pipeline/candidate/canary-rule.ts';
import { isPromotedByLabels } from '../../../component/pipeline/candidate/label-rule.ts';
import {
  newcombe,
  quantile,
  wilson,
  Z_95,
} from '../../../component/pipeline/candidate/rate-interval.ts';

describe('intervals of rates', () => {
  // Newcombe, Statistics in Medicine 17 (1998), 857–872, table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("Wilson's of %d of %d is as published", (part, of, low, high) => {
    const interval = wilson({ part, of }, Z_95);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  // Newcombe, Statistics in Medicine 17 (1998), 873–890, table II, method 10.
  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
  ])("Newcombe's of %d/%d − %d/%d is as published", (a, m, b, n, low, high) => {
    const interval = newcombe({ part: a, of: m }, { part: b, of: n }, Z_95);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  test('of nothing say nothing', () => {
    expect(wilson({ part: 0, of: 0 }, Z_95)).toEqual({ low: 0, high: 1 });
    expect(newcombe({ part: 1, of: 1 }, { part: 0, of: 0 }, Z_95)).toEqual({ low: -1, high: 1 });
  });

  test('a quantile is one of the values', () => {
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([3, 1, 2], 0.95)).toBe(3);
    expect(quantile([], 0.5)).toBeUndefined();
  });
});

const config = rolloutSchema.parse({});
const none = { results: 0, errors: 0, fails: 0, reviews: 0 };
const tally = (given: object) => ({ ...none, answers: 0, slow: 0, ...given });

describe('a canary', () => {
  test('goes back after three errors out of three, not after one out of a thousand', () => {
    expect(errorsOf(tally({ results: 2, errors: 2 }), none, config)).toBeUndefined();
    expect(errorsOf(tally({ results: 3, errors: 3 }), none, config)?.cause).toBe('errors');
    expect(errorsOf(tally({ results: 1000, errors: 1 }), none, config)).toBeUndefined();
  });

  test('may have as many errors as the version before', () => {
    const baseline = { ...none, results: 1000, errors: 200 };
    expect(errorsOf(tally({ results: 100, errors: 20 }), baseline, config)).toBeUndefined();
    expect(errorsOf(tally({ results: 100, errors: 60 }), baseline, config)?.cause).toBe('errors');
  });

  test('goes back when most answers are slow, not when some are', () => {
    const baseline = { ...none, results: 1000, medianMs: 10 };
    const at = (slow: number) =>
      latencyOrVerdictsOf(tally({ results: 100, answers: 100, slow }), baseline, config)?.cause;
    expect(at(50)).toBeUndefined();
    expect(at(80)).toBe('latency');
    const unknown = { ...none, results: 1000 };
    expect(
      latencyOrVerdictsOf(tally({ results: 100, answers: 100, slow: 100 }), unknown, config),
    ).toBeUndefined();
  });

  test('goes back when it fails far more or far fewer parts than the version before', () => {
    const baseline = { ...none, results: 1000, fails: 100 };
    const at = (fails: number, answers = 400) =>
      latencyOrVerdictsOf(tally({ results: answers, answers, fails }), baseline, config)?.cause;
    expect(at(40)).toBeUndefined();
    expect(at(60)).toBeUndefined();
    expect(at(200)).toBe('verdicts');
    expect(at(20)).toBeUndefined();
    expect(at(0)).toBe('verdicts');
    const often = { ...none, results: 1000, fails: 500 };
    expect(
      latencyOrVerdictsOf(tally({ results: 400, answers: 400, fails: 40 }), often, config)?.cause,
    ).toBe('verdicts');
  });

  test('goes by a configured band alone where there is one', () => {
    const banded = rolloutSchema.parse({ failRate: { from: 0.4, to: 0.6 } });
    const baseline = { ...none, results: 1000, fails: 100 };
    const at = (fails: number) =>
      latencyOrVerdictsOf(tally({ results: 400, answers: 400, fails }), baseline, banded)?.cause;
    expect(at(200)).toBeUndefined();
    expect(at(40)).toBe('verdicts');
    expect(at(380)).toBe('verdicts');
  });

  test('with nothing to be compared with is judged by its errors alone', () => {
    const few = { ...none, results: 20 };
    const given = tally({ results: 400, answers: 400, fails: 400 });
    expect(latencyOrVerdictsOf(given, few, config)).toBeUndefined();
  });
});

describe('labels of people', () => {
  const figures = (active: number, candidate: number, labelled = 200) => ({
    active: { labelled, right: active },
    candidate: { labelled, right: candidate },
  });

  test('promote a candidate that is right as often, however much the two disagree', () => {
    expect(isPromotedByLabels(figures(180, 198), config)).toBe(true);
    expect(isPromotedByLabels(figures(198, 199), config)).toBe(true);
    expect(isPromotedByLabels(figures(198, 180), config)).toBe(false);
  });

  test('promote nothing while there are too few', () => {
    expect(isPromotedByLabels(figures(0, 99, 99), config)).toBe(false);
  });
});
