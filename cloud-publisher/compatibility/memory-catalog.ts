import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentCatalog, VersionFacts } from './component-catalog.ts';

/** Components that are known in full, such as those of a lock. */
export class MemoryCatalog implements ComponentCatalog {
  readonly description: string;
  readonly #components: ReadonlyMap<string, ReadonlyMap<string, VersionFacts>>;

  /** @param components facts by component and version */
  constructor(
    description: string,
    components: ReadonlyMap<string, ReadonlyMap<string, VersionFacts>>,
  ) {
    this.description = description;
    this.#components = components;
  }

  isProvided(): boolean {
    return false;
  }

  versions(component: string): Promise<readonly string[]> {
    return Promise.resolve([...(this.#components.get(component)?.keys() ?? [])]);
  }

  facts(component: string, version: string): Promise<VersionFacts> {
    const found = this.knownFacts(component, version);
    if (found) return Promise.resolve(found);
    return Promise.reject(
      new VedetteError(
        'COMPONENT_NOT_FOUND',
        `there is no ${component} ${version} in ${this.description}`,
      ),
    );
  }

  knownFacts(component: string, version: string): VersionFacts | undefined {
    return this.#components.get(component)?.get(version);
  }
}
