/** Lets one loop sleep until something happens. */
export class WakeSignal {
  #isGiven = false;
  #wakeUp: () => void = () => undefined;

  give(): void {
    this.#isGiven = true;
    this.#wakeUp();
  }

  /** What happened before is seen to from here on. */
  clear(): void {
    this.#isGiven = false;
  }

  /** Resolves after `ms` milliseconds, or at once when the signal was given since `clear`. */
  async wait(ms: number): Promise<void> {
    if (this.#isGiven) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
