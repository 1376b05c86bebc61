import { setImmediate } from 'node:timers/promises';
import type { FrameLease } from '../contract/frame.ts';
import type { FrameDater } from '../contract/ports.ts';
import { BacklogWatch } from './backlog-watch.ts';

/** A camera whose clock is further off was never set: its times would only mislead. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;

/** When frames were taken, by the steady clock here and by that of their camera where it tells it. */
export class FrameDating implements FrameDater {
  readonly #backlog = new BacklogWatch();
  #dater: FrameDater | undefined;
  #clockDifferenceMs: number | undefined;

  /** Frames are dated by it from now on. */
  begin(dater: FrameDater | undefined): void {
    this.#dater = dater;
    this.#clockDifferenceMs = undefined;
    this.#backlog.forget();
  }

  /** By how much the camera's clock was ahead of the arrival of the last frame; absent when it tells none. */
  get clockDifferenceMs(): number | undefined {
    return this.#clockDifferenceMs;
  }

  // As cameras are told that get the same frames.

  hasSeen(sequence: number): boolean {
    return this.#dater?.hasSeen(sequence) ?? true;
  }

  ntpMsOf(sequence: number): number | undefined {
    return this.#dater?.ntpMsOf(sequence);
  }

  runsEvenly(sequence: number): boolean {
    return this.#dater?.runsEvenly(sequence) ?? false;
  }

  /** What is told beside the pixels was written before them, and is here after a turn of the loop. */
  async date(lease: FrameLease): Promise<FrameLease> {
    const dater = this.#dater;
    if (dater === undefined) return lease;
    const { sequence, capturedAtMs } = lease;
    for (let turn = 0; turn < 2 && !dater.hasSeen(sequence); turn += 1) await setImmediate();
    const ntpMs = dater.ntpMsOf(sequence);
    this.#clockDifferenceMs = ntpMs === undefined ? undefined : ntpMs - capturedAtMs;
    if (ntpMs === undefined) return lease;
    const isPlausible = Math.abs(ntpMs - capturedAtMs) <= MAX_CLOCK_DIFFERENCE_MS;
    const capturedSteadyMs = this.#withoutBacklog(lease, ntpMs, dater);
    return { ...lease, capturedSteadyMs, ...(isPlausible ? { ntpMs } : {}) };
  }

  #withoutBacklog(lease: FrameLease, ntpMs: number, dater: FrameDater): number {
    const { sequence, capturedSteadyMs } = lease;
    if (dater.runsEvenly(sequence)) {
      return capturedSteadyMs - this.#backlog.backlogMs(capturedSteadyMs, ntpMs);
    }
    this.#backlog.forget();
    return capturedSteadyMs;
  }
}
