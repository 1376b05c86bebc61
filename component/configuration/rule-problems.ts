import { TEXT_WANTED } from '../contract/text-rule-config.ts';
import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { unseenScores } from './unseen-scores.ts';

/** Settings of rules that do not fit each other. `tree` is as it was written. */
export function ruleProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  return Object.entries(mapAt(tree, 'rules')).flatMap(([name, rule]) =>
    isMap(rule)
      ? [...problemsOfRule(`rules.${name}`, rule), ...unseenScores(`rules.${name}`, rule, tree)]
      : [],
  );
}

export function problemsOfRule(path: string, rule: ConfigurationTree): ConfigurationProblem[] {
  switch (rule['kind']) {
    case 'anomaly':
      return ordered(path, rule, 'reviewAt', 'failAt', true);
    case 'score-between':
      return ordered(path, rule, 'from', 'to', true);
    case 'count':
    case 'occupancy':
      return limitProblems(path, rule);
    case 'area':
      return limitProblems(path, rule, 'minimumFraction', 'maximumFraction');
    case 'crossing':
      return [...limitProblems(path, rule), ...crossingProblems(path, rule)];
    case 'text':
      return textProblems(path, rule);
    default:
      return [];
  }
}

function limitProblems(
  path: string,
  rule: ConfigurationTree,
  low = 'minimum',
  high = 'maximum',
): ConfigurationProblem[] {
  if (rule[low] === undefined && rule[high] === undefined) {
    return [{ path, message: `needs \`${low}\` or \`${high}\` (or both)` }];
  }
  return ordered(path, rule, low, high, false);
}

function crossingProblems(path: string, rule: ConfigurationTree): ConfigurationProblem[] {
  if (rule['minimum'] === undefined || rule['withinMs'] !== undefined) return [];
  return [
    {
      path: `${path}.withinMs`,
      message: 'is required with `minimum`: the time in which so many must cross',
    },
  ];
}

function textProblems(path: string, rule: ConfigurationTree): ConfigurationProblem[] {
  const given = TEXT_WANTED.filter((key) => rule[key] !== undefined);
  const list = TEXT_WANTED.map((key) => `\`${key}\``).join(', ');
  if (given.length !== 1) {
    const got = given.length === 0 ? 'has none' : `has ${given.join(' and ')}`;
    return [{ path, message: `needs exactly one of ${list}, but ${got}` }];
  }
  const { pattern } = rule;
  if (typeof pattern !== 'string') return [];
  try {
    new RegExp(pattern, 'mu');
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ path: `${path}.pattern`, message: `is no regular expression: ${reason}` }];
  }
}

function ordered(
  path: string,
  rule: ConfigurationTree,
  low: string,
  high: string,
  isStrict: boolean,
): ConfigurationProblem[] {
  const value = (key: string) => (rule[key] === undefined ? undefined : Number(rule[key]));
  const [a, b] = [value(low), value(high)];
  if (a === undefined || b === undefined || a < b || (a === b && !isStrict)) return [];
  return [{ path: `${path}.${low}`, message: `must be below \`${high}\` (${b}), got ${a}` }];
}
