import type { FrameDater } from '../contract/ports.ts';
import { TICKS_PER_SECOND } from './fragment-reader.ts';

/** Frames that lie between decoder and reader at once are far fewer. */
const KEPT = 512;
/** ffmpeg rounds NTP times down to a millisecond. */
const ROUNDING_MS = 1.01;
const TRUSTED_PAIRS = 25;
/** A report that moves the line further was not the drift of two clocks: the camera's was set. */
const MAX_STEP_MS = 20;
/** Longer than from one report to the next: a clock whose every report moves the line is never even. */
const UNEVEN_TICKS = 15 * TICKS_PER_SECOND;
/** The wall clock is read in whole milliseconds on either side. */
const AT_ONCE_MS = -2;
/** After a report that moves the line. */
const SETTLED_PAIRS = 3;
const LINE = /^frame:\d+\s+pts:(-?\d+)/gm;

/**
 * The times of decoded frames on the clock of their camera. ffmpeg prints the presentation time of
 * each decoded frame (filter `metadata`), and writes into the copied stream what RTCP sender reports
 * say of each packet (RFC 3550, 6.4.1: NTP time and RTP time of one moment). Between two reports NTP
 * time goes with RTP time, so that one pair of both dates every frame.
 *
 * Before the first report, and of cameras that send none, ffmpeg (5.1) writes in the same place when it
 * wrote the packet, which it does when the next one has come, and does not say so. Such times jitter:
 * only when 25 pairs in a row lie on one line, to the millisecond of ffmpeg's rounding, are they taken
 * for those of the camera. On a quiet machine they may not jitter either, but are read here at once; what
 * a camera tells is older by the time between two pictures at least. A camera whose clock is ahead by
 * just that and all delays is taken for one that tells none.
 */
export class FrameTimes implements FrameDater {
  readonly #ticks = new Map<number, number>();
  #next: number;
  #partial = '';
  #offsetMs: number | undefined;
  /** Pairs one after the other that lie on one line. */
  #run = {
    length: 0,
    fromTicks: 0,
    lowestMs: Infinity,
    highestMs: -Infinity,
    leastAgeMs: Infinity,
  };
  /** Pairs one after the other that do not. */
  #uneven = 0;
  #isTrusted = false;
  #evenFromTicks = -Infinity;

  /** @param firstSequence number of the first frame that will be printed */
  constructor(firstSequence: number) {
    this.#next = firstSequence;
  }

  /** What the filter printed, which may end anywhere. */
  addText(text: string): void {
    const whole = this.#partial + text;
    const end = whole.lastIndexOf('\n') + 1;
    this.#partial = whole.slice(end);
    for (const line of whole.slice(0, end).matchAll(LINE)) {
      this.#ticks.set(this.#next, Number(line[1]));
      this.#ticks.delete(this.#next - KEPT);
      this.#next += 1;
    }
  }

  /** A pair of times of one packet, which was read at `nowMs` (since 1970, as `ntpMs`). */
  addPair(ticks: number, ntpMs: number, nowMs: number): void {
    const offsetMs = ntpMs - (ticks / TICKS_PER_SECOND) * 1000;
    const run = this.#run;
    const ageMs = nowMs - ntpMs;
    const lowestMs = Math.min(run.lowestMs, offsetMs);
    const highestMs = Math.max(run.highestMs, offsetMs);
    const isEven = highestMs - lowestMs <= ROUNDING_MS;
    this.#run = isEven
      ? {
          ...run,
          length: run.length + 1,
          lowestMs,
          highestMs,
          leastAgeMs: Math.min(run.leastAgeMs, ageMs),
        }
      : { length: 1, fromTicks: ticks, lowestMs: offsetMs, highestMs: offsetMs, leastAgeMs: ageMs };
    this.#uneven = this.#run.length < SETTLED_PAIRS ? this.#uneven + 1 : 0;
    if (this.#run.length >= TRUSTED_PAIRS && !this.#isOfArrival(ticks)) this.#isTrusted = true;
    if (this.#uneven >= TRUSTED_PAIRS) {
      this.#isTrusted = false;
      this.#offsetMs = undefined;
    }
    // Rounding takes from a time, so that the highest offset is the nearest to the truth.
    if (!this.#isTrusted || this.#uneven > 0) return;
    const movedMs = Math.abs(this.#run.highestMs - (this.#offsetMs ?? this.#run.highestMs));
    if (movedMs > MAX_STEP_MS) this.#evenFromTicks = ticks + UNEVEN_TICKS;
    this.#offsetMs = this.#run.highestMs;
  }

  /** Whether the pairs on one line, up to that of `ticks`, are of when ffmpeg wrote them. */
  #isOfArrival(ticks: number): boolean {
    const { length, fromTicks, leastAgeMs } = this.#run;
    const stepMs = ((ticks - fromTicks) / TICKS_PER_SECOND / (length - 1)) * 1000;
    return leastAgeMs >= AT_ONCE_MS && leastAgeMs < stepMs / 2;
  }

  hasSeen(sequence: number): boolean {
    return sequence < this.#next;
  }

  runsEvenly(sequence: number): boolean {
    const ticks = this.#ticks.get(sequence);
    return ticks !== undefined && ticks >= this.#evenFromTicks;
  }

  ntpMsOf(sequence: number): number | undefined {
    const ticks = this.#ticks.get(sequence);
    if (ticks === undefined || this.#offsetMs === undefined) return undefined;
    return this.#offsetMs + (ticks / TICKS_PER_SECOND) * 1000;
  }
}
