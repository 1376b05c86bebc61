/** Weight of the newest measurement: about the last twenty count. */
const WEIGHT = 0.1;
const MAX_RETRY_MS = 600_000;

/** How long a worker takes for a picture, as its last jobs have shown. */
export class ServiceTime {
  #perPictureMs: number | undefined;

  /** A worker was busy with so many pictures for so long. */
  record(busyMs: number, pictures: number): void {
    const perPictureMs = busyMs / pictures;
    this.#perPictureMs =
      this.#perPictureMs === undefined
        ? perPictureMs
        : this.#perPictureMs + WEIGHT * (perPictureMs - this.#perPictureMs);
  }

  get perPictureMs(): number | undefined {
    return this.#perPictureMs;
  }

  /** When so many pictures will be done; `undefined` before anything was measured. */
  untilDoneMs(pictures: number, workers: number): number | undefined {
    if (this.#perPictureMs === undefined || workers < 1) return undefined;
    return Math.min(MAX_RETRY_MS, Math.ceil((pictures * this.#perPictureMs) / workers));
  }
}
