import { describeAvailable, describeOthers, describeTerm } from './describe-versions.ts';
import type { Cause, Incompatibility, SolverComponent, Term } from './incompatibility.ts';

type Derived = Extract<Cause, { readonly kind: 'derived' }>;
type DerivedIncompatibility = Incompatibility & { readonly cause: Derived };

const CONCLUSION = 'what you ask for cannot be had';

const isDerived = (one: Incompatibility): one is DerivedIncompatibility =>
  one.cause.kind === 'derived';

/**
 * The proof that nothing fits, as sentences of which each follows from facts and from those before it.
 * A sentence that is used later than in the next one gets a number, by which it is named again.
 */
export function explainConflict(conflict: Incompatibility): string[] {
  const { cause } = conflict;
  if (cause.kind !== 'derived') return [`Because ${factOf(cause)}, ${CONCLUSION}.`];
  const order = inOrder({ ...conflict, cause });
  const numbers = numberedOf(order);
  return order.map((one, index) => {
    const parts = [one.cause.other, one.cause.conflict];
    const previous = parts.find((part) => part === order[index - 1]);
    const reasons = parts
      .filter((part) => part !== previous)
      .map((part) => reasonOf(part, numbers))
      .join(' and ');
    const isLast = index === order.length - 1;
    const begin = previous ? (isLast ? 'So, because' : 'And because') : 'Because';
    const number = numbers.has(one) ? ` (${numbers.get(one)})` : '';
    return `${begin} ${reasons}, ${isLast ? CONCLUSION : statementOf(one)}${number}.`;
  });
}

/** Each derived incompatibility after those it rests on. Without recursion: proofs may be deep. */
function inOrder(root: DerivedIncompatibility): DerivedIncompatibility[] {
  const order = new Set<DerivedIncompatibility>();
  const opened = new Set<DerivedIncompatibility>();
  const stack = [root];
  for (let one = stack.at(-1); one; one = stack.at(-1)) {
    const parts = [one.cause.other, one.cause.conflict].filter(isDerived);
    if (order.has(one)) stack.pop();
    else if (opened.has(one)) {
      stack.pop();
      order.add(one);
    } else {
      opened.add(one);
      stack.push(...parts.filter((part) => !order.has(part)));
    }
  }
  return [...order];
}

function numberedOf(order: readonly DerivedIncompatibility[]): Map<Incompatibility, number> {
  const numbers = new Map<Incompatibility, number>();
  for (const [index, one] of order.entries()) {
    const isUsedLater = order
      .slice(index + 2)
      .some(({ cause: { conflict, other } }) => conflict === one || other === one);
    if (isUsedLater) numbers.set(one, numbers.size + 1);
  }
  return numbers;
}

function reasonOf(one: Incompatibility, numbers: ReadonlyMap<Incompatibility, number>): string {
  const { cause } = one;
  return cause.kind === 'derived' ? `${statementOf(one)} (${numbers.get(one)})` : factOf(cause);
}

function factOf(cause: Exclude<Cause, Derived>): string {
  switch (cause.kind) {
    case 'request':
      return 'it is asked for';
    case 'requested':
      return `you ask for ${cause.component.name} ${rangeText(cause.range, cause)}`;
    case 'dependency':
      return `${describeTerm(cause.dependent)} depends on ${cause.component.name} ${rangeText(cause.range, cause)}`;
    case 'refused':
      return `${describeTerm(cause.term)} ${cause.reason}`;
    case 'shared':
      return cause.reason;
  }
}

const rangeText = (
  range: string,
  { component, isUnmet }: { readonly component: SolverComponent; readonly isUnmet: boolean },
): string => {
  const text = range.trim() === '' ? '*' : range;
  return isUnmet ? `${text} (${describeAvailable(component)})` : text;
};

/** What a derived incompatibility means, the request itself left out. */
function statementOf({ terms }: Incompatibility): string {
  const own = terms.filter(({ component }) => component.name !== '');
  const installed = own.filter(({ set }) => !set.hasAbsence);
  const excluded = own.filter(({ set }) => set.hasAbsence);
  const needed = excluded.map(describeOthers).join(' or ');
  if (installed.length === 0) return `${needed} must be installed`;
  if (excluded.length > 0) {
    return `${installed.map(describeTerm).join(' with ')} needs ${needed}`;
  }
  const [first, ...rest] = installed as [Term, ...Term[]];
  if (rest.length === 0) {
    const { component, set } = first;
    return set.size === component.versions.length && set.size > 1
      ? `no version of ${component.name} can be installed`
      : `${describeTerm(first)} cannot be installed`;
  }
  return `${describeTerm(first)} cannot go with ${rest.map(describeTerm).join(' and ')}`;
}
