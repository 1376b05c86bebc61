import type { DropReason, FrameLease } from '../../contract/frame.ts';

/** What is needed of the slots that frames lie in. */
export interface FrameHolds {
  retain(frame: FrameLease): FrameLease;
  release(frame: FrameLease): void;
  /** Counts a frame that was taken from its slot and is not judged. */
  dropTaken(reason: DropReason): void;
}

interface Use {
  holds: number;
  isWanted: boolean;
  isTaken: boolean;
}

/**
 * Holds on frames that may be judged, and the count of those that are not: a frame that several
 * triggers looked at is counted once.
 */
export class FrameUses {
  readonly #frames: FrameHolds;
  /** By slot, which nothing else is written to as long as it is held. */
  readonly #uses = new Map<number, Use>();

  constructor(frames: FrameHolds) {
    this.#frames = frames;
  }

  /** A hold that somebody gives away. */
  adopt(frame: FrameLease): FrameLease {
    const use = this.#uses.get(frame.slot) ?? { holds: 0, isWanted: false, isTaken: false };
    use.holds += 1;
    this.#uses.set(frame.slot, use);
    return frame;
  }

  /** One hold more. */
  retain(frame: FrameLease): FrameLease {
    return this.adopt(this.#frames.retain(frame));
  }

  /** A trigger has this frame now. */
  want(frame: FrameLease): void {
    const use = this.#uses.get(frame.slot);
    if (use) use.isWanted = true;
  }

  /** A hold goes to who judges it. */
  take(frame: FrameLease): void {
    const use = this.#uses.get(frame.slot);
    if (use) use.isTaken = true;
    this.#leave(frame);
  }

  release(frame: FrameLease): void {
    this.#leave(frame);
    this.#frames.release(frame);
  }

  #leave(frame: FrameLease): void {
    const use = this.#uses.get(frame.slot);
    if (use === undefined) return;
    use.holds -= 1;
    if (use.holds > 0) return;
    this.#uses.delete(frame.slot);
    if (!use.isTaken) this.#frames.dropTaken(use.isWanted ? 'late' : 'not-triggered');
  }
}
