import type { FrameDescription, Size } from '../contract/frame.ts';

type SlotNote = Pick<FrameDescription, 'fileName' | 'captureClock' | 'scaledFrom'>;

/** Each slot may hold a frame of another run; a ring has no more slots. */
const MAX_RUNS = 256;

interface Run {
  readonly firstSequence: number;
  readonly scaledFrom: Size | undefined;
}

/** What is known of frames beside what their slots hold, which is only numbers. */
export class SlotNotes {
  readonly #notes: (SlotNote | undefined)[] = [];
  /** Oldest first. */
  #runs: Run[] = [];

  set(slot: number, { fileName, captureClock, scaledFrom }: FrameDescription): void {
    this.#notes[slot] =
      fileName === undefined && captureClock === undefined && scaledFrom === undefined
        ? undefined
        : {
            ...(fileName === undefined ? {} : { fileName }),
            ...(captureClock === undefined ? {} : { captureClock }),
            ...(scaledFrom === undefined ? {} : { scaledFrom }),
          };
  }

  /**
   * Frames from `firstSequence` on are copies of pictures of `scaledFrom`, or those themselves. Frames
   * of runs before may lie in their slots still.
   */
  scale(scaledFrom: Size | undefined, firstSequence: number): void {
    // A run that ended before its first frame has none.
    const before = this.#runs.filter((run) => run.firstSequence < firstSequence);
    this.#runs = [...before, { firstSequence, scaledFrom }].slice(-MAX_RUNS);
  }

  /** The whole of a frame. */
  of<F extends FrameDescription>(slot: number, frame: F): F {
    const note = this.#notes[slot];
    const run = this.#runs.findLast(({ firstSequence }) => firstSequence <= frame.sequence);
    if (note === undefined && run?.scaledFrom === undefined) return frame;
    const { scaledFrom } = run ?? {};
    return { ...frame, ...(scaledFrom === undefined ? {} : { scaledFrom }), ...note };
  }
}
