import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { versionFacts } from '../recipe/read-recipe.ts';
import type { ComponentCatalog, VersionFacts } from './component-catalog.ts';

/** What a gateway has, asked once: published versions do not change. */
export class GatewayCatalog implements ComponentCatalog {
  readonly description: string;
  readonly #gateway: ComponentGateway;
  readonly #versions = new Map<string, Promise<string[]>>();
  readonly #asked = new Map<string, Promise<VersionFacts>>();
  readonly #known = new Map<string, VersionFacts>();

  constructor(gateway: ComponentGateway) {
    this.#gateway = gateway;
    this.description = gateway.description;
  }

  isProvided(component: string): boolean {
    return this.#gateway.isProvided(component);
  }

  versions(component: string): Promise<readonly string[]> {
    const known = this.#versions.get(component) ?? this.#gateway.versions(component);
    this.#versions.set(component, known);
    return known;
  }

  facts(component: string, version: string): Promise<VersionFacts> {
    const key = `${component} ${version}`;
    const known = this.#asked.get(key) ?? this.#ask(component, version);
    this.#asked.set(key, known);
    return known;
  }

  knownFacts(component: string, version: string): VersionFacts | undefined {
    return this.#known.get(`${component} ${version}`);
  }

  async #ask(component: string, version: string): Promise<VersionFacts> {
    const what = `${component} ${version}`;
    const { recipe, tags } = await this.#gateway.details(component, version);
    const facts = versionFacts(recipe, tags, what);
    this.#known.set(what, facts);
    return facts;
  }
}
