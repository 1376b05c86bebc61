import type { Incompatibility, SolverComponent, Term } from './incompatibility.ts';
import { VersionSet } from './version-set.ts';

/** A step of the search: a decision, or what follows from an incompatibility. */
export interface Assignment extends Term {
  readonly index: number;
  /** Number of decisions made up to here. */
  readonly level: number;
  /** Absent for a decision. */
  readonly cause: Incompatibility | undefined;
  /** What is left of the component after this step. */
  readonly left: VersionSet;
}

/** What is decided and derived so far, in its order, so that it can be taken back. */
export class PartialSolution {
  readonly #assignments: Assignment[] = [];
  readonly #byComponent = new Map<SolverComponent, Assignment[]>();
  /** Must be installed, and in which version is open: with the number of versions left. */
  readonly #open = new Map<SolverComponent, number>();
  readonly #decided = new Map<SolverComponent, string>();
  #level = 0;

  get decisions(): ReadonlyMap<SolverComponent, string> {
    return this.#decided;
  }

  decide(component: SolverComponent, place: number): void {
    this.#level += 1;
    this.#add(component, VersionSet.of(component.versions.length, [place]), undefined);
    this.#decided.set(component, component.versions[place]!);
    this.#open.delete(component);
  }

  derive({ component, set }: Term, cause: Incompatibility): void {
    this.#add(component, set, cause);
  }

  /** The open component with the fewest versions left: what can fail, fails early. */
  nextOpen(): SolverComponent | undefined {
    let best: SolverComponent | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [component, size] of this.#open) {
      if (size >= fewest) continue;
      best = component;
      fewest = size;
      if (size <= 1) break;
    }
    return best;
  }

  /** The first step after which a term held. */
  satisfier({ component, set }: Term): Assignment {
    const found = this.#byComponent.get(component)?.find(({ left }) => left.isSubsetOf(set));
    if (!found) throw new Error(`no step of the search satisfies a term of ${component.name}`);
    return found;
  }

  backtrack(level: number): void {
    while (this.#assignments.length > 0 && this.#assignments.at(-1)!.level > level) {
      const { component, cause } = this.#assignments.pop()!;
      const steps = this.#byComponent.get(component)!;
      steps.pop();
      component.left = steps.at(-1)?.left ?? component.anything;
      if (cause === undefined) this.#decided.delete(component);
      this.#setOpen(component);
    }
    this.#level = level;
  }

  #add(component: SolverComponent, set: VersionSet, cause: Incompatibility | undefined): void {
    const left = component.left.intersect(set);
    component.left = left;
    const assignment: Assignment = {
      component,
      set,
      index: this.#assignments.length,
      level: this.#level,
      cause,
      left,
    };
    this.#assignments.push(assignment);
    const known = this.#byComponent.get(component);
    if (known) known.push(assignment);
    else this.#byComponent.set(component, [assignment]);
    this.#setOpen(component);
  }

  #setOpen(component: SolverComponent): void {
    const { left } = component;
    if (!left.hasAbsence && !this.#decided.has(component)) this.#open.set(component, left.size);
    else this.#open.delete(component);
  }
}
