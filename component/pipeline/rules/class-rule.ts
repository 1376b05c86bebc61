import { notApplicable, scoreText, type ApplyRule } from './evidence.ts';

export const applyClassRule: ApplyRule<'class'> = (rule, { findings: { classes } }) => {
  if (!classes) return notApplicable(rule, 'classes');
  // They come surest first; where none reached its threshold there is no first.
  const [first] = classes;
  const isFound = first?.label === rule.label && first.score >= rule.minimumScore;
  const seen = first ? `${first.label} ${scoreText(first.score)}` : 'no class';
  const score = rule.minimumScore > 0 ? ` at ${scoreText(rule.minimumScore)} or more` : '';
  return {
    outcome: isFound === rule.isWanted ? 'pass' : rule.outcome,
    rule: rule.name,
    reason: `${seen}, expected ${rule.isWanted ? '' : 'not '}${rule.label}${score}`,
  };
};
