/** How long a delay is remembered; in it two clocks drift apart by some milliseconds. */
const REMEMBERED_MS = 60_000;
const STEP_MS = 1000;

/**
 * How long frames lay on their way beyond what is usual. The delay of a frame is its arrival here less
 * its time by the clock of its camera. As that clock may be off by any amount, a delay means something
 * only beside another: the smallest one of the last minute is that of the way itself (a minimum filter,
 * as NTP's clock filter, RFC 5905, 10). What a frame took longer it lay in a backlog, of a network that
 * was cut or a decoder that stood still, and shows what was so long before its arrival.
 */
export class BacklogWatch {
  /** The smallest delay of each second, oldest first. */
  #delays: { readonly fromMs: number; leastMs: number }[] = [];
  #lastNtpMs = -Infinity;

  /**
   * Milliseconds, from 0 on. To be asked in the order of the frames.
   * @param arrivedMs on the steady clock of the process
   * @param ntpMs on the clock of the camera
   */
  backlogMs(arrivedMs: number, ntpMs: number): number {
    // Pictures come in their order: it was set back.
    if (ntpMs < this.#lastNtpMs) this.forget();
    this.#lastNtpMs = ntpMs;
    const delayMs = arrivedMs - ntpMs;
    const newest = this.#delays.at(-1);
    if (newest === undefined || arrivedMs - newest.fromMs >= STEP_MS) {
      this.#delays.push({ fromMs: arrivedMs, leastMs: delayMs });
    } else {
      newest.leastMs = Math.min(newest.leastMs, delayMs);
    }
    this.#delays = this.#delays.filter(({ fromMs }) => arrivedMs - fromMs < REMEMBERED_MS);
    return delayMs - Math.min(...this.#delays.map(({ leastMs }) => leastMs));
  }

  /** The clock of the camera is another one from now on. */
  forget(): void {
    this.#delays = [];
    this.#lastNtpMs = -Infinity;
  }
}
