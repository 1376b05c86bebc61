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
  /** The write before: each begins with what the one before it left. */
  #last: Promise<void> = Promise.resolve();

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
  save(changed: Partial<RememberedModel>): Promise<void> {
    const written = this.#last.then(async () => {
      const next = { ...this.#known, ...changed };
      await this.#store?.remember(next);
      this.#known = next;
    });
    this.#last = written.catch(() => undefined);
    return written;
  }

  /**
   * For what is so already: known in its turn, and written with the next change when it cannot be
   * written now. @throws VedetteError of the store
   */
  correct(of: (known: RememberedModel) => Partial<RememberedModel>): Promise<void> {
    this.#last = this.#last.then(() => {
      this.#known = { ...this.#known, ...of(this.#known) };
    });
    return this.save({});
  }
}
