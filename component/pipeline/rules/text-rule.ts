import type { Detection, Findings, TextLine, Verdict } from '../../contract/result.ts';
import { notApplicable, type ApplyRule, type RuleOf } from './evidence.ts';

/** Of what was read, as much as a reason shows. */
const MOST_SHOWN = 80;

/** Lines are joined in the order in which they are read, so that a text may go on in the next one. */
export const applyTextRule: ApplyRule<'text'> = (rule, { findings, context }) => {
  const lines = textLines(findings);
  if (!lines) return notApplicable(rule, 'text');
  const read = lines.flatMap(({ text, score }) =>
    text === undefined || score < rule.minScore ? [] : [text],
  );
  const wanted = wantedBy(rule, context);
  if (wanted === undefined) {
    return verdict(rule, 'review', `the picture came without context.${rule.contextKey ?? ''}`);
  }
  const isThere =
    wanted instanceof RegExp ? wanted.test(read.join('\n')) : contains(read, wanted, rule.isExact);
  const what = wanted instanceof RegExp ? `/${wanted.source}/` : `“${wanted}”`;
  if (isThere) return verdict(rule, 'pass', `${what} was read`);
  return verdict(rule, rule.outcome, `${what} was not read, but ${shown(read)}`);
};

function wantedBy(
  { text, contextKey, pattern }: RuleOf<'text'>,
  context: Readonly<Record<string, unknown>> = {},
): string | RegExp | undefined {
  if (pattern !== undefined) return new RegExp(pattern, 'mu');
  if (contextKey === undefined) return text;
  const value = Object.hasOwn(context, contextKey) ? context[contextKey] : undefined;
  return (typeof value === 'string' && value.trim() !== '') || typeof value === 'number'
    ? String(value)
    : undefined;
}

function contains(read: readonly string[], wanted: string, isExact: boolean): boolean {
  if (isExact) return read.join(' ').includes(wanted);
  const plain = (text: string) => text.replaceAll(/\s/gu, '').toLowerCase();
  return plain(read.join('')).includes(plain(wanted));
}

function shown(read: readonly string[]): string {
  if (read.length === 0) return 'nothing';
  const all = read.join(' ');
  return `“${all.length > MOST_SHOWN ? `${all.slice(0, MOST_SHOWN - 1)}…` : all}”`;
}

const verdict = (rule: RuleOf<'text'>, outcome: Verdict['outcome'], reason: string): Verdict => ({
  outcome,
  rule: rule.name,
  reason,
});

type Part = Pick<Findings, 'detections' | 'text'>;

/** All lines of a picture and of its parts; `undefined` when nothing gives text. */
function textLines({ detections, text }: Part): TextLine[] | undefined {
  const parts = [...(detections ?? []), ...(text ?? [])].flatMap(({ attributes }) =>
    Object.values((attributes ?? {}) as NonNullable<Detection['attributes']>),
  );
  const ofParts = parts.map(textLines).filter((lines) => lines !== undefined);
  if (!text && ofParts.length === 0) return detections?.length === 0 ? [] : undefined;
  return [...(text ?? []), ...ofParts.flat()];
}
