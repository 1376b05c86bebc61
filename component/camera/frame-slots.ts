import { FrameRing, type RingStatistics } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { DropReason, FrameDescription, FrameLease, Size } from '../contract/frame.ts';
import type {
  FrameDater,
  FrameSink,
  NativePublication,
  RefusedFrame,
  SlotWriter,
} from '../contract/ports.ts';
import { FrameDating } from './frame-dating.ts';
import { SharedFrames } from './shared-frames.ts';
import { SlotNotes } from './slot-notes.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * `newest`: the latest frame, older ones dropped and counted. `every`: each frame, in order. `passing`:
 * each in order as well, but the source is never waited for.
 */
export type FramePolicy = 'newest' | 'every' | 'passing';

export interface FrameSlotsOptions {
  readonly slots: number;
  /** Bytes of one slot: the largest frame that fits. */
  readonly slotBytes: number;
  readonly policy: FramePolicy;
  /**
   * Told of frames that will not be judged, with the error that explains it where there is one.
   * Must not throw.
   */
  readonly onDrop?: (reason: DropReason, count: number, error?: VedetteError) => void;
  /** Gives a frame that has no slot its error result. Must not reject. */
  readonly onRefused?: (refused: RefusedFrame, signal: AbortSignal) => Promise<void>;
  /** Told of what `notifyTrouble` is told. Must not throw. */
  readonly onTrouble?: (trouble: VedetteError | undefined) => void;
}

/** What the supervisor hears of a source. */
export interface ArrivalListener {
  /** It is open and healthy: said by the driver, or shown by a frame that can be judged. */
  sourceIsHealthy(): void;
  /** It sent something, be it no picture. */
  framesArrived(): void;
}

/** Owner under which the main thread holds frames; workers use their own (see `reclaim`). */
export const MAIN_OWNER = 1;

/** Another thread gives a slot back straight to the ring: who waits for one looks again after so long. */
const SLOT_RECHECK_MS = 25;

/**
 * The frames of one camera between its driver and its reader: a ring of slots, the policy, and the
 * count of every frame. At any time `framesDelivered = framesTaken + framesWaiting + the dropped
 * ones`, except that a drop counted with `dropTaken` is one of the taken.
 */
export class FrameSlots implements FrameSink {
  readonly policy: FramePolicy;
  readonly slotBytes: number;
  /** What cameras get that share these frames. */
  readonly shared: SharedFrames;
  readonly #ring: FrameRing;
  readonly #onDrop: FrameSlotsOptions['onDrop'];
  readonly #onRefused: FrameSlotsOptions['onRefused'];
  readonly #onTrouble: FrameSlotsOptions['onTrouble'];
  /** All but what this ring itself overwrote. */
  readonly #dropped = new Map<DropReason, number>();
  readonly #notes = new SlotNotes();
  readonly #dating = new FrameDating();
  readonly #readers = new WaitingLine<FrameLease>();
  readonly #writers = new WaitingLine<SlotWriter>(() => this.#updateRecheck());
  #recheck: NodeJS.Timeout | undefined;
  #listener: ArrivalListener | undefined;
  /** Frames that the source delivered and that never were in the ring. */
  #notInRing = 0;
  #taken = 0;
  #newestSequence: number | undefined;
  #hasEnded = false;
  /** What the ring said last; present once it is closed. */
  #final: RingStatistics | undefined;

  constructor(options: FrameSlotsOptions) {
    this.policy = options.policy;
    this.slotBytes = options.slotBytes;
    this.#onDrop = options.onDrop;
    this.#onRefused = options.onRefused;
    this.#onTrouble = options.onTrouble;
    this.#ring = FrameRing.create({ slots: options.slots, slotBytes: options.slotBytes });
    this.shared = new SharedFrames(this.#ring, this.#notes, this.#dating);
  }

  // ------------------------------------------------------------ for readers

  /**
   * The next frame to judge: the newest one (older unread ones are counted as `overwritten`) or the
   * oldest one, as the policy says. Waits for it. `undefined` when `signal` was aborted, the slots
   * were closed, or the source has ended for good and nothing is left. Give it back with `release`.
   */
  async next(signal: AbortSignal): Promise<FrameLease | undefined> {
    if (signal.aborted) return undefined;
    const lease = await this.#nextLease(signal);
    return lease && this.#dating.date(lease);
  }

  async #nextLease(signal: AbortSignal): Promise<FrameLease | undefined> {
    const lease = this.#take();
    if (lease !== undefined || this.#final !== undefined || this.#hasEnded) return lease;
    return this.#readers.wait(signal);
  }

  /** A second hold on the same frame, released on its own. */
  retain(lease: FrameLease): FrameLease {
    return this.#ring.retain(lease, MAIN_OWNER);
  }

  /** Gives a frame back; once for each `next` and each `retain`. */
  release(lease: FrameLease): void {
    this.#ring.release(lease);
    this.#serveWriters();
  }

  /** Takes back every hold of a worker that died. Returns how many. */
  reclaim(owner: number): number {
    try {
      return this.#ring.reclaim(owner);
    } catch (error) {
      // Closed, and nobody holds anything.
      if (this.#final !== undefined) return 0;
      throw error;
    } finally {
      this.#serveWriters();
    }
  }

  /** Counts a frame that was taken and could not be judged after all. */
  dropTaken(reason: DropReason, error?: VedetteError): void {
    this.#drop(reason, 1, error);
  }

  /** Frames that the source delivered, whatever became of them. */
  get framesDelivered(): number {
    return this.#ringStatistics.published + this.#notInRing;
  }

  /** Frames that `next` gave out. */
  get framesTaken(): number {
    return this.#taken;
  }

  /**
   * Whether a frame that was judged may be held longer: there is a slot for the driver to write and
   * one for the reader besides it.
   */
  get hasSpareSlot(): boolean {
    const { free, unread } = this.#ringStatistics;
    return free + unread >= 2;
  }

  /** By how much the camera's clock was ahead of the arrival of the last frame; absent when it tells none. */
  get clockDifferenceMs(): number | undefined {
    return this.#dating.clockDifferenceMs;
  }

  /** Number of the last frame that was put into a slot here; not of those that the addon reads into them. */
  get newestSequence(): number | undefined {
    return this.#newestSequence;
  }

  /** Frames that lie unread in their slots. */
  get framesWaiting(): number {
    return this.#ringStatistics.unread;
  }

  get framesDropped(): Readonly<Partial<Record<DropReason, number>>> {
    const { overwritten, skipped } = this.#ringStatistics;
    const lost = overwritten + skipped + (this.#dropped.get('overwritten') ?? 0);
    return { ...Object.fromEntries(this.#dropped), ...(lost > 0 ? { overwritten: lost } : {}) };
  }

  // ------------------------------------------------------------ for drivers

  get ringId(): number {
    return this.#ring.id;
  }

  get mayOverwrite(): boolean {
    return this.policy !== 'every';
  }

  async openSlot(byteLength: number, signal: AbortSignal): Promise<SlotWriter | undefined> {
    if (byteLength > this.slotBytes) {
      this.countDrop(
        'too-large',
        new VedetteError(
          'BODY_TOO_LARGE',
          `a frame of ${byteLength} bytes does not fit a slot of ${this.slotBytes} bytes (maxFrameBytes)`,
          { details: { byteLength, slotBytes: this.slotBytes } },
        ),
      );
      return undefined;
    }
    let writer: SlotWriter | undefined;
    if (!signal.aborted && this.#final === undefined) {
      // Who waits already goes first, so that frames keep their order.
      writer = this.#writers.size === 0 ? this.#beginWrite() : undefined;
      if (writer === undefined && !this.mayOverwrite) {
        writer = await this.#writers.wait(signal);
      }
    }
    if (writer === undefined) {
      this.countDrop(signal.aborted || this.#final !== undefined ? 'stopped' : 'no-free-slot');
    }
    return writer;
  }

  countDrop(reason: DropReason, error?: VedetteError): void {
    this.#notInRing += 1;
    this.#drop(reason, 1, error);
    this.shared.tellDropped(reason, 1, error);
    this.#listener?.framesArrived();
  }

  async refuse(refused: RefusedFrame, signal: AbortSignal): Promise<void> {
    if (refused.reason !== undefined) this.countDrop(refused.reason, refused.error);
    await this.#onRefused?.(refused, signal);
  }

  notifyPublished(publication: NativePublication): void {
    const { published, overwritten, discarded } = publication;
    this.#notInRing += discarded;
    this.#drop('no-free-slot', discarded);
    this.shared.tellDropped('no-free-slot', discarded);
    this.#tellOverwritten(overwritten);
    this.shared.tellPublished();
    this.#serveReaders();
    if (published + discarded > 0) this.#tellArrival();
  }

  notifyOpened(): void {
    this.#listener?.sourceIsHealthy();
  }

  dateFrames(dater: FrameDater | undefined): void {
    this.#dating.begin(dater);
  }

  scaleFrames(scaledFrom: Size | undefined, firstSequence: number): void {
    this.#notes.scale(scaledFrom, firstSequence);
  }

  notifyTrouble(trouble: VedetteError | undefined): void {
    this.#onTrouble?.(trouble);
  }

  // --------------------------------------------------------- for the supervisor

  /** One listener at a time; `undefined` ends it. */
  listen(listener: ArrivalListener | undefined): void {
    this.#listener = listener;
  }

  /** Whether the source cannot deliver because the reader has not given a slot back. */
  get isWaitingForReader(): boolean {
    if (this.#final !== undefined || this.mayOverwrite) return false;
    return this.#writers.size > 0 || this.#ring.statistics().free === 0;
  }

  /** No more frames will come: `next` gives what is left, then `undefined`. */
  end(): void {
    this.#hasEnded = true;
    this.#serveReaders();
  }

  /**
   * Counts frames that wait as `stopped` and wakes everybody. Frames that are held stay valid until
   * they are released; the memory goes with the last of them.
   */
  close(): void {
    if (this.#final !== undefined) return;
    const last = this.#ring.statistics();
    this.shared.close();
    this.#ring.close();
    this.#final = { ...last, unread: 0 };
    this.#drop('stopped', last.unread);
    this.#writers.dismiss();
    this.#readers.dismiss();
  }

  // ----------------------------------------------------------------- inside

  #take(): FrameLease | undefined {
    if (this.#final !== undefined) return undefined;
    let lease: FrameLease | undefined;
    if (this.policy === 'newest') {
      const newest = this.#ring.takeNewest(MAIN_OWNER);
      if (newest !== undefined) this.#tellOverwritten(newest.skipped);
      lease = newest?.lease;
    } else {
      lease = this.#ring.takeOldest(MAIN_OWNER);
    }
    if (lease === undefined) return undefined;
    this.#taken += 1;
    return this.#notes.of(lease.slot, lease);
  }

  #beginWrite(): SlotWriter | undefined {
    const begun = this.#ring.beginWrite(this.mayOverwrite);
    if (begun === undefined) return undefined;
    const { slot } = begun;
    if (begun.overwritten) this.#tellOverwritten(1);
    let isOpen = true;
    const finish = () => {
      if (!isOpen) throw new VedetteError('INTERNAL', 'a slot was published or abandoned twice');
      isOpen = false;
    };
    return {
      bytes: this.#ring.bytes(slot),
      publish: (frame) => {
        finish();
        this.#publish(slot, frame);
      },
      abandon: () => {
        finish();
        if (this.#final !== undefined) return;
        this.#ring.cancelWrite(slot);
        this.#serveWriters();
      },
    };
  }

  #publish(slot: number, frame: FrameDescription): void {
    if (this.#final !== undefined) {
      this.countDrop('stopped');
      return;
    }
    try {
      this.#ring.publish(slot, frame);
    } catch (error) {
      // A slot that stayed `writing` would be lost to the camera for good.
      this.#ring.cancelWrite(slot);
      const cause = VedetteError.from(error, 'FRAME_INVALID');
      this.countDrop('unreadable', cause);
      this.#serveWriters();
      throw cause;
    }
    this.#notes.set(slot, frame);
    this.#newestSequence = frame.sequence;
    this.shared.tellPublished();
    this.#serveReaders();
    this.#tellArrival();
  }

  #tellArrival(): void {
    this.#listener?.framesArrived();
    this.#listener?.sourceIsHealthy();
  }

  #drop(reason: DropReason, count: number, error?: VedetteError): void {
    if (count === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    this.#onDrop?.(reason, count, error);
  }

  /** Overwritten frames are counted by the ring. */
  #tellOverwritten(count: number): void {
    if (count > 0) this.#onDrop?.('overwritten', count);
  }

  get #ringStatistics(): RingStatistics {
    return this.#final ?? this.#ring.statistics();
  }

  #serveReaders(): void {
    this.#readers.serve(() => this.#take());
    if (this.#hasEnded) this.#readers.dismiss();
  }

  #serveWriters(): void {
    if (this.#final === undefined) this.#writers.serve(() => this.#beginWrite());
  }

  #updateRecheck(): void {
    if (this.#writers.size > 0) {
      this.#recheck ??= setInterval(() => this.#serveWriters(), SLOT_RECHECK_MS);
    } else {
      clearInterval(this.#recheck);
      this.#recheck = undefined;
    }
  }
}
