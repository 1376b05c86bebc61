import { VedetteError } from '../contract/errors.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import type { FrameLease, FrameView } from '../contract/frame.ts';
import type { AnomalyMap, NewResult } from '../contract/ports.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { Pictures } from './pictures.ts';
import type { SceneFurniture } from './scene-furniture.ts';
import type { Trail } from './space/scene.ts';

type Viewer = (jpeg: Uint8Array) => void;

interface Channel {
  readonly viewers: Set<Viewer>;
  furniture: SceneFurniture;
  latest: Uint8Array | undefined;
  drawnAtMs: number;
  isDrawing: boolean;
}

/** Pictures with everything drawn on them, made only while somebody looks. */
export class LiveView {
  readonly #pictures: Pictures;
  #settings: RuntimeConfig['liveView'];
  readonly #faults: FaultLog;
  readonly #channels = new Map<string, Channel>();

  constructor(pictures: Pictures, settings: RuntimeConfig['liveView'], faults: FaultLog) {
    this.#pictures = pictures;
    this.#settings = settings;
    this.#faults = faults;
  }

  /** From the next picture on. Who looks already is not sent away when fewer may. */
  configure(settings: RuntimeConfig['liveView']): void {
    this.#settings = settings;
  }

  /** A camera, or what stands in its picture now. */
  setCamera(name: string, furniture: SceneFurniture): void {
    const channel = this.#channels.get(name);
    if (channel) channel.furniture = furniture;
    else this.#addCamera(name, furniture);
  }

  removeCamera(name: string): void {
    this.#channels.delete(name);
  }

  #addCamera(name: string, furniture: SceneFurniture): void {
    this.#channels.set(name, {
      viewers: new Set(),
      furniture,
      latest: undefined,
      drawnAtMs: 0,
      isDrawing: false,
    });
  }

  hasViewers(camera: string): boolean {
    return (this.#channels.get(camera)?.viewers.size ?? 0) > 0;
  }

  /**
   * Sends each new picture of a camera to `viewer`, the last one at once when it is fresh.
   * Returns the function that ends it.
   * @throws VedetteError CAMERA_NOT_FOUND; OVERLOADED at `liveView.maxViewers`
   */
  watch(camera: string, viewer: Viewer): () => void {
    const channel = this.#channels.get(camera);
    if (!channel) throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${camera}`);
    const viewers = [...this.#channels.values()].reduce((sum, one) => sum + one.viewers.size, 0);
    if (viewers >= this.#settings.maxViewers) {
      throw new VedetteError(
        'OVERLOADED',
        `${viewers} live views are open, at most ${this.#settings.maxViewers} may be`,
      );
    }
    const view: Viewer = (jpeg) => viewer(jpeg);
    channel.viewers.add(view);
    if (channel.latest && performance.now() - channel.drawnAtMs < 1000) view(channel.latest);
    return () => {
      channel.viewers.delete(view);
      if (channel.viewers.size === 0) channel.latest = undefined;
    };
  }

  /** Draws a judged frame for the viewers of its camera, unless one is being drawn or came just now. */
  async show(
    camera: string,
    frame: FrameLease,
    view: FrameView,
    judged: {
      readonly result: NewResult;
      readonly anomalyMap?: AnomalyMap;
      readonly trails?: readonly Trail[];
    },
  ): Promise<void> {
    const channel = this.#channels.get(camera);
    if (!channel || channel.viewers.size === 0 || channel.isDrawing) return;
    const now = performance.now();
    // A source as fast as the limit must not lose every other picture to jitter.
    if (now - channel.drawnAtMs < 0.8 * (1000 / this.#settings.maxFramesPerSecond)) return;
    channel.isDrawing = true;
    channel.drawnAtMs = now;
    try {
      channel.latest = await this.#pictures.draw(frame, view, {
        overlay: {
          result: judged.result,
          ...channel.furniture,
          trails: judged.trails ?? [],
          ...(judged.anomalyMap ? { anomalyMap: judged.anomalyMap } : {}),
        },
        maxWidth: this.#settings.maxWidth,
        quality: this.#settings.quality,
      });
      for (const viewer of channel.viewers) viewer(channel.latest);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      // A frame without an answer is often one that cannot be drawn either: it is logged as such.
      if (judged.result.verdict.outcome !== 'error') {
        this.#faults.warn(`live/${camera}/${error.code}`, { camera, error }, 'no live picture');
      }
    } finally {
      channel.isDrawing = false;
    }
  }
}
