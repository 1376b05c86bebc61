import { VedetteError } from '../../contract/errors.ts';
import type { RememberedModel } from '../../contract/model-lifecycle.ts';
import type { VersionSet } from './version-set.ts';

/** A failed package is tried again when its files change, or after so long. */
const RETRY_MS = 60_000;
const SIGNATURE_INTERVAL_MS = 2000;

/**
 * Brings the active version up when the process starts: the one that is remembered, or the one that
 * is configured when the configuration names another package than before, or when the remembered one
 * cannot be loaded. A configured package that fails is tried again and again.
 */
export class StartActive {
  readonly #versions: VersionSet;
  readonly #onFault: (fault: VedetteError) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(versions: VersionSet, onFault: (fault: VedetteError) => void) {
    this.#versions = versions;
    this.#onFault = onFault;
  }

  /** Resolves when it is ready or failed, with the candidate to go on with. Never rejects. */
  async start(): Promise<RememberedModel['candidate']> {
    const { memory } = this.#versions;
    let remembered: RememberedModel | undefined;
    try {
      remembered = await memory.recall();
      await this.#take(remembered);
    } catch (thrown) {
      this.#onFault(VedetteError.from(thrown));
    }
    if (this.#versions.isClosed) return undefined;
    await this.#load();
    return this.#versions.active.isReady ? memory.known.candidate : undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #take(remembered: RememberedModel | undefined): Promise<void> {
    if (!remembered) return;
    const { memory } = this.#versions;
    const { configuredPackage } = memory.known;
    if (remembered.configuredPackage === configuredPackage) {
      const { activePackage, previousPackage } = remembered;
      const previous = previousPackage === undefined ? undefined : { package: previousPackage };
      await this.#versions.replaceUnloaded(activePackage, previous);
      return;
    }
    const reason = new VedetteError(
      'CONFIG_CHANGED',
      `the configuration names ${configuredPackage}, and named ${remembered.configuredPackage} before: ` +
        `${remembered.activePackage} does not run any longer` +
        (remembered.isPinned ? ', and the pin on it is lifted' : ''),
    );
    this.#versions.record('restored', configuredPackage, 'start', { reason });
    await memory.save({});
  }

  async #load(): Promise<void> {
    const { active } = this.#versions;
    const { configuredPackage } = this.#versions.memory.known;
    const signature = await active.signature();
    try {
      await active.load(signature);
    } catch (thrown) {
      if (this.#versions.isClosed || this.#versions.active !== active) return;
      const error = VedetteError.from(thrown);
      this.#onFault(error);
      if (active.packageName === configuredPackage) this.#retryLater(signature);
      else await this.#fallBack(error);
    }
  }

  /** A line must not stand because a version that came later is gone or damaged. */
  async #fallBack(reason: VedetteError): Promise<void> {
    const { memory } = this.#versions;
    const { configuredPackage } = memory.known;
    this.#versions.record('restored', configuredPackage, 'start', { reason });
    await this.#versions.replaceUnloaded(configuredPackage, undefined);
    await this.#load();
    if (!this.#versions.active.isReady) return;
    const none = { previousPackage: undefined, candidate: undefined, isPinned: false };
    await memory
      .save({ ...none, activePackage: configuredPackage })
      .catch((thrown: unknown) => this.#onFault(VedetteError.from(thrown)));
  }

  #retryLater(signature: string): void {
    const { active } = this.#versions;
    const retryAt = Date.now() + RETRY_MS;
    const look = async () => {
      const now = await active.signature();
      if (this.#versions.isClosed || this.#versions.active !== active) return;
      if (now !== signature || Date.now() >= retryAt) await this.#load();
      else this.#timer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
    };
    this.#timer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
  }
}
