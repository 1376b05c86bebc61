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
  isJudged: boolean;
}

/**
 * Holds on frames that may be judged. A frame that several triggers share is counted once: as judged when
 * one of them got a verdict of it, and as dropped when none did.
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
    const use = this.#uses.get(frame.slot) ?? { holds: 0, isWanted: false, isJudged: false };
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

  /**
   * Who judges it is done, and keeps its hold on the slot for what comes after.
   * @returns whether it was judged, and for the first time
   */
  end(frame: FrameLease, isJudged: boolean): boolean {
    const use = this.#uses.get(frame.slot);
    const isFirst = isJudged && use?.isJudged === false;
    if (use && isJudged) use.isJudged = true;
    this.#leave(frame);
    return isFirst;
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
    if (!use.isJudged) this.#frames.dropTaken(use.isWanted ? 'late' : 'not-triggered');
  }
}
