import type { VersionFacts } from '../component-catalog.ts';
import { incompatibility } from './incompatibility.ts';
import type { Incompatibility, SolverComponent } from './incompatibility.ts';
import { VersionSet } from './version-set.ts';

/** Something of which a device has only so much for all components together. */
export interface SharedLimit {
  /** `undefined` when the version's need is not known: it is counted as nothing. */
  readonly needOf: (facts: VersionFacts) => number | undefined;
  readonly limit: number;
  /** What stands in the explanation, such as `1.2 GB of disk`. */
  readonly describe: (amount: number) => string;
}

/** What is known of a version; `undefined` for one that was never looked at. */
export type KnownFacts = (component: SolverComponent, version: string) => VersionFacts | undefined;

/** A limit that is exceeded by everything that was decided, as a rule; `undefined` when it suffices. */
export function overdraft(
  decisions: ReadonlyMap<SolverComponent, string>,
  { needOf, limit, describe }: SharedLimit,
  known: KnownFacts,
): Incompatibility | undefined {
  const needed = (component: SolverComponent, version: string): number => {
    const facts = known(component, version);
    return (facts && needOf(facts)) ?? 0;
  };
  const needs = [...decisions]
    .map(([component, version]) => ({ component, version, need: needed(component, version) }))
    .filter(({ need }) => need > 0)
    .sort((a, b) => b.need - a.need || (a.component.name < b.component.name ? -1 : 1));
  let sum = 0;
  const until = needs.findIndex(({ need }) => (sum += need) > limit);
  if (until < 0) return undefined;
  const guilty = needs.slice(0, until + 1);
  // Versions that need as much or more would not fit either.
  const terms = guilty.map(({ component, need }) => ({
    component,
    set: VersionSet.of(
      component.versions.length,
      [...component.versions.keys()].filter(
        (place) => needed(component, component.versions[place]!) >= need,
      ),
    ),
  }));
  const list = guilty.map(
    ({ component, version, need }) => `${component.name} ${version} (${describe(need)})`,
  );
  const all =
    list.length === 1
      ? `${list[0]} alone needs`
      : `${list.slice(0, -1).join(', ')} and ${list.at(-1)} together need`;
  const reason = `${all} ${describe(sum)}, and there is ${describe(limit)}`;
  return incompatibility(terms, { kind: 'shared', reason });
}
