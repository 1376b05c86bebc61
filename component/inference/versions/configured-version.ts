import { VedetteError } from '../../contract/errors.ts';
import type { RememberedModel } from '../../contract/model-lifecycle.ts';
import { isModelReference } from '../../contract/model-manifest.ts';
import type { ModelGeneration } from '../model-generation.ts';
import type { VersionSettings } from './version-roles.ts';
import type { VersionSet } from './version-set.ts';

/** What a new configuration asks of a model. */
export interface ModelConfiguration extends VersionSettings {
  /** A value differs that only a model which is loaded anew has. */
  readonly isReloaded: boolean;
}

/**
 * A model by another configuration, beside the model as it is. First everything that may fail: it is
 * loaded, and then `remember` writes what must outlive a power cut. `assign` is one step between two
 * frames and cannot fail. In place of it, `discard` leaves everything as it was.
 */
export class ConfiguredVersion {
  readonly #versions: VersionSet;
  readonly #next: ModelConfiguration;
  /** Absent when what runs goes on, or when nothing can be loaded yet. */
  readonly #generation: ModelGeneration | undefined;
  readonly #before: RememberedModel;
  #isRemembered = false;
  #leaving: readonly ModelGeneration[] = [];

  private constructor(
    versions: VersionSet,
    next: ModelConfiguration,
    generation: ModelGeneration | undefined,
  ) {
    this.#versions = versions;
    this.#next = next;
    this.#generation = generation;
    this.#before = versions.memory.known;
  }

  /**
   * Loads what is asked for beside what runs. An installed version that is not there yet is waited for:
   * its component comes later in the same deployment.
   * @throws VedetteError see ModelGeneration.load
   */
  static async load(versions: VersionSet, next: ModelConfiguration): Promise<ConfiguredVersion> {
    const { active, memory } = versions;
    const isRenamed = next.config.package !== memory.known.configuredPackage;
    const wanted = isRenamed ? next.config.package : active.packageName;
    const isOther = wanted !== active.packageName;
    if (!isOther && !next.isReloaded) return new ConfiguredVersion(versions, next, undefined);
    try {
      const occasion = isOther ? 'change' : 'start';
      const generation = await versions.load(wanted, occasion, false, next);
      return new ConfiguredVersion(versions, next, generation);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      const isAwaited = error.code === 'MODEL_NOT_INSTALLED' && isModelReference(wanted);
      if (!isAwaited) throw error;
      return new ConfiguredVersion(versions, next, undefined);
    }
  }

  /** @throws VedetteError of the registry: what cannot be remembered is not used */
  async remember(): Promise<void> {
    const { active, memory } = this.#versions;
    const { config } = this.#next;
    const isRenamed = config.package !== this.#before.configuredPackage;
    if (!isRenamed) return;
    const generation = this.#generation;
    const isNoneRunning = !generation && active.state === 'failed';
    const roles = {
      ...(generation || isNoneRunning ? { activePackage: config.package } : {}),
      ...(generation ? { candidate: undefined } : {}),
      ...(generation && active.isReady ? { previousPackage: active.packageName } : {}),
    };
    this.#isRemembered = true;
    await memory.save({ configuredPackage: config.package, isPinned: false, ...roles });
  }

  /** From the next frame on. */
  assign(): void {
    this.#versions.configure(this.#next);
    if (!this.#generation) return;
    this.#leaving = this.#versions.replaceActive(this.#generation);
  }

  /**
   * After `assign`: what has no role any more ends what it was given.
   * @returns whether the active version must be brought up, since there is none that runs
   */
  async finish(): Promise<{ readonly isUnloaded: boolean }> {
    const versions = this.#versions;
    const generation = this.#generation;
    if (generation && this.#before.activePackage !== generation.packageName) {
      versions.record('swapped', generation.packageName, 'configuration', { mode: 'swap' });
    }
    await Promise.all(this.#leaving.map((one) => versions.retire(one)));
    const isRenamed = this.#next.config.package !== this.#before.configuredPackage;
    const isWanted = !generation && (isRenamed || this.#next.isReloaded);
    if (!isWanted || versions.active.state !== 'failed') return { isUnloaded: false };
    const wanted = isRenamed ? this.#next.config.package : versions.active.packageName;
    await versions.replaceUnloaded(wanted, versions.previous, true);
    return { isUnloaded: true };
  }

  /** @throws VedetteError of the registry, when what was remembered cannot be taken back */
  async discard(): Promise<void> {
    await this.#versions.retire(this.#generation, { drainMs: 0 });
    const nothing = { previousPackage: undefined, candidate: undefined };
    if (this.#isRemembered) await this.#versions.memory.save({ ...nothing, ...this.#before });
  }
}
