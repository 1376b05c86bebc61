import type { FrameSettings } from './frame-settings.ts';

/** The settings of a camera that are in force, and how one hears that others took their place. */
export class CurrentSettings {
  #settings: FrameSettings;
  #superseded = new AbortController();

  constructor(settings: FrameSettings) {
    this.#settings = settings;
  }

  get now(): FrameSettings {
    return this.#settings;
  }

  /** Aborted when what `now` gives at this moment is replaced. */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  replace(settings: FrameSettings): void {
    const before = this.#superseded;
    this.#settings = settings;
    this.#superseded = new AbortController();
    before.abort();
  }
}
