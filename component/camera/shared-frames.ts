import type { FrameRing, OrderedFrame } from '../../native/index.ts';
import type { VedetteError } from '../contract/errors.ts';
import type { DropReason } from '../contract/frame.ts';
import type { FrameDater } from '../contract/ports.ts';
import type { SlotNotes } from './slot-notes.ts';

/** Who gets the frames of another camera. Must not throw. */
export interface FrameFollower {
  published(): void;
  /** A frame that the source delivered and that never had a slot. */
  dropped(reason: DropReason, error?: VedetteError): void;
}

/**
 * The frames of a camera as cameras get them that share its source: each for itself, by copying, so
 * that none holds a slot of another. Frames are told by their place in the order of publication.
 */
export class SharedFrames {
  /** The times of the stream, by the same numbers as those of the frames. */
  readonly dates: FrameDater;
  readonly #ring: FrameRing;
  readonly #notes: SlotNotes;
  readonly #followers = new Set<FrameFollower>();
  /** Present once the ring is closed. */
  #published: number | undefined;

  constructor(ring: FrameRing, notes: SlotNotes, dates: FrameDater) {
    this.#ring = ring;
    this.#notes = notes;
    this.dates = dates;
  }

  /** How many frames were published so far, which is the order of the last. */
  get published(): number {
    return this.#published ?? this.#ring.statistics().published;
  }

  /** The oldest frame after that one which is still whole. */
  after(order: number): OrderedFrame | undefined {
    if (this.#published !== undefined) return undefined;
    const found = this.#ring.after(order);
    return found && { ...found, frame: this.#notes.of(found.slot, found.frame) };
  }

  /** Whether it was there to be copied: it may have been overwritten since. */
  copy({ order }: OrderedFrame, into: Uint8Array): boolean {
    return this.#published === undefined && this.#ring.copy(order, into);
  }

  /** Returns what ends it. */
  follow(follower: FrameFollower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  tellPublished(): void {
    for (const follower of this.#followers) follower.published();
  }

  tellDropped(reason: DropReason, count: number, error?: VedetteError): void {
    for (const follower of this.#followers) {
      for (let one = 0; one < count; one += 1) follower.dropped(reason, error);
    }
  }

  /** Before the ring is. Frames that nobody copied are lost to who follows. */
  close(): void {
    this.#published = this.published;
    this.tellPublished();
    this.#followers.clear();
  }
}
