import type { FrameSlots } from '../../camera/frame-slots.ts';
import type { LumaPicture } from '../../camera/picture-measures.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { FrameLease, FrameView, Size } from '../../contract/frame.ts';
import type { CameraStatus } from '../../contract/ports.ts';
import type { Pictures } from '../pictures.ts';

/** A frame as it passes. */
export interface PassingFrame {
  /** The same as long as its camera is not configured anew. */
  readonly source: object;
  /** Of the upright picture, in pixels. */
  readonly size: Size;
  /**
   * The luma of the whole upright picture, scaled down. To be asked for at once: the frame is held from
   * then until it is there.
   * @throws VedetteError IMAGE_…, OVERLOADED, SHUTTING_DOWN
   */
  luma(): Promise<LumaPicture>;
}

/** None of its functions throws or takes time. */
export interface FrameWatcher {
  see(frame: PassingFrame): void;
  /** No frames come until the next one does. */
  lost(why: VedetteError): void;
}

type Heeded = Pick<CameraStatus, 'name' | 'state' | 'reason'>;

/** Who looks at the frames of cameras as they pass, whether a camera is there at the moment or not. */
export class FrameWatchers {
  readonly #pictures: Pictures;
  readonly #watchers = new Map<string, Set<FrameWatcher>>();

  constructor(pictures: Pictures) {
    this.#pictures = pictures;
  }

  /** Returns the function that ends it. */
  watch(camera: string, watcher: FrameWatcher): () => void {
    const watchers = this.#watchers.get(camera) ?? new Set();
    this.#watchers.set(camera, watchers.add(watcher));
    return () => void watchers.delete(watcher);
  }

  /** A frame that the caller holds until this returns. */
  see(camera: string, frame: FrameLease, view: FrameView, slots: FrameSlots): void {
    const watchers = this.#watchers.get(camera);
    if (watchers === undefined || watchers.size === 0) return;
    const isSideways = view.rotation === 90 || view.rotation === 270;
    const { width, height } = frame.scaledFrom ?? frame;
    const size = isSideways ? { width: height, height: width } : { width, height };
    const luma = async () => {
      const held = slots.retain(frame);
      try {
        return await this.#pictures.luma(held, view);
      } finally {
        slots.release(held);
      }
    };
    for (const watcher of watchers) watcher.see({ source: slots, size, luma });
  }

  /** A camera that does not run shows no frames. */
  heed(status: Heeded): void {
    if (status.state === 'running' || status.state === 'starting') return;
    const why = noFrames(status);
    for (const watcher of this.#watchers.get(status.name) ?? []) watcher.lost(why);
  }
}

const noFrames = ({ name, state, reason }: Heeded): VedetteError =>
  reason === undefined
    ? new VedetteError('CAMERA_SOURCE_FAILED', `camera ${name} is ${state}`)
    : VedetteError.deserialize(reason);
