import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Findings } from '../../../component/contract/result.ts';
import { ruleSchema } from '../../../component/contract/rule-config.ts';
import { judge } from '../../../component/pipeline/judge.ts';
import type { NamedRule } from '../../../component/pipeline/rules/evidence.ts';
import { contains } from '../../../component/pipeline/space/geometry.ts';

const rule = (settings: Record<string, unknown>): NamedRule => ({
  ...ruleSchema.parse({ camera: 'dock', ...settings }),
  name: String(settings['kind']),
});
const person = (x: number, y: number, score = 0.9) => ({
  label: 'person',
  labelIndex: 0,
  score,
  box: { x, y, width: 10, height: 20 },
});
const anomaly = (score: number): Findings => ({
  anomaly: { score, threshold: 0.5, isAnomalous: score >= 0.5 },
});
const square = [
  { x: 0, y: 0 },
  { x: 100, y: 0 },
  { x: 100, y: 100 },
  { x: 0, y: 100 },
];

describe('a verdict without rules', () => {
  it('follows the threshold of an anomaly model', () => {
    expect(judge([], anomaly(0.5)).outcome).toBe('fail');
    expect(judge([], anomaly(0.49)).outcome).toBe('pass');
  });

  it('passes an empty scene', () => {
    expect(judge([], { detections: [] })).toEqual({ outcome: 'pass', reason: 'no rule applies' });
  });
});

describe('an anomaly rule', () => {
  const graded = rule({ kind: 'anomaly', reviewAt: 0.4, failAt: 0.7 });

  it.each([
    [0.39, 'pass'],
    [0.4, 'review'],
    [0.69, 'review'],
    [0.7, 'fail'],
  ])('grades a score of %f as %s', (score, outcome) => {
    expect(judge([graded], anomaly(score)).outcome).toBe(outcome);
  });

  it("fails at the model's threshold when it has none of its own", () => {
    const verdict = judge([rule({ kind: 'anomaly' })], anomaly(0.62));
    expect(verdict).toEqual({
      outcome: 'fail',
      rule: 'anomaly',
      reason: 'anomaly 0.62 at or above 0.5',
    });
  });

  it.each([
    // What a model decides by its segments, alone or together with the score.
    [0.1, true, 'fail', "anomalous by the model's decision, score 0.1 below 0.5"],
    [0.9, false, 'pass', "not anomalous by the model's decision, score 0.9 at or above 0.5"],
    [0.9, true, 'fail', 'anomaly 0.9 at or above 0.5'],
    [0.1, false, 'pass', 'anomaly 0.1 below 0.5'],
  ])(
    'without failAt says of score %f, anomalous: %s, that it is a %s',
    (score, isAnomalous, outcome, reason) => {
      const found = { anomaly: { score, threshold: 0.5, isAnomalous } };
      expect(judge([], found)).toEqual({ outcome, reason });
      expect(judge([rule({ kind: 'anomaly' })], found)).toEqual({
        outcome,
        reason,
        rule: 'anomaly',
      });
    },
  );

  it('looks at the score alone with failAt, and asks for review where the decision passes', () => {
    const good = { anomaly: { score: 0.9, threshold: 0.5, isAnomalous: false } };
    const bad = { anomaly: { score: 0.1, threshold: 0.5, isAnomalous: true } };
    expect(judge([graded], good).outcome).toBe('fail');
    expect(judge([graded], bad).outcome).toBe('pass');
    const doubtful = rule({ kind: 'anomaly', reviewAt: 0.4 });
    expect(judge([doubtful], bad).outcome).toBe('fail');
    expect(judge([doubtful], anomaly(0.45))).toMatchObject({
      outcome: 'review',
      reason: 'anomaly 0.45 between 0.4 and 0.5',
    });
    expect(judge([doubtful], good)).toMatchObject({
      outcome: 'review',
      reason: "anomaly 0.9 at or above 0.4, not anomalous by the model's decision",
    });
  });

  it('asks for review when the model gives no anomaly score', () => {
    expect(judge([graded], { detections: [] }).outcome).toBe('review');
  });
});

describe('a count rule', () => {
  it('counts only its label, only in its zone, by the bottom centre of the box', () => {
    const counted = rule({ kind: 'count', label: 'person', zone: square, maximum: 1 });
    const inside = person(40, 40);
    const feetOutside = person(40, 90);
    const car = { ...person(20, 20), label: 'car' };
    expect(judge([counted], { detections: [inside, feetOutside, car] }).outcome).toBe('pass');
    expect(judge([counted], { detections: [inside, person(10, 10)] })).toEqual({
      outcome: 'fail',
      rule: 'count',
      reason: '2 × person in zone, at most 1',
    });
  });

  it('breaks below its minimum with the outcome that it names', () => {
    const minimum = rule({ kind: 'count', minimum: 1, outcome: 'review' });
    expect(judge([minimum], { detections: [] })).toEqual({
      outcome: 'review',
      rule: 'count',
      reason: '0 × object, at least 1',
    });
  });
});

describe('a score-between rule', () => {
  const doubtful = rule({ kind: 'score-between', label: 'person', from: 0.3, to: 0.5 });

  it('asks for review when a score lies between its values, the upper one excluded', () => {
    expect(judge([doubtful], { detections: [person(0, 0, 0.3)] }).outcome).toBe('review');
    expect(judge([doubtful], { detections: [person(0, 0, 0.5)] }).outcome).toBe('pass');
  });

  it('asks for review where scores that it looks for are left out before', () => {
    const seenFrom = (threshold: number) => ({ thresholdFor: () => threshold });
    expect(judge([doubtful], { detections: [] }, [], seenFrom(0.3)).outcome).toBe('pass');
    expect(judge([doubtful], { detections: [] }, [], seenFrom(0.4))).toEqual({
      outcome: 'review',
      rule: 'score-between',
      reason:
        'no score between 0.3 and 0.5 was seen, but those below the threshold 0.4 are left out: this rule cannot judge them',
    });
    const failing = { ...doubtful, outcome: 'fail' } as NamedRule;
    const seen = { detections: [person(0, 0, 0.45)] };
    expect(judge([failing], seen, [], seenFrom(0.4)).outcome).toBe('fail');
  });

  it('up to 1 counts a score of exactly 1, as a sure classifier gives it', () => {
    const bad = rule({
      kind: 'score-between',
      label: 'scratch',
      from: 0.5,
      to: 1,
      outcome: 'fail',
    });
    const classes = [{ label: 'scratch', labelIndex: 1, score: 1 }];
    expect(judge([bad], { classes }).outcome).toBe('fail');
  });
});

describe('a rule for a label that the model does not have', () => {
  const misspelt = rule({ kind: 'count', label: 'persn', maximum: 0 });

  it('asks for review, because it would never find anything', () => {
    expect(judge([misspelt], { detections: [person(0, 0)] }, ['person', 'car'])).toEqual({
      outcome: 'review',
      rule: 'count',
      reason: 'the model has no label "persn": this rule does not fit it',
    });
  });

  it('is applied when the labels of the model are not known', () => {
    expect(judge([misspelt], { detections: [] }, []).outcome).toBe('pass');
  });
});

describe('several rules', () => {
  it('give the worst outcome, whatever their order', () => {
    const rules = [
      rule({ kind: 'count', minimum: 1 }),
      rule({ kind: 'score-between', from: 0.8, to: 1 }),
      rule({ kind: 'count', maximum: 5 }),
    ];
    const findings: Findings = { detections: [person(0, 0, 0.9)] };
    expect(judge(rules, findings).outcome).toBe('review');
    expect(judge(rules.toReversed(), findings).outcome).toBe('review');
    expect(judge(rules, { detections: [] }).outcome).toBe('fail');
  });

  it('leave disabled ones out', () => {
    expect(
      judge([rule({ kind: 'count', minimum: 1, isEnabled: false })], { detections: [] }),
    ).toEqual({ outcome: 'pass', reason: 'no rule applies' });
  });
});

describe('contains', () => {
  it('agrees with the winding number on random triangles', () => {
    const coordinate = fc.integer({ min: -50, max: 50 });
    const corner = fc.record({ x: coordinate, y: coordinate });
    fc.assert(
      fc.property(corner, corner, corner, corner, (a, b, c, p) => {
        const side = (u: typeof a, v: typeof a) =>
          (v.x - u.x) * (p.y - u.y) - (v.y - u.y) * (p.x - u.x);
        const sides = [side(a, b), side(b, c), side(c, a)];
        // Twice the areas of triangles over sides of 142 pixels at most: no nearer to a side than
        // 0.021 pixels, since what is within 0.02 counts as on the outline.
        fc.pre(sides.every((one) => Math.abs(one) >= 3));
        const isInside = sides.every((one) => one > 0) || sides.every((one) => one < 0);
        expect(contains([a, b, c], p)).toBe(isInside);
      }),
    );
  });

  it('takes what lies just beside the outline for on it', () => {
    const triangle = [
      { x: 0, y: 0 },
      { x: -14, y: -43 },
      { x: 0, y: 32 },
    ];
    // 0.013 and 0.026 pixels outside the side from (-14, -43) to (0, 32).
    expect(contains(triangle, { x: -3, y: 16 })).toBe(true);
    expect(contains(triangle, { x: -6, y: 0 })).toBe(false);
  });

  it('handles a concave polygon', () => {
    const arrow = [
      { x: 0, y: 0 },
      { x: 10, y: 5 },
      { x: 0, y: 10 },
      { x: 4, y: 5 },
    ];
    expect(contains(arrow, { x: 6, y: 5 })).toBe(true);
    expect(contains(arrow, { x: 2, y: 5 })).toBe(false);
  });
});

describe('a class rule', () => {
  const classes = (...scores: [string, number][]): Findings => ({
    classes: scores.map(([label, score], labelIndex) => ({ label, labelIndex, score })),
  });
  const good = rule({ kind: 'class', label: 'good', minimumScore: 0.8 });
  const noScratch = rule({ kind: 'class', label: 'scratch', isWanted: 'false', outcome: 'review' });

  it.each([
    [classes(['good', 0.9], ['scratch', 0.1]), 'pass'],
    [classes(['good', 0.79], ['scratch', 0.2]), 'fail'],
    [classes(['scratch', 0.9], ['good', 0.85]), 'fail'],
    [classes(), 'fail'],
  ] as const)('wants its class to be the first, with its score: %j', (findings, outcome) => {
    expect(judge([good], findings).outcome).toBe(outcome);
  });

  it('wants another class to be the first when told so', () => {
    expect(judge([noScratch], classes(['good', 0.6], ['scratch', 0.4])).outcome).toBe('pass');
    expect(judge([noScratch], classes()).outcome).toBe('pass');
    expect(judge([noScratch], classes(['scratch', 0.6]))).toEqual({
      outcome: 'review',
      rule: 'class',
      reason: 'scratch 0.6, expected not scratch',
    });
  });
});

describe('an area rule', () => {
  const segments: Findings = {
    segments: [{ label: 'rust', labelIndex: 1, areaFraction: 0.02, polygons: [] }],
  };

  it('judges how much of the picture a segment takes; what is not there takes nothing', () => {
    const little = rule({ kind: 'area', label: 'rust', maximumFraction: 0.01 });
    const paint = rule({ kind: 'area', label: 'paint', minimumFraction: 0.5 });
    expect(judge([little], segments)).toEqual({
      outcome: 'fail',
      rule: 'area',
      reason: 'rust 2 % of the picture, at most 1 %',
    });
    expect(judge([paint], segments).reason).toBe('paint 0 % of the picture, at least 50 %');
    expect(judge([little], { segments: [] }).outcome).toBe('pass');
  });

  it('judges the anomalous areas of an anomaly model', () => {
    const large = rule({ kind: 'area', maximumFraction: 0.01 });
    const areaFraction = 0.011;
    const found = { anomaly: { score: 0.9, threshold: 0.5, isAnomalous: true, areaFraction } };
    expect(judge([large], found).outcome).toBe('fail');
    expect(judge([large], segments).outcome).toBe('review');
  });
});

describe('a count rule on poses', () => {
  it('counts by their boxes, or by what their keypoints span', () => {
    const counted = rule({ kind: 'count', zone: square, maximum: 0 });
    const keypoints = [
      { name: 'nose', x: 50, y: 20, score: 1 },
      { name: 'left_ankle', x: 60, y: 90, score: 1 },
    ];
    expect(judge([counted], { poses: [{ score: 0.9, keypoints }] }).outcome).toBe('fail');
    const box = { x: 300, y: 0, width: 10, height: 10 };
    expect(judge([counted], { poses: [{ score: 0.9, box, keypoints }] }).outcome).toBe('pass');
  });
});

describe('every family of results', () => {
  const box = { x: 0, y: 0, width: 10, height: 10 };
  const keypoints = [{ name: 'nose', x: 5, y: 5, score: 1 }];
  const FAMILIES: readonly [keyof Findings, Findings, Record<string, unknown>][] = [
    ['anomaly', anomaly(0.2), { kind: 'anomaly' }],
    ['detections', { detections: [person(0, 0)] }, { kind: 'count', maximum: 1 }],
    [
      'classes',
      { classes: [{ label: 'a', labelIndex: 0, score: 1 }] },
      { kind: 'class', label: 'a' },
    ],
    ['poses', { poses: [{ score: 1, box, keypoints }] }, { kind: 'count', maximum: 1 }],
    ['segments', { segments: [] }, { kind: 'area', label: 'a', maximumFraction: 1 }],
  ];

  it.each(FAMILIES)('has a rule that can judge it: %s', (_, findings, settings) => {
    expect(judge([rule(settings)], findings).outcome).toBe('pass');
  });
});
