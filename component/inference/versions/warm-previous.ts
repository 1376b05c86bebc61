import type { ModelGeneration } from '../model-generation.ts';
import type { PreviousVersion } from './version-roles.ts';

/** The version that answered before, which stays loaded for a while. */
export class WarmPrevious {
  #version: PreviousVersion | undefined;
  #timer: NodeJS.Timeout | undefined;

  get version(): PreviousVersion | undefined {
    return this.#version;
  }

  /** One that is not loaded. */
  replace(version: PreviousVersion | undefined): void {
    this.#version = version;
  }

  keep(old: ModelGeneration, keepWarmMs: number): void {
    const { identity } = old;
    this.#version = {
      package: old.packageName,
      ...(identity ? { identity } : {}),
      generation: old,
      warmUntilMs: Date.now() + keepWarmMs,
    };
  }

  /** From now on it is known by name alone. @returns what is to be closed */
  cool(): ModelGeneration | undefined {
    if (!this.#version?.generation) return undefined;
    const { generation, warmUntilMs: _, ...known } = this.#version;
    this.stop();
    this.#version = known;
    return generation;
  }

  /** Calls `onTime` when it was warm for long enough. */
  watch(onTime: () => void): void {
    const { warmUntilMs } = this.#version ?? {};
    if (warmUntilMs === undefined) return;
    this.stop();
    this.#timer = setTimeout(onTime, warmUntilMs - Date.now());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
