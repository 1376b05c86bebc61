import { describe, expect, test } from 'vitest';
import { chainProblems } from '../../../component/configuration/chain-problems.ts';
import { ruleProblems } from '../../../component/configuration/rule-problems.ts';

const models = { find: {}, read: {} };
const problemsOf = (steps: object, more: object = {}) =>
  chainProblems({ models, chains: { text: { steps, ...more } } } as never).map(
    ({ path, message }) => `${path}: ${message}`,
  );

describe('a chain', () => {
  test('is fine when one step takes the frame and the others lead back to it', () => {
    const steps = {
      a: { model: 'find' },
      b: { model: 'read', input: 'a' },
      c: { model: 'read', input: 'a', labels: { bottle: true } },
      d: { model: 'read', input: 'c' },
    };
    expect(problemsOf(steps)).toEqual([]);
  });

  test('is told everything that is wrong with it at once', () => {
    const steps = {
      frame: { model: 'find' },
      b: { model: 'reed', input: 'frame', margin: 0.2 },
      c: { model: 'read', input: 'nowhere' },
      d: { model: 'read', input: 'e' },
      e: { model: 'read', input: 'd' },
      f: { model: 'read', input: 'f' },
      g: { model: 'read', input: 'd', minScore: 0.9, maxScore: '0.5' },
    };
    expect(problemsOf(steps)).toEqual([
      'chains.text.steps: exactly one step must take the frame, but frame, b do',
      "chains.text.steps.frame: 'frame' is the picture and no name of a step",
      'chains.text.steps.b.model: names the model "reed", but configured are find, read',
      'chains.text.steps.b.margin: is about crops, but this step takes the frame: set `input` or leave it out',
      "chains.text.steps.c.input: names the step 'nowhere', but there are frame, frame, b, c, d, e, f, g",
      'chains.text.steps.d.input: leads back to the step itself: d → e → d',
      'chains.text.steps.e.input: leads back to the step itself: e → d → e',
      'chains.text.steps.f.input: leads back to the step itself: f → f',
      'chains.text.steps.g.minScore: must be at most `maxScore` (0.5), got 0.9',
    ]);
  });

  test('needs a step, and not too many', () => {
    expect(problemsOf({})).toEqual([
      'chains.text.steps: exactly one step must take the frame, but none does',
    ]);
    const many = Object.fromEntries(
      Array.from({ length: 17 }, (_, i) => [
        `s${i}`,
        { model: 'find', ...(i > 0 ? { input: 's0' } : {}) },
      ]),
    );
    expect(problemsOf(many)).toEqual(['chains.text.steps: has 17 steps, at most 16 are run']);
  });

  test('must not share its name with a model', () => {
    const tree = { models, chains: { find: { steps: { a: { model: 'find' } } } } };
    expect(chainProblems(tree).map(({ path }) => path)).toEqual(['chains.find']);
  });
});

describe('a text rule', () => {
  const problems = (rule: object) =>
    ruleProblems({ rules: { lot: { kind: 'text', ...rule } } } as never).map(
      ({ path, message }) => `${path}: ${message}`,
    );

  test('looks for exactly one thing', () => {
    expect(problems({ text: 'LOT' })).toEqual([]);
    expect(problems({})).toEqual([
      'rules.lot: needs exactly one of `text`, `contextKey`, `pattern`, but has none',
    ]);
    expect(problems({ text: 'LOT', pattern: 'x' })).toEqual([
      'rules.lot: needs exactly one of `text`, `contextKey`, `pattern`, but has text and pattern',
    ]);
  });

  test('has a pattern that is one', () => {
    expect(problems({ pattern: '^LOT \\d+$' })).toEqual([]);
    expect(problems({ pattern: '(' })[0]).toMatch(/^rules\.lot\.pattern: is no regular expression/);
  });
});
