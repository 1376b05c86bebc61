import type { FrameSlots } from '../camera/frame-slots.ts';
import { VedetteError } from '../contract/errors.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import type { FrameLease, FrameView } from '../contract/frame.ts';
import type { AnomalyMap, NewResult } from '../contract/ports.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { Overlay } from './draw-overlay.ts';
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
  /** Of frames that nothing asked for. */
  passedAtMs: number;
  isPassing: boolean;
}

/** A camera that waits for triggers shows a verdict for so long before it shows what it sees now. */
const VERDICT_STAYS_MS = 2000;

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
      drawnAtMs: -Infinity,
      isDrawing: false,
      passedAtMs: -Infinity,
      isPassing: false,
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
    const latestMs = Math.max(channel.drawnAtMs, channel.passedAtMs);
    if (channel.latest && performance.now() - latestMs < 1000) view(channel.latest);
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
    if (!this.#isDue(channel.drawnAtMs)) return;
    channel.isDrawing = true;
    channel.drawnAtMs = performance.now();
    try {
      await this.#draw(channel, frame, view, {
        result: judged.result,
        ...channel.furniture,
        trails: judged.trails ?? [],
        ...(judged.anomalyMap ? { anomalyMap: judged.anomalyMap } : {}),
      });
    } catch (thrown) {
      // A frame without an answer is often one that cannot be drawn either: it is logged as such.
      if (judged.result.verdict.outcome !== 'error') this.#warn(camera, thrown);
    } finally {
      channel.isDrawing = false;
    }
  }

  /**
   * Draws a frame of a camera that waits for triggers, as it passes: what it sees is to be seen before a
   * part comes. A verdict goes before it and stays for a moment. The caller holds the frame until this
   * returns, not until it is drawn.
   */
  async showPassing(
    camera: string,
    frame: FrameLease,
    view: FrameView,
    slots: Pick<FrameSlots, 'retain' | 'release'>,
  ): Promise<void> {
    const channel = this.#channels.get(camera);
    if (!channel || channel.viewers.size === 0 || channel.isPassing || channel.isDrawing) return;
    const nowMs = performance.now();
    if (nowMs - channel.drawnAtMs < VERDICT_STAYS_MS || !this.#isDue(channel.passedAtMs)) return;
    channel.isPassing = true;
    channel.passedAtMs = nowMs;
    const held = slots.retain(frame);
    try {
      await this.#draw(channel, held, view, { result: {}, ...channel.furniture, trails: [] });
    } catch (thrown) {
      this.#warn(camera, thrown);
    } finally {
      slots.release(held);
      channel.isPassing = false;
    }
  }

  /** A source as fast as the limit must not lose every other picture to jitter. */
  #isDue(lastMs: number): boolean {
    return performance.now() - lastMs >= 0.8 * (1000 / this.#settings.maxFramesPerSecond);
  }

  async #draw(
    channel: Channel,
    frame: FrameLease,
    view: FrameView,
    overlay: Overlay,
  ): Promise<void> {
    const { maxWidth, quality } = this.#settings;
    channel.latest = await this.#pictures.draw(frame, view, { overlay, maxWidth, quality });
    for (const viewer of channel.viewers) viewer(channel.latest);
  }

  #warn(camera: string, thrown: unknown): void {
    const error = VedetteError.from(thrown);
    this.#faults.warn(`live/${camera}/${error.code}`, { camera, error }, 'no live picture');
  }
}
