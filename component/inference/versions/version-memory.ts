import type { RememberedModel } from '../../contract/model-lifecycle.ts';

/** Where the versions of one model are remembered, over restarts and power cuts. */
export interface VersionStore {
  recall(): Promise<RememberedModel | undefined>;
  /** On the disk when it resolves. */
  remember(remembered: RememberedModel): Promise<void>;
}

/** What is remembered of a model, as it is on the disk. Without a store it is kept for this run only. */
export class VersionMemory {
  readonly #store: VersionStore | undefined;
  #known: RememberedModel;

  constructor(store: VersionStore | undefined, configuredPackage: string) {
    this.#store = store;
    this.#known = {
      schemaVersion: 1,
      configuredPackage,
      activePackage: configuredPackage,
      isPinned: false,
    };
  }

  get known(): RememberedModel {
    return this.#known;
  }

  /**
   * What was remembered before this start. It is known from now on if the configuration still names
   * the same package; another package in it wins over everything that was remembered.
   */
  async recall(): Promise<RememberedModel | undefined> {
    const remembered = await this.#store?.recall();
    if (remembered?.configuredPackage === this.#known.configuredPackage) this.#known = remembered;
    return remembered;
  }

  /** Takes effect when it is on the disk. @throws VedetteError of the store */
  async save(changed: Partial<RememberedModel>): Promise<void> {
    const next = { ...this.#known, ...changed };
    await this.#store?.remember(next);
    this.#known = next;
  }
}
