import { FrameSlots } from '../../component/camera/frame-slots.ts';
import { VedetteError } from '../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import type { FrameWatchers } from '../../component/pipeline/triggers/frame-watchers.ts';

const SIZE = { width: 160, height: 90 };
const BYTES = SIZE.width * SIZE.height;
const FRAME_MS = 10;
const never = new AbortController().signal;

/** Grey frames of two halves through real slots, shown as they pass as a triggered camera does. */
export class MovingScene {
  readonly #camera: string;
  readonly #watchers: FrameWatchers;
  readonly #slots = new FrameSlots({ slots: 4, slotBytes: BYTES, policy: 'newest' });
  readonly #luma = { left: 40, right: 200 };
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;

  constructor(camera: string, watchers: FrameWatchers) {
    this.#camera = camera;
    this.#watchers = watchers;
  }

  /** Frames come; resolves when one was measured. */
  async start(): Promise<void> {
    const measured = Promise.withResolvers<void>();
    const unwatch = this.#watchers.watch(this.#camera, {
      see: ({ luma }) => void luma().then(() => measured.resolve(), measured.reject),
      lost: () => {},
    });
    this.#timer = setInterval(() => void this.#pass(), FRAME_MS);
    await measured.promise;
    unwatch();
  }

  /** A half of the picture becomes dark or bright. */
  change(half: 'left' | 'right'): void {
    this.#luma[half] = 240 - this.#luma[half];
  }

  /** So many frames more have passed. */
  async passed(count: number): Promise<void> {
    const last = this.#sequence + count;
    while (this.#timer !== undefined && this.#sequence < last) {
      await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
    }
  }

  /** The camera is away. */
  lose(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const reason = new VedetteError('CAMERA_SOURCE_FAILED', 'it was unplugged').serialize();
    this.#watchers.heed({ name: this.#camera, state: 'reconnecting', reason });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#slots.close();
  }

  async #pass(): Promise<void> {
    const writer = await this.#slots.openSlot(BYTES, never);
    if (writer === undefined) return;
    for (let row = 0; row < SIZE.height; row += 1) {
      const start = row * SIZE.width;
      writer.bytes.fill(this.#luma.left, start, start + SIZE.width / 2);
      writer.bytes.fill(this.#luma.right, start + SIZE.width / 2, start + SIZE.width);
    }
    this.#sequence += 1;
    const described = { format: 'gray8' as const, ...SIZE, byteLength: BYTES };
    writer.publish({ ...described, sequence: this.#sequence, capturedAtMs: Date.now() });
    const frame = await this.#slots.next(never);
    if (frame === undefined) return;
    this.#watchers.see(this.#camera, frame, WHOLE_FRAME, this.#slots);
    this.#slots.release(frame);
  }
}
