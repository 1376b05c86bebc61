import type { SemVer } from 'semver';
import type { VersionSet } from './version-set.ts';

/** A component as the solver sees it. */
export interface SolverComponent {
  readonly name: string;
  /** Ascending. */
  readonly versions: readonly string[];
  readonly parsed: readonly SemVer[];
  /** Any version, or none. */
  readonly anything: VersionSet;
  /** What is left of these in the search: kept here because nothing is asked for as often. */
  left: VersionSet;
}

/** «The state of this component is in this set.» */
export interface Term {
  readonly component: SolverComponent;
  readonly set: VersionSet;
}

export type Cause =
  /** What is to be installed. */
  | { readonly kind: 'request' }
  | {
      readonly kind: 'requested';
      readonly component: SolverComponent;
      readonly range: string;
      /** No version is in the range. */
      readonly isUnmet: boolean;
    }
  | {
      readonly kind: 'dependency';
      readonly dependent: Term;
      readonly component: SolverComponent;
      readonly range: string;
      readonly isUnmet: boolean;
    }
  /** Versions that the device, or the catalogue, does not take. */
  | { readonly kind: 'refused'; readonly term: Term; readonly reason: string }
  /** Versions that need more together than there is. */
  | { readonly kind: 'shared'; readonly reason: string }
  | {
      readonly kind: 'derived';
      readonly conflict: Incompatibility;
      readonly other: Incompatibility;
    };

/** Terms that cannot all hold at once, and why. */
export interface Incompatibility {
  readonly terms: readonly Term[];
  readonly cause: Cause;
}

/** Terms of one component become one; a term that always holds says nothing and is left out. */
export function incompatibility(terms: readonly Term[], cause: Cause): Incompatibility {
  const merged = new Map<SolverComponent, VersionSet>();
  for (const { component, set } of terms) {
    const known = merged.get(component);
    merged.set(component, known ? known.intersect(set) : set);
  }
  return {
    terms: [...merged]
      .filter(([, set]) => !set.isAll)
      .map(([component, set]) => ({ component, set })),
    cause,
  };
}
