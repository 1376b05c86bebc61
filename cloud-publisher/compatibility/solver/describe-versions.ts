import type { SolverComponent, Term } from './incompatibility.ts';

/** More spans than this are counted instead of named. */
const MAX_SPANS = 3;

/** `X 1.0.0`, `X 1.0.0 to 1.4.0`, `every version of X`: the versions of a term, not its absence. */
export function describeTerm({ component, set }: Term): string {
  const places = set.places();
  if (places.length === component.versions.length) {
    return places.length === 1
      ? `${component.name} ${component.versions[0]}`
      : `every version of ${component.name}`;
  }
  return `${component.name} ${describePlaces(component, places)}`;
}

/** The same of the versions that are left when a term does not hold. */
export const describeOthers = ({ component, set }: Term): string =>
  describeTerm({ component, set: set.complement() });

function describePlaces({ versions }: SolverComponent, places: readonly number[]): string {
  if (places.length === 0) return '(no version)';
  const spans: { first: number; last: number }[] = [];
  for (const place of places) {
    const span = spans.at(-1);
    if (span?.last === place - 1) span.last = place;
    else spans.push({ first: place, last: place });
  }
  const texts = spans.map(({ first, last }) => {
    if (first === last) return versions[first]!;
    return last === versions.length - 1 && versions.length > 2
      ? `${versions[first]} and later`
      : `${versions[first]} to ${versions[last]}`;
  });
  if (texts.length <= MAX_SPANS) return texts.join(' or ');
  return `${texts[0]} or ${places.length - 1} other versions up to ${versions[places.at(-1)!]}`;
}

/** What there is of a component, for a range that nothing is in. */
export function describeAvailable({ name, versions }: SolverComponent): string {
  if (versions.length === 0) return `there is no component ${name}`;
  if (versions.length === 1) return `the only version of ${name} is ${versions[0]}`;
  return `versions of ${name} are ${versions[0]} to ${versions.at(-1)}`;
}
