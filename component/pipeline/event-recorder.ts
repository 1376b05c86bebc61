import { v7 as uuidv7 } from 'uuid';
import { EncodedRing } from '../camera/encoded-ring.ts';
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

/** Records the stream of a camera around verdicts that ask for it, one clip at a time. */
export class EventRecorder {
  readonly ring: EncodedRing;
  readonly #options: EventRecorderOptions;
  #current: { readonly id: string; readonly saved: Promise<void> } | undefined;

  constructor(options: EventRecorderOptions) {
    const { beforeSeconds, afterSeconds, maxBytes } = options.recording;
    this.#options = options;
    this.ring = new EncodedRing({
      beforeMs: beforeSeconds * 1000,
      afterMs: afterSeconds * 1000,
      maxBytes,
    });
  }

  /** The result with the clip that will show it, if its outcome asks for one. */
  see(result: NewResult): NewResult {
    const { outcomes } = this.#options.recording;
    if (!outcomes.includes(result.verdict.outcome)) return result;
    this.#current ??= this.#begin();
    return this.#current === undefined ? result : { ...result, clipId: this.#current.id };
  }

  /** Ends what is being recorded; it is written first. */
  async close(): Promise<void> {
    this.ring.end();
    await this.#current?.saved;
  }

  #begin(): { readonly id: string; readonly saved: Promise<void> } | undefined {
    const pieces = this.ring.record();
    if (pieces === undefined) return undefined;
    const id = uuidv7();
    const saved = this.#save(id, pieces).finally(() => {
      this.#current = undefined;
    });
    return { id, saved };
  }

  async #save(id: string, recorded: Promise<readonly Uint8Array[]>): Promise<void> {
    const { camera, clips, faults } = this.#options;
    try {
      await clips.save(id, await recorded);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'STORAGE_FULL');
      faults.warn(`clip/${camera}/${error.code}`, { camera, error }, 'a clip could not be kept');
    }
  }
}
