import { describe, expect, it } from 'vitest';
import { captureRuleSchema } from '../../../component/contract/config.ts';
import type { NewResult } from '../../../component/contract/ports.ts';
import { CaptureRules } from '../../../component/delivery/capture-rules.ts';

type RuleInput = Parameters<typeof captureRuleSchema.parse>[0];

const rulesOf = (rules: Record<string, RuleInput>) =>
  new CaptureRules(
    Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [name, captureRuleSchema.parse(rule)]),
    ),
  );

function result(outcome: NewResult['verdict']['outcome'], scores: number[] = []): NewResult {
  return {
    schemaVersion: 1,
    id: 'r',
    thing: 't',
    camera: 'dock',
    model: { name: 'm', version: '1.0.0', sha256: '', variant: 'fp32', executionProvider: 'cpu' },
    frame: { sequence: 0, capturedAt: '2026-11-21T09:00:00Z', width: 1, height: 1 },
    detections: scores.map((score) => ({
      label: 'person',
      labelIndex: 0,
      score,
      box: { x: 0, y: 0, width: 1, height: 1 },
    })),
    verdict: { outcome, reason: '' },
    timings: { queueMs: 0, preprocessMs: 0, runMs: 0, decodeMs: 0, totalMs: 0 },
  };
}

describe('a capture rule', () => {
  it('takes every n-th frame of each camera', () => {
    const rules = rulesOf({ sample: { everyNth: 3 } });
    const chosen = [1, 2, 3, 4, 5, 6].map(() => rules.choose('dock', result('pass')));
    expect(chosen).toEqual([undefined, undefined, 'sample', undefined, undefined, 'sample']);
    expect(rules.choose('gate', result('pass'))).toBeUndefined();
  });

  it.each(['pass', 'fail', 'review', 'error'] as const)(
    'takes frames with outcome %s',
    (outcome) => {
      const rules = rulesOf({ wanted: { outcomes: { [outcome]: true } } });
      for (const other of ['pass', 'fail', 'review', 'error'] as const) {
        expect(rules.choose('dock', result(other))).toBe(other === outcome ? 'wanted' : undefined);
      }
    },
  );

  it('takes frames with a detection below the score, not at it, and no empty scene', () => {
    const rules = rulesOf({ unsure: { scoreBelow: 0.5 } });
    expect(rules.choose('dock', result('pass', [0.9, 0.49]))).toBe('unsure');
    expect(rules.choose('dock', result('pass', [0.9, 0.5]))).toBeUndefined();
    expect(rules.choose('dock', result('pass'))).toBeUndefined();
  });

  it('takes at most one frame of a camera in its interval', () => {
    const rules = rulesOf({ fails: { outcomes: { fail: true }, minIntervalMs: 1000 } });
    const at = (camera: string, nowMs: number) => rules.choose(camera, result('fail'), nowMs);
    expect([at('dock', 0), at('dock', 999), at('gate', 999), at('dock', 1000)]).toEqual([
      'fails',
      undefined,
      'fails',
      'fails',
    ]);
  });

  it('acts on its own camera only, and not at all when disabled or without a condition', () => {
    const outcomes = { pass: true };
    const rules = rulesOf({
      off: { isEnabled: false, outcomes },
      nothing: {},
      gate: { camera: 'gate', outcomes },
    });
    expect(rules.choose('dock', result('pass'))).toBeUndefined();
    expect(rules.choose('gate', result('pass'))).toBe('gate');
  });

  it('goes on counting frames that an earlier rule took', () => {
    const rules = rulesOf({ fails: { outcomes: { fail: true } }, sample: { everyNth: 2 } });
    expect(rules.choose('dock', result('fail'))).toBe('fails');
    expect(rules.choose('dock', result('pass'))).toBe('sample');
  });
});
