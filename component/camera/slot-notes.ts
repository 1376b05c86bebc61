import type { FrameDescription, RingLease, Size } from '../contract/frame.ts';

type SlotNote = Pick<FrameDescription, 'fileName' | 'captureClock'>;

interface Run {
  readonly firstSequence: number;
  readonly scaledFrom: Size | undefined;
}

/** What is known of frames beside what their slots hold, which is only numbers. */
export class SlotNotes {
  readonly #notes: (SlotNote | undefined)[] = [];
  /** Oldest first; only those of which a frame may still come. */
  #runs: Run[] = [];

  set(slot: number, { fileName, captureClock }: FrameDescription): void {
    this.#notes[slot] =
      fileName === undefined && captureClock === undefined
        ? undefined
        : {
            ...(fileName === undefined ? {} : { fileName }),
            ...(captureClock === undefined ? {} : { captureClock }),
          };
  }

  /**
   * Frames from `firstSequence` on are copies of pictures of `scaledFrom`, or those themselves. Frames
   * of the run before may lie unread still.
   */
  scale(scaledFrom: Size | undefined, firstSequence: number): void {
    // A run that ended before its first frame has none.
    const before = this.#runs.filter((run) => run.firstSequence < firstSequence);
    this.#runs = [...before, { firstSequence, scaledFrom }];
  }

  /** The whole of a frame. To be asked in the order of their numbers. */
  of(lease: RingLease): RingLease {
    const note = this.#notes[lease.slot];
    const scaledFrom = this.#scaledFrom(lease.sequence);
    if (note === undefined && scaledFrom === undefined) return lease;
    return { ...lease, ...note, ...(scaledFrom === undefined ? {} : { scaledFrom }) };
  }

  #scaledFrom(sequence: number): Size | undefined {
    const at = this.#runs.findLastIndex((run) => run.firstSequence <= sequence);
    if (at > 0) this.#runs = this.#runs.slice(at);
    return at < 0 ? undefined : this.#runs[0]?.scaledFrom;
  }
}
