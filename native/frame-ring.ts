import type { FrameDescription, FrameLease } from '../component/contract/frame.ts';
import { VedetteError } from '../component/contract/errors.ts';
import { callAddon } from './addon.ts';
import { RING, at, numeric, readFrame, writeFrame } from './ring-numbers.ts';

export interface RingStatistics {
  /** Slots by state; together they are all slots. */
  readonly free: number;
  readonly unread: number;
  readonly held: number;
  readonly writing: number;
  /** Frames since the ring was made: published, overwritten unread, passed over by `takeNewest`. */
  readonly published: number;
  readonly overwritten: number;
  readonly skipped: number;
}

/** A frame by its place in the order of publication. */
export interface OrderedFrame {
  readonly slot: number;
  readonly order: number;
  readonly frame: FrameDescription;
}

/** One array for every call of this thread, because calls are synchronous. */
const numbers = new Float64Array(RING.length);

/** This thread's view of each slab: a second ArrayBuffer over the same memory would buy nothing. */
const slabs = new Map<number, WeakRef<ArrayBuffer>>();

function slabOf(id: number): ArrayBuffer {
  const known = slabs.get(id)?.deref();
  if (known !== undefined) return known;
  const fresh = callAddon((addon) => addon.ringMemory(id));
  slabs.set(id, new WeakRef(fresh));
  for (const [other, slab] of slabs) if (slab.deref() === undefined) slabs.delete(other);
  return fresh;
}

/**
 * A ring of equal slots for frames in memory that the addon owns and every thread of the process
 * sees without a copy. A slot is free, being written, unread, or held by readers. All calls are
 * short and thread-safe; none waits. A slot carries the numbers of a frame, not its `fileName`.
 */
export class FrameRing {
  readonly id: number;
  readonly slots: number;
  /** Bytes that a frame may take. */
  readonly slotBytes: number;
  readonly #views: readonly Uint8Array<ArrayBuffer>[];
  readonly #isCreator: boolean;

  /**
   * Takes and touches all memory at once. At most 256 slots and 8 GiB.
   * @throws VedetteError FRAME_INVALID, IMAGE_TOO_LARGE (the system refused the memory)
   */
  static create(options: { slots: number; slotBytes: number }): FrameRing {
    numbers[RING.count] = numeric(options.slots);
    numbers[RING.byteLength] = numeric(options.slotBytes);
    callAddon((addon) => addon.ringCreate(numbers));
    return new FrameRing(at(numbers, RING.token), true);
  }

  /**
   * Another handle on a ring of this process, from any thread. Its `close` only lets go of the handle.
   * @throws VedetteError FRAME_INVALID when there is no such ring, or it is closed and nobody holds a
   * slot of it
   */
  static attach(id: number): FrameRing {
    return new FrameRing(id, false);
  }

  private constructor(id: number, isCreator: boolean) {
    callAddon((addon) => addon.ringDescribe(id, numbers));
    this.id = id;
    this.slots = at(numbers, RING.count);
    this.slotBytes = at(numbers, RING.byteLength);
    const pitch = at(numbers, RING.strides);
    const slab = slabOf(id);
    this.#views = Array.from(
      { length: this.slots },
      (_, slot) => new Uint8Array(slab, slot * pitch, this.slotBytes),
    );
    this.#isCreator = isCreator;
  }

  /**
   * The memory of a slot. Only its writer may write, only holders may rely on what it holds.
   * @throws VedetteError FRAME_INVALID
   */
  bytes(slot: number): Uint8Array<ArrayBuffer> {
    const view = this.#views[slot];
    if (view === undefined) {
      throw new VedetteError(
        'FRAME_INVALID',
        `slot: expected 0 to ${this.slots - 1}, got ${String(slot)}`,
      );
    }
    return view;
  }

  /**
   * A slot to write: a free one, else (`mayOverwrite`) the oldest unread one, else `undefined`.
   * Exactly one successful `publish` or `cancelWrite` must follow.
   * @throws VedetteError FRAME_INVALID when the ring is closed
   */
  beginWrite(mayOverwrite: boolean): { slot: number; overwritten: boolean } | undefined {
    callAddon((addon) => addon.ringBeginWrite(this.id, numbers, mayOverwrite));
    const slot = at(numbers, RING.slot);
    return slot < 0 ? undefined : { slot, overwritten: numbers[RING.count] === 1 };
  }

  /** @throws VedetteError FRAME_INVALID when the slot is not being written */
  cancelWrite(slot: number): void {
    numbers[RING.slot] = numeric(slot);
    callAddon((addon) => addon.ringCancelWrite(this.id, numbers));
  }

  /**
   * Makes a written slot readable.
   * @throws VedetteError FRAME_INVALID when the slot is not being written, or the description does
   * not fit the slot: then it is still being written
   */
  publish(slot: number, frame: FrameDescription): void {
    writeFrame(numbers, frame);
    numbers[RING.slot] = numeric(slot);
    callAddon((addon) => addon.ringPublish(this.id, numbers));
  }

  /** The newest unread frame; older unread ones are given up and counted in `skipped`. */
  takeNewest(owner: number): { lease: FrameLease; skipped: number } | undefined {
    const lease = this.#take(owner, true);
    return lease === undefined ? undefined : { lease, skipped: at(numbers, RING.count) };
  }

  /** The oldest unread frame. */
  takeOldest(owner: number): FrameLease | undefined {
    return this.#take(owner, false);
  }

  /**
   * The oldest frame published after the `order`th (from 1) that nothing was written over yet, be it
   * read or not. Nobody holds it by this: `copy` says whether it is still there.
   * @throws VedetteError FRAME_INVALID when the ring is closed and nobody holds a slot of it
   */
  after(order: number): OrderedFrame | undefined {
    numbers[RING.token] = numeric(order);
    callAddon((addon) => addon.ringAfter(this.id, numbers));
    const slot = at(numbers, RING.slot);
    if (slot < 0) return undefined;
    return { slot, order: at(numbers, RING.token), frame: readFrame(numbers) };
  }

  /**
   * Copies the frame of that order, whole or not at all: false when it is gone.
   * @throws VedetteError FRAME_INVALID when it does not fit, or as `after`
   */
  copy(order: number, into: Uint8Array): boolean {
    numbers[RING.token] = numeric(order);
    callAddon((addon) => addon.ringCopy(this.id, numbers, into));
    return at(numbers, RING.count) === 1;
  }

  /**
   * A further hold on a held frame, for the same or another owner, released on its own. At most 64.
   * @throws VedetteError FRAME_INVALID when the lease is not valid any more
   */
  retain(lease: FrameLease, owner: number): FrameLease {
    this.#setLease(lease);
    numbers[RING.owner] = numeric(owner);
    callAddon((addon) => addon.ringRetain(this.id, numbers));
    return { ...lease, token: at(numbers, RING.token) };
  }

  /**
   * Ends one hold; with the last one the slot is free.
   * @throws VedetteError FRAME_INVALID when it was released before or is of another ring
   */
  release(lease: FrameLease): void {
    this.#setLease(lease);
    callAddon((addon) => addon.ringRelease(this.id, numbers));
  }

  /** Ends every hold of an owner that died. Returns how many there were. */
  reclaim(owner: number): number {
    numbers[RING.owner] = numeric(owner);
    callAddon((addon) => addon.ringReclaim(this.id, numbers));
    return at(numbers, RING.count);
  }

  /** @throws VedetteError FRAME_INVALID when the ring is closed and nobody holds a slot of it */
  statistics(): RingStatistics {
    callAddon((addon) => addon.ringStatistics(this.id, numbers));
    return {
      free: at(numbers, 0),
      unread: at(numbers, 1),
      held: at(numbers, 2),
      writing: at(numbers, 3),
      published: at(numbers, 4),
      overwritten: at(numbers, 5),
      skipped: at(numbers, 6),
    };
  }

  /**
   * On the handle of `create`: unread frames are given up and nothing can be written any more; holds
   * stay valid until they are released, then the memory goes back to the system. On an attached
   * handle: nothing but that.
   */
  close(): void {
    if (this.#isCreator) callAddon((addon) => addon.ringClose(this.id));
  }

  #take(owner: number, newest: boolean): FrameLease | undefined {
    numbers[RING.owner] = numeric(owner);
    callAddon((addon) => addon.ringTake(this.id, numbers, newest));
    return at(numbers, RING.slot) < 0 ? undefined : this.#lease();
  }

  #lease(): FrameLease {
    return {
      ringId: this.id,
      slot: at(numbers, RING.slot),
      token: at(numbers, RING.token),
      ...readFrame(numbers),
    };
  }

  #setLease(lease: FrameLease): void {
    if (lease.ringId !== this.id) {
      throw new VedetteError(
        'FRAME_INVALID',
        `this lease is of ring ${String(lease.ringId)}, not of ring ${this.id}`,
      );
    }
    numbers[RING.slot] = numeric(lease.slot);
    numbers[RING.token] = numeric(lease.token);
  }
}
