import { describe, expect, it } from 'vitest';
import { ruleSchema } from '../../../component/contract/rule-config.ts';
import { zoneSchema } from '../../../component/contract/space-config.ts';
import { judge } from '../../../component/pipeline/judge.ts';
import type { NamedRule } from '../../../component/pipeline/rules/evidence.ts';
import type { SpaceEvidence } from '../../../component/pipeline/space/scene.ts';

const rule = (settings: Record<string, unknown>): NamedRule => ({
  ...ruleSchema.parse({ camera: 'dock', ...settings }),
  name: String(settings['kind']),
});

const space = (evidence: Partial<SpaceEvidence>): SpaceEvidence => ({
  watchedMs: 3_600_000,
  occupants: () => [],
  crossings: () => [],
  ...evidence,
});
const verdictOf = (one: NamedRule, evidence: Partial<SpaceEvidence>) =>
  judge([one], { detections: [] }, [], { space: space(evidence) });

describe('an occupancy rule', () => {
  const crowded = rule({ kind: 'occupancy', zone: 'press', label: 'person', maximum: 1 });
  const inZone = (...labels: string[]) => ({
    occupants: (zone: string) =>
      zone === 'press' ? labels.map((label) => ({ label, dwellMs: 0 })) : [],
  });

  it('counts followed objects of its label in its zone', () => {
    expect(verdictOf(crowded, inZone('person', 'car')).outcome).toBe('pass');
    expect(verdictOf(crowded, inZone('person', 'person'))).toEqual({
      outcome: 'fail',
      rule: 'occupancy',
      reason: '2 × person in press, at most 1',
    });
  });
});

describe('a dwell rule', () => {
  const loitering = rule({ kind: 'dwell', zone: 'press', maximumMs: 30_000, outcome: 'review' });
  const staying = (...dwells: number[]) => ({
    occupants: () => dwells.map((dwellMs) => ({ label: 'person', dwellMs })),
  });

  it('is broken while an object is in the zone for longer than allowed', () => {
    expect(verdictOf(loitering, staying(500, 30_000)).outcome).toBe('pass');
    expect(verdictOf(loitering, staying(500, 30_100))).toEqual({
      outcome: 'review',
      rule: 'dwell',
      reason: 'object in press for 30.1 s, at most 30 s',
    });
  });

  it('passes an empty zone', () => {
    expect(verdictOf(loitering, staying()).reason).toBe('no object in press, at most 30 s');
  });
});

describe('a crossing rule', () => {
  const crossed = (...directions: ('forward' | 'backward')[]) => ({
    crossings: () => directions.map((direction) => ({ direction, label: 'person' })),
  });

  it('counts only its direction', () => {
    const wrongWay = rule({ kind: 'crossing', line: 'gate', direction: 'backward', maximum: 0 });
    expect(verdictOf(wrongWay, crossed('forward', 'forward')).outcome).toBe('pass');
    expect(verdictOf(wrongWay, crossed('forward', 'backward'))).toEqual({
      outcome: 'fail',
      rule: 'crossing',
      reason: '1 × object across gate backward, at most 0',
    });
  });

  it('does not miss parts before the line was watched for long enough', () => {
    const flow = rule({ kind: 'crossing', line: 'gate', withinMs: 60_000, minimum: 1 });
    expect(verdictOf(flow, { ...crossed(), watchedMs: 59_000 }).outcome).toBe('pass');
    expect(verdictOf(flow, { ...crossed(), watchedMs: 60_000 })).toMatchObject({
      outcome: 'fail',
      reason: '0 × object across gate in 60 s, at least 1',
    });
  });
});

describe('rules on followed objects', () => {
  const all = [
    rule({ kind: 'occupancy', zone: 'press', maximum: 3 }),
    rule({ kind: 'dwell', zone: 'press', maximumMs: 1000 }),
    rule({ kind: 'crossing', line: 'gate', maximum: 3 }),
  ];

  it.each(all)('ask for review after an interruption: $kind', (one) => {
    expect(verdictOf(one, { interruptedMs: 12_345 })).toMatchObject({
      outcome: 'review',
      reason: expect.stringMatching(/^nothing was followed for 12.3 s before; /) as string,
    });
  });

  it.each(all)('ask for review where nothing is followed: $kind', (one) => {
    expect(judge([one], { detections: [] }).outcome).toBe('review');
    expect(judge([one], { classes: [] }).reason).toContain('gives no detections');
  });

  it('say so when a clock that was set back hides how long nothing was seen', () => {
    expect(verdictOf(all[0]!, { interruptedMs: 0 })).toMatchObject({
      outcome: 'review',
      reason: 'what was followed before was given up; 0 × object in press, at most 3',
    });
  });

  it.each(all)('ask for review when objects were too many to be followed: $kind', (one) => {
    expect(verdictOf(one, { leftOut: 12 })).toMatchObject({
      outcome: 'review',
      reason: expect.stringMatching(/^12 objects were too many to be followed; /) as string,
    });
  });

  it('a breach that was seen stays one after an interruption', () => {
    const full = {
      occupants: () => Array(4).fill({ label: 'x', dwellMs: 0 }),
      interruptedMs: 9000,
    };
    expect(verdictOf(all[0]!, full).outcome).toBe('fail');
  });
});

describe('a count rule on a named zone', () => {
  it('counts by the anchor of the zone', () => {
    const zone = zoneSchema.parse({
      camera: 'dock',
      anchor: 'centre',
      polygon: [
        { x: 0, y: 0 },
        { x: 100, y: 0 },
        { x: 100, y: 100 },
        { x: 0, y: 100 },
      ],
    });
    const box = { x: 40, y: 70, width: 10, height: 50 };
    const detections = [{ label: 'person', labelIndex: 0, score: 0.9, box }];
    const counted = rule({ kind: 'count', zone: 'press', maximum: 0 });
    expect(judge([counted], { detections }, [], { zones: { press: zone } })).toEqual({
      outcome: 'fail',
      rule: 'count',
      reason: '1 × object in press, at most 0',
    });
  });
});

describe('a count rule on an outline', () => {
  it('counts who stands nearest to the camera, cut off by the edges of the picture', () => {
    const [width, height] = [640, 480];
    const zone = [
      { x: 0, y: 240 },
      { x: width, y: 240 },
      { x: width, y: height },
      { x: 0, y: height },
    ];
    const counted = rule({ kind: 'count', zone, maximum: 0 });
    const atBottom = { x: 300, y: 300.13, width: 60, height: 179.88 };
    const atRight = { x: width - 0.01, y: 200, width: 0.02, height: 100 };
    for (const box of [atBottom, atRight]) {
      const detections = [{ label: 'person', labelIndex: 0, score: 0.9, box }];
      expect(judge([counted], { detections }).outcome).toBe('fail');
    }
  });
});
