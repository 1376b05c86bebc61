import { VedetteError, type ErrorCode } from '../contract/errors.ts';
import type { DropReason } from '../contract/frame.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import type { SharedFrames } from './shared-frames.ts';
import type { SharedSource, SourceBoard } from './source-board.ts';

/**
 * A camera whose frames are those of another one, which are decoded once. Each is copied when it was
 * published there; the other camera never waits for it, and what it overwrites before that is counted
 * as `overwritten`. Numbers, times, sizes and names of frames are those of the other camera.
 */
export class SharedCamera implements CameraDriver {
  readonly followsAnother = true;
  readonly #of: string;
  readonly #board: SourceBoard;
  #frames: SharedFrames | undefined;
  /** Up to which frame of these each was copied or counted. */
  #order = 0;
  /** What `run` ended for. */
  #told = '';

  /** @param of name of the other camera */
  constructor(of: string, board: SourceBoard) {
    this.#of = of;
    this.#board = board;
  }

  /** The other one says so. */
  get endsForGood(): boolean {
    return this.#board.find(this.#of)?.status.state === 'ended';
  }

  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.#board.until(this.#of, () => this.#see() !== 'starting', signal);
    const source = this.#board.find(this.#of);
    if (!signal.aborted && source?.status.state === 'running' && source.frames) {
      sink.dateFrames(source.frames.dates);
      sink.notifyOpened();
      await this.#deliver(source.frames, sink, signal);
    }
    const now = this.#board.find(this.#of);
    this.#told = standOf(now);
    if (signal.aborted || now?.status.state === 'ended') return;
    throw failureOf(this.#of, now);
  }

  untilBack(signal: AbortSignal): Promise<void> {
    return this.#board.until(
      this.#of,
      () => standOf(this.#board.find(this.#of)) !== this.#told,
      signal,
    );
  }

  /** The stand of the other camera. Frames count from when it is seen first. */
  #see(): string {
    const source = this.#board.find(this.#of);
    if (source?.frames !== this.#frames) {
      this.#frames = source?.frames;
      this.#order = source?.frames?.published ?? 0;
    }
    return source?.status.state ?? 'starting';
  }

  /** Until the other camera is no longer well, or another one by its name. */
  async #deliver(frames: SharedFrames, sink: FrameSink, signal: AbortSignal): Promise<void> {
    const isOver = () => {
      const source = this.#board.find(this.#of);
      return source?.status.state !== 'running' || source.frames !== frames;
    };
    let copying: Promise<void> | undefined;
    let hasMore = false;
    const copyAll = async () => {
      while (hasMore && !signal.aborted) {
        hasMore = false;
        while (!signal.aborted && (await this.#copyNext(frames, sink, signal))) continue;
      }
      copying = undefined;
    };
    const failed = new AbortController();
    let failure: unknown;
    const published = () => {
      hasMore = true;
      copying ??= copyAll().catch((error: unknown) => {
        failure = error;
        failed.abort();
      });
    };
    const dropped = (reason: DropReason, error?: VedetteError) => sink.countDrop(reason, error);
    const unfollow = frames.follow({ published, dropped });
    published();
    await this.#board.until(this.#of, isOver, AbortSignal.any([signal, failed.signal]));
    unfollow();
    await copying;
    if (failed.signal.aborted) throw VedetteError.from(failure, 'INTERNAL');
  }

  /** Whether there may be more. */
  async #copyNext(frames: SharedFrames, sink: FrameSink, signal: AbortSignal): Promise<boolean> {
    const next = frames.after(this.#order);
    const last = next === undefined ? frames.published : next.order - 1;
    for (; this.#order < last; this.#order += 1) sink.countDrop('overwritten');
    if (next === undefined) return false;
    this.#order = next.order;
    const writer = await sink.openSlot(next.frame.byteLength, signal);
    if (writer === undefined) return true;
    if (frames.copy(next, writer.bytes)) {
      writer.publish(next.frame);
    } else {
      writer.abandon();
      sink.countDrop('overwritten');
    }
    return true;
  }
}

/** What of another camera makes a difference to those that share its source. */
const standOf = (source: SharedSource | undefined): string =>
  `${source?.status.state} ${source?.status.reason?.code}`;

function failureOf(name: string, source: SharedSource | undefined): VedetteError {
  const of = `camera ${name}, whose frames it gets,`;
  if (source === undefined) {
    return new VedetteError('CAMERA_SOURCE_FAILED', `${of} is not open`);
  }
  const { state, reason } = source.status;
  const code = state === 'disabled' ? 'CAMERA_DISABLED' : reason?.code;
  const why = reason === undefined ? '' : `: ${reason.message}`;
  return new VedetteError(
    (code as ErrorCode | undefined) ?? 'CAMERA_SOURCE_FAILED',
    `${of} is ${state}${why}`,
  );
}
