import { FrameRing } from '../../native/index.ts';
import type { FrameLease } from '../contract/frame.ts';

const MAX_RINGS = 64;

/**
 * Holds of a model host on slots of cameras' rings, beside those of the callers: a worker may read a
 * slot longer than its caller waits.
 */
export class HeldSlots {
  readonly #owner: number;
  readonly #rings = new Map<number, FrameRing>();

  constructor(owner: number) {
    this.#owner = owner;
  }

  /** @throws VedetteError FRAME_INVALID when the lease is over */
  hold(frame: FrameLease): FrameLease {
    return this.#ring(frame.ringId).retain(frame, this.#owner);
  }

  release(hold: FrameLease): void {
    this.#ring(hold.ringId).release(hold);
  }

  close(): void {
    for (const ring of this.#rings.values()) ring.close();
    this.#rings.clear();
  }

  #ring(id: number): FrameRing {
    let ring = this.#rings.get(id);
    if (!ring) {
      ring = FrameRing.attach(id);
      this.#rings.set(id, ring);
      const [oldest] = this.#rings;
      if (oldest && this.#rings.size > MAX_RINGS) {
        this.#rings.delete(oldest[0]);
        oldest[1].close();
      }
    }
    return ring;
  }
}
