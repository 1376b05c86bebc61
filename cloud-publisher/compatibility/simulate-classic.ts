import type { VersionFacts } from './component-catalog.ts';
import { wishesText } from './nucleus-request.ts';
import type { NucleusRequest, Offers, Simulation } from './nucleus-request.ts';
import { isInRange } from './version-range.ts';

/** A nucleus that changes its mind so often would do so for ever. */
const MAX_STEPS = 100_000;
const DEPLOYMENT = 'the deployment';
const OTHER_DEPLOYMENT = 'a deployment to another group';

interface Chosen {
  readonly version: string;
  readonly facts: VersionFacts;
}

/** Ends the resolution with the sentence that the deployment fails with. */
class NoVersion extends Error {}

/**
 * The classic nucleus (2.18, DependencyResolver): breadth first from each root; a component is looked
 * up again each time somebody depends on it, with every wish known by then; when that changes its
 * version, the wishes of the old one are dropped. Wishes that come later than a choice was used are
 * not looked back for.
 */
export async function simulateClassic(
  request: NucleusRequest,
  offers: Offers,
): Promise<Simulation> {
  try {
    const versions = await new ClassicResolution(offers).run(request);
    return { isResolved: true, versions };
  } catch (error) {
    if (!(error instanceof NoVersion)) throw error;
    return { isResolved: false, reason: error.message };
  }
}

class ClassicResolution {
  readonly #offers: Offers;
  /** By component and by who wishes. */
  readonly #wishes = new Map<string, Map<string, string>>();
  readonly #references = new Map<string, number>();
  readonly #chosen = new Map<string, Chosen>();
  #steps = 0;

  constructor(offers: Offers) {
    this.#offers = offers;
  }

  async run({ roots, otherRoots = new Map(), installed = new Map() }: NucleusRequest) {
    for (const [name, range] of otherRoots) this.#wish(name, OTHER_DEPLOYMENT, range);
    for (const name of otherRoots.keys()) {
      await this.#traverse(name, (one, ranges) => {
        const version = installed.get(one);
        return version !== undefined && ranges.every((range) => isInRange(version, range))
          ? version
          : undefined;
      });
    }
    for (const [name, range] of roots) this.#wish(name, DEPLOYMENT, range);
    for (const name of roots.keys()) {
      await this.#traverse(name, (one, ranges) => this.#offers.newest(one, ranges));
    }
    for (const name of roots.keys()) this.#refuseCircle(name);
    return new Map([...this.#chosen].map(([name, { version }]) => [name, version]));
  }

  async #traverse(
    root: string,
    find: (name: string, ranges: string[]) => string | undefined | Promise<string | undefined>,
  ): Promise<void> {
    const waiting = [root];
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      this.#steps += 1;
      if (this.#steps > MAX_STEPS)
        throw new NoVersion(`the nucleus goes round and round at ${name}`);
      const wishes = this.#wishes.get(name)!;
      const version = await find(name, [...wishes.values()]);
      if (version === undefined) {
        throw new NoVersion(`the nucleus finds no version of ${name}: ${wishesText(wishes)}`);
      }
      this.#references.set(name, (this.#references.get(name) ?? 0) + 1);
      const before = this.#chosen.get(name);
      if (before?.version === version) continue;
      const facts = await this.#offers.facts(name, version);
      this.#chosen.set(name, { version, facts });
      if (before) this.#release(name, before);
      for (const [dependency, { range }] of facts.dependencies) {
        if (this.#offers.isProvided(dependency)) continue;
        this.#wish(dependency, name, range);
        waiting.push(dependency);
      }
    }
  }

  /** A version is not wanted any more: nor are its wishes, nor what only it depended on. */
  #release(first: string, version: Chosen): void {
    const waiting: [string, Chosen][] = [[first, version]];
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, { facts }] = next;
      for (const dependency of facts.dependencies.keys()) {
        this.#wishes.get(dependency)?.delete(name);
        const references = this.#references.get(dependency);
        if (references === undefined) continue;
        if (references > 1) {
          this.#references.set(dependency, references - 1);
          continue;
        }
        this.#references.delete(dependency);
        const removed = this.#chosen.get(dependency);
        this.#chosen.delete(dependency);
        if (removed) waiting.push([dependency, removed]);
      }
    }
  }

  #refuseCircle(root: string): void {
    const done = new Set<string>();
    const open = new Set<string>();
    const stack = [root];
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      if (done.has(name) || open.has(name)) {
        stack.pop();
        open.delete(name);
        done.add(name);
        continue;
      }
      open.add(name);
      for (const dependency of this.#chosen.get(name)?.facts.dependencies.keys() ?? []) {
        if (open.has(dependency)) {
          throw new NoVersion(`the nucleus refuses a circle of dependencies at ${dependency}`);
        }
        if (!done.has(dependency)) stack.push(dependency);
      }
    }
  }

  #wish(name: string, who: string, range: string): void {
    const wishes = this.#wishes.get(name);
    if (wishes) wishes.set(who, range);
    else this.#wishes.set(name, new Map([[who, range]]));
  }
}
