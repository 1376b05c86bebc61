import { v7 as uuidv7 } from 'uuid';
import { EncodedRing, type EncodedRecording } from '../camera/encoded-ring.ts';
import type { RecordingConfig } from '../contract/camera-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { NewResult } from '../contract/ports.ts';
import type { ClipStore } from '../delivery/clip-store.ts';
import type { FaultLog } from '../logging/fault-log.ts';

export interface EventRecorderOptions {
  readonly camera: string;
  readonly recording: RecordingConfig;
  readonly clips: ClipStore;
  readonly faults: FaultLog;
}

interface Clip {
  readonly id: string;
  readonly recording: EncodedRecording;
}

/** Recordings that run or wait to be written, each with its bytes in memory. */
const MAX_UNSAVED = 4;

/** Records the stream of a camera around verdicts that ask for it. */
export class EventRecorder {
  readonly ring: EncodedRing;
  readonly #options: EventRecorderOptions;
  /** The newest: it may be written already, and still be the only one that holds a late frame. */
  #newest: Clip | undefined;
  readonly #unsaved = new Set<Promise<void>>();

  constructor(options: EventRecorderOptions) {
    const { beforeSeconds, afterSeconds, maxBytes } = options.recording;
    this.#options = options;
    this.ring = new EncodedRing({
      beforeMs: beforeSeconds * 1000,
      afterMs: afterSeconds * 1000,
      maxBytes,
    });
  }

  /**
   * The result with the clip that will show its frame, if its outcome asks for one and the frame is
   * there. `momentMs`: when the frame was taken, by the steady clock.
   */
  see(result: NewResult, momentMs: number): NewResult {
    const { outcomes } = this.#options.recording;
    if (!outcomes.includes(result.verdict.outcome)) return result;
    const isCovered = this.#newest?.recording.covers(momentMs) === true;
    const clip = isCovered ? this.#newest : this.#begin(momentMs);
    return clip === undefined ? result : { ...result, clipId: clip.id };
  }

  /** Ends what is being recorded; it is written first. */
  async close(): Promise<void> {
    this.ring.end();
    await Promise.all(this.#unsaved);
  }

  #begin(momentMs: number): Clip | undefined {
    const { camera, faults } = this.#options;
    if (this.#unsaved.size >= MAX_UNSAVED) {
      const message = 'a verdict has no clip: the disk does not keep up with those before';
      faults.warn(`clip/${camera}/OVERLOADED`, { camera }, message);
      return undefined;
    }
    const recording = this.ring.record(momentMs);
    if (recording === undefined) return undefined;
    const id = uuidv7();
    const saved = this.#save(id, recording.pieces).finally(() => this.#unsaved.delete(saved));
    this.#unsaved.add(saved);
    this.#newest = { id, recording };
    return this.#newest;
  }

  async #save(id: string, recorded: Promise<readonly Uint8Array[]>): Promise<void> {
    const { camera, clips, faults } = this.#options;
    try {
      await clips.begin(id);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'STORAGE_FULL');
      const message = 'a crash before the end of this clip could not be told of';
      faults.warn(`clip-mark/${camera}/${error.code}`, { camera, error }, message);
    }
    try {
      await clips.save(id, await recorded);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'STORAGE_FULL');
      faults.warn(`clip/${camera}/${error.code}`, { camera, error }, 'a clip could not be kept');
    }
  }
}
