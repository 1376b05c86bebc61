import { describe, expect, test } from 'vitest';
import type { Findings } from '../../../component/contract/result.ts';
import { ruleSchema } from '../../../component/contract/rule-config.ts';
import { judge } from '../../../component/pipeline/judge.ts';

const judged = (settings: object, findings: Findings, context?: Record<string, unknown>) => {
  const rule = { ...ruleSchema.parse({ camera: 'label', kind: 'text', ...settings }), name: 'lot' };
  const { outcome, reason } = judge([rule], findings, [], { context });
  return `${outcome}: ${reason}`;
};
const lines = (...texts: (string | undefined)[]): Findings => ({
  text: texts.map((text) => ({ score: 0.9, ...(text === undefined ? {} : { text }) })),
});

describe('a text rule', () => {
  test('passes when the text was read, spaces and case aside, also over two lines', () => {
    expect(judged({ text: 'at all times' }, lines('NOTICE', 'AT ALLTIMES'))).toBe(
      'pass: “at all times” was read',
    );
    expect(judged({ text: 'LOT 42' }, lines('LOT', '42'))).toMatch(/^pass/);
    expect(judged({ text: 'LOT 42', isExact: true }, lines('LOT 42 A'))).toMatch(/^pass/);
    expect(judged({ text: 'LOT 42', isExact: true }, lines('lot 42'))).toMatch(/^fail/);
  });

  test('fails, or what is set, when it was not, and says what was', () => {
    expect(judged({ text: 'LOT 42' }, lines('LOT', '43'))).toBe(
      'fail: “LOT 42” was not read, but “LOT 43”',
    );
    expect(judged({ text: 'LOT 42', outcome: 'review' }, lines())).toBe(
      'review: “LOT 42” was not read, but nothing',
    );
    const long = judged({ text: 'x' }, lines('a'.repeat(500)));
    expect(long.length).toBeLessThan(130);
  });

  test('compares with the context of the picture', () => {
    const rule = { contextKey: 'lot' };
    expect(judged(rule, lines('LOT 2026-47'), { lot: '2026-47' })).toMatch(/^pass/);
    expect(judged(rule, lines('LOT 2026-48'), { lot: '2026-47' })).toMatch(/^fail/);
    expect(judged(rule, lines('LOT 12'), { lot: 12 })).toMatch(/^pass/);
    const missing = 'review: the picture came without context.lot';
    expect(judged(rule, lines('LOT 12'))).toBe(missing);
    expect(judged(rule, lines('LOT 12'), { lot: ' ' })).toBe(missing);
    expect(judged(rule, lines('LOT 12'), { lot: { of: 1 } })).toBe(missing);
    expect(judged({ contextKey: 'toString' }, lines('x'), {})).toMatch(/^review/);
  });

  test('matches a pattern line by line', () => {
    const rule = { pattern: '^LOT \\d{2}$' };
    expect(judged(rule, lines('NOTICE', 'LOT 42', 'END'))).toMatch(/^pass/);
    expect(judged(rule, lines('A LOT 42'))).toMatch(/^fail/);
  });

  test('does not count lines that are unsure or could not be read', () => {
    const found = { text: [{ text: 'LOT', score: 0.4 }, { score: 0.9 }] };
    expect(judged({ text: 'LOT' }, found)).toMatch(/^pass/);
    expect(judged({ text: 'LOT', minScore: 0.5 }, found)).toMatch(/^fail/);
  });

  test('looks at what was read in the parts of detections', () => {
    const detections = [
      {
        label: 'bottle',
        labelIndex: 0,
        score: 0.9,
        box: { x: 0, y: 0, width: 1, height: 1 },
        attributes: { read: { text: [{ text: 'LOT 42', score: 0.9 }] } },
      },
    ];
    expect(judged({ text: 'LOT 42' }, { detections })).toMatch(/^pass/);
    expect(judged({ text: 'LOT 42' }, { detections: [] })).toMatch(/^fail/);
  });

  test('asks for review when the model gives no text', () => {
    expect(judged({ text: 'LOT' }, { classes: [] })).toMatch(/^review: the model gives no text/);
  });
});
