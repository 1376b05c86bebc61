import { setTimeout as pause } from 'node:timers/promises';
import type { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';

/** Calls of Greengrass' control plane that an account may make in a second and region. */
export const GREENGRASS_CALLS_PER_SECOND = 30;
/** A little more than a second, as networks vary. */
const WINDOW_MS = 1100;

/** At most so many calls begin within a second, in their order. */
export class CallPace {
  /** When each of the last calls began or begins; the oldest at `#next`. */
  readonly #beganAtMs: number[];
  #next = 0;

  constructor(callsPerSecond: number) {
    this.#beganAtMs = new Array<number>(callsPerSecond).fill(Number.NEGATIVE_INFINITY);
  }

  /** Until the caller may begin its call. */
  async turn(): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#beganAtMs[this.#next]! + WINDOW_MS);
    this.#beganAtMs[this.#next] = at;
    this.#next = (this.#next + 1) % this.#beganAtMs.length;
    if (at > now) await pause(at - now);
  }
}

/** Each try of every call of the client waits for its turn, whichever gateway makes it. */
export function pace(client: GreengrassV2Client, callsPerSecond: number): void {
  const calls = new CallPace(callsPerSecond);
  client.middlewareStack.add(
    (next) => async (request) => {
      await calls.turn();
      return next(request);
    },
    // Within the SDK's own repetitions.
    { step: 'finalizeRequest', priority: 'low', name: 'vedettePace' },
  );
}
