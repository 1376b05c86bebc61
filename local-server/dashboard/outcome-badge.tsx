import type { Outcome } from '../../component/contract/result.ts';
import { OUTCOME_WORDS } from './operator-words.ts';

const SIGNS: Readonly<Record<Outcome, string>> = { pass: '✓', fail: '✕', review: '?', error: '!' };

/** Colour, sign and word, so that nobody depends on the colour. */
export function OutcomeBadge({ outcome, large }: { outcome: Outcome; large?: boolean }) {
  return (
    <span className={`outcome outcome-${outcome} ${large ? 'outcome-large' : ''}`}>
      <span aria-hidden="true">{SIGNS[outcome]}</span> {OUTCOME_WORDS[outcome]}
    </span>
  );
}
