import type { ComponentCatalog, Dependency, VersionFacts } from '../component-catalog.ts';
import { parseVersions, placesInRange } from '../version-range.ts';
import { incompatibility } from './incompatibility.ts';
import type { Cause, Incompatibility, SolverComponent, Term } from './incompatibility.ts';
import { PartialSolution } from './partial-solution.ts';
import type { Assignment } from './partial-solution.ts';
import { overdraft } from './shared-limit.ts';
import type { SharedLimit } from './shared-limit.ts';
import { VersionSet } from './version-set.ts';

export interface SolveRequest {
  /** Ranges by component. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Why a version cannot be taken; `undefined` when it can. */
  readonly refusal?: (facts: VersionFacts, component: string) => string | undefined;
  readonly limits?: readonly SharedLimit[];
  /** Components that are there already: dependencies on them are passed over. */
  readonly isProvided?: (component: string) => boolean;
  /** Versions to try before newer ones, by component. */
  readonly preferred?: ReadonlyMap<string, string>;
}

export type SolveResult =
  | { readonly isSolved: true; readonly versions: ReadonlyMap<string, string> }
  | { readonly isSolved: false; readonly conflict: Incompatibility };

/**
 * PubGrub (Natalie Weizenbaum, 2018): finds the newest versions that go together, or proves that there
 * are none, and then holds the proof.
 * @throws VedetteError of the catalogue
 */
export const solve = (request: SolveRequest, catalog: ComponentCatalog): Promise<SolveResult> =>
  new Solver(request, catalog).run();

class Solver {
  readonly #request: SolveRequest;
  readonly #catalog: ComponentCatalog;
  readonly #components = new Map<string, SolverComponent>();
  readonly #ranges = new Map<SolverComponent, Map<string, VersionSet>>();
  readonly #rules = new Map<SolverComponent, Incompatibility[]>();
  readonly #facts = new Map<SolverComponent, Map<string, VersionFacts>>();
  readonly #solution = new PartialSolution();
  /** Stands for the request: it «depends» on what is wanted. */
  readonly #root: SolverComponent = {
    name: '',
    versions: ['0.0.0'],
    parsed: [],
    anything: VersionSet.all(1),
    left: VersionSet.all(1),
  };
  /** Versions whose rules stand already, by component. */
  readonly #ruled = new Map<SolverComponent, Set<string>>();

  constructor(request: SolveRequest, catalog: ComponentCatalog) {
    this.#request = request;
    this.#catalog = catalog;
  }

  async run(): Promise<SolveResult> {
    const requested = { component: this.#root, set: VersionSet.of(1, [0]) };
    const refused = { component: this.#root, set: requested.set.complement() };
    this.#solution.derive(requested, incompatibility([refused], { kind: 'request' }));
    for (const [name, range] of this.#request.wanted) {
      const component = await this.#component(name);
      const set = this.#inRange(component, range).complement();
      const cause: Cause = { kind: 'requested', component, range, isUnmet: set.isAll };
      this.#addRule(incompatibility([requested, { component, set }], cause));
    }
    let conflict = this.#propagate(this.#root);
    while (!conflict) {
      const component = this.#solution.nextOpen();
      const next = component ? await this.#choose(component) : this.#overdrawn();
      if (!next) break;
      conflict = 'rule' in next ? this.#settle(next.rule) : this.#propagate(next.component);
    }
    if (conflict) return { isSolved: false, conflict };
    const decided = [...this.#solution.decisions].filter(([component]) => component !== this.#root);
    return {
      isSolved: true,
      versions: new Map(decided.map(([component, version]) => [component.name, version])),
    };
  }

  /** Follows what must hold. @returns the proof that nothing can, if so */
  #propagate(first: SolverComponent): Incompatibility | undefined {
    const changed = [first];
    for (let component = changed.pop(); component; component = changed.pop()) {
      const rules = this.#rules.get(component) ?? [];
      // Newest first: rules that were learnt from conflicts say most.
      for (let index = rules.length - 1; index >= 0; index -= 1) {
        const rule = rules[index]!;
        const found = this.#consequence(rule);
        if (found === undefined) continue;
        if (found === 'conflict') {
          const learnt = this.#resolve(rule);
          if (isFailure(learnt, this.#root)) return learnt;
          // After going back everything but one term of it holds.
          const consequence = this.#consequence(learnt);
          if (consequence === undefined || consequence === 'conflict') {
            throw new Error('a conflict was not resolved by what was learnt of it');
          }
          changed.length = 0;
          this.#solution.derive(consequence, learnt);
          changed.push(consequence.component);
          break;
        }
        this.#solution.derive(found, rule);
        changed.push(found.component);
      }
    }
    return undefined;
  }

  /** A rule that is broken now, made here or not: learns from it and goes on. */
  #settle(rule: Incompatibility): Incompatibility | undefined {
    this.#addRule(rule);
    const [first] = rule.terms;
    return first ? this.#propagate(first.component) : rule;
  }

  /** @returns what must hold because of a rule; `undefined` when it says nothing now */
  #consequence({ terms }: Incompatibility): Term | 'conflict' | undefined {
    let open: Term | undefined;
    for (const term of terms) {
      const left = term.component.left;
      if (left.isSubsetOf(term.set)) continue;
      if (left.isDisjointWith(term.set) || open) return undefined;
      open = term;
    }
    return open ? { component: open.component, set: open.set.complement() } : 'conflict';
  }

  /** Finds the root of a conflict, learns it, and goes back to where it can be avoided. */
  #resolve(broken: Incompatibility): Incompatibility {
    let conflict = broken;
    while (!isFailure(conflict, this.#root)) {
      let latest: { readonly term: Term; readonly step: Assignment } | undefined;
      let previousLevel = 0;
      for (const term of conflict.terms) {
        const step = this.#solution.satisfier(term);
        if (!latest || step.index > latest.step.index) {
          previousLevel = Math.max(previousLevel, latest?.step.level ?? 0);
          latest = { term, step };
        } else {
          previousLevel = Math.max(previousLevel, step.level);
        }
      }
      const { term, step } = latest!;
      // The step holds the term only together with steps before it.
      const rest = step.set.minus(term.set);
      const others = { component: term.component, set: rest.complement() };
      if (!rest.isEmpty) {
        previousLevel = Math.max(previousLevel, this.#solution.satisfier(others).level);
      }
      if (previousLevel < step.level || step.cause === undefined) {
        this.#solution.backtrack(previousLevel);
        if (conflict !== broken) this.#addRule(conflict);
        return conflict;
      }
      const { cause } = step;
      const terms = [
        ...conflict.terms.filter((one) => one !== term),
        ...cause.terms.filter(({ component }) => component !== step.component),
        ...(rest.isEmpty ? [] : [others]),
      ];
      conflict = incompatibility(terms, { kind: 'derived', conflict, other: cause });
    }
    return conflict;
  }

  async #choose(
    component: SolverComponent,
  ): Promise<{ readonly component: SolverComponent } | { readonly rule: Incompatibility }> {
    if (component === this.#root) {
      this.#solution.decide(component, 0);
      return { component };
    }
    const place = this.#preferredPlace(component);
    const version = component.versions[place]!;
    const facts = await this.#catalog.facts(component.name, version);
    this.#remember(component, version, facts);
    const reason = this.#request.refusal?.(facts, component.name);
    if (reason !== undefined) {
      const isSame = (one: VersionFacts) => this.#request.refusal?.(one, component.name) === reason;
      const term = { component, set: this.#neighbours(component, place, isSame) };
      return { rule: incompatibility([term], { kind: 'refused', term, reason }) };
    }
    const isBroken = await this.#addDependencies(component, place, facts);
    // One of its dependencies cannot be had: what follows from the new rule excludes this version.
    if (!isBroken) this.#solution.decide(component, place);
    return { component };
  }

  async #addDependencies(
    component: SolverComponent,
    place: number,
    facts: VersionFacts,
  ): Promise<boolean> {
    const version = component.versions[place]!;
    const ruled = this.#ruled.get(component) ?? new Set();
    this.#ruled.set(component, ruled);
    let isBroken = false;
    for (const [name, { range }] of facts.dependencies) {
      if (this.#request.isProvided?.(name)) continue;
      const dependency = await this.#component(name);
      const outside = { component: dependency, set: this.#inRange(dependency, range).complement() };
      if (!ruled.has(`${version} ${name}`)) {
        const isSame = (one: VersionFacts) => one.dependencies.get(name)?.range === range;
        const dependent = { component, set: this.#neighbours(component, place, isSame) };
        for (const at of dependent.set.places()) ruled.add(`${component.versions[at]} ${name}`);
        const isUnmet = outside.set.isAll;
        const cause: Cause = {
          kind: 'dependency',
          dependent,
          component: dependency,
          range,
          isUnmet,
        };
        // A dependency on itself that its own version does not satisfy excludes the version.
        this.#addRule(
          dependency === component
            ? incompatibility([{ component, set: dependent.set.intersect(outside.set) }], cause)
            : incompatibility([dependent, outside], cause),
        );
      }
      isBroken ||=
        dependency === component
          ? outside.set.hasVersion(place)
          : dependency.left.isSubsetOf(outside.set);
    }
    return isBroken;
  }

  /** Versions around a place for which the same holds, as far as they are known: one rule for all. */
  #neighbours(
    component: SolverComponent,
    place: number,
    isSame: (facts: VersionFacts) => boolean,
  ): VersionSet {
    const isAlike = (at: number): boolean => {
      const version = component.versions[at];
      if (version === undefined) return false;
      const facts = this.#catalog.knownFacts(component.name, version);
      if (!facts || !isSame(facts)) return false;
      this.#remember(component, version, facts);
      return true;
    };
    const places = [place];
    for (let at = place - 1; isAlike(at); at -= 1) places.push(at);
    for (let at = place + 1; isAlike(at); at += 1) places.push(at);
    return VersionSet.of(component.versions.length, places);
  }

  #preferredPlace(component: SolverComponent): number {
    const left = component.left;
    const preferred = this.#request.preferred?.get(component.name);
    if (preferred !== undefined) {
      const place = component.versions.indexOf(preferred);
      if (place >= 0 && left.hasVersion(place)) return place;
    }
    return left.places().at(-1)!;
  }

  /** Everything is decided: a limit that is exceeded by all together becomes a rule. */
  #overdrawn(): { readonly rule: Incompatibility } | undefined {
    for (const limit of this.#request.limits ?? []) {
      const rule = overdraft(this.#solution.decisions, limit, (component, version) => {
        const known = this.#facts.get(component)?.get(version);
        return known ?? this.#catalog.knownFacts(component.name, version);
      });
      if (rule) return { rule };
    }
    return undefined;
  }

  #remember(component: SolverComponent, version: string, facts: VersionFacts): void {
    const known = this.#facts.get(component);
    if (known) known.set(version, facts);
    else this.#facts.set(component, new Map([[version, facts]]));
  }

  #addRule(rule: Incompatibility): void {
    for (const { component } of rule.terms) {
      const rules = this.#rules.get(component);
      if (rules) rules.push(rule);
      else this.#rules.set(component, [rule]);
    }
  }

  async #component(name: string): Promise<SolverComponent> {
    const known = this.#components.get(name);
    if (known) return known;
    const parsed = parseVersions(await this.#catalog.versions(name));
    const versions = parsed.map(({ version }) => version);
    const anything = VersionSet.all(versions.length);
    const component = { name, versions, parsed, anything, left: anything };
    this.#components.set(name, component);
    return component;
  }

  #inRange(component: SolverComponent, range: string): VersionSet {
    const known = this.#ranges.get(component) ?? new Map<Dependency['range'], VersionSet>();
    this.#ranges.set(component, known);
    let set = known.get(range);
    if (!set) {
      const { parsed } = component;
      set = VersionSet.of(parsed.length, placesInRange(parsed, range));
      known.set(range, set);
    }
    return set;
  }
}

/** Nothing at all, or not what was asked for. */
const isFailure = ({ terms }: Incompatibility, root: SolverComponent): boolean =>
  terms.length === 0 || (terms.length === 1 && terms[0]!.component === root);
