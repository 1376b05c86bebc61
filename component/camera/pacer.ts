import type { CameraConfig } from '../contract/camera-config.ts';
import { pause } from './pause.ts';

/**
 * Lets frames go at a steady rate. The n-th frame is due `n / framesPerSecond` after the first, so
 * the time that a frame takes does not add up; a source that fell behind by more than a frame goes
 * on from now in place of catching up in a burst.
 */
export class Pacer {
  readonly #intervalMs: number;
  #dueMs: number | undefined;

  /** With pace `fast` nothing waits. */
  constructor(pace: CameraConfig['pace'], framesPerSecond: number) {
    this.#intervalMs = pace === 'fast' ? 0 : 1000 / framesPerSecond;
  }

  /** Resolves when the next frame is due, or when `signal` is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    if (this.#intervalMs === 0 || signal.aborted) return;
    const now = performance.now();
    const dueMs = this.#dueMs ?? now;
    const isBehind = now - dueMs > this.#intervalMs;
    this.#dueMs = (isBehind ? now : dueMs) + this.#intervalMs;
    if (dueMs > now) await pause(dueMs - now, signal);
  }
}
