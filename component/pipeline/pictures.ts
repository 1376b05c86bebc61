import { Worker } from 'node:worker_threads';
import { entryFile } from '../contract/entry-file.ts';
import { VedetteError, type SerializedError } from '../contract/errors.ts';
import { WORKER_MEMORY } from '../contract/worker-memory.ts';
import type { LumaPicture } from '../camera/picture-measures.ts';
import {
  WHOLE_FRAME,
  type EncodedFormat,
  type FrameLease,
  type FrameView,
} from '../contract/frame.ts';
import type { Overlay } from './draw-overlay.ts';

export interface DrawOptions {
  readonly overlay: Overlay;
  /** In pixels; a smaller picture keeps its size. */
  readonly maxWidth: number;
  /** JPEG quality, 1–100. */
  readonly quality: number;
}

export interface EncodedPicture {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly format: EncodedFormat;
}

export type PictureTask =
  | { readonly kind: 'draw'; readonly options: DrawOptions }
  | { readonly kind: 'encode' }
  | { readonly kind: 'luma' };

export interface PictureOrder {
  readonly id: number;
  /** A frame, or the bytes of a picture file. */
  readonly frame: FrameLease | Uint8Array<ArrayBuffer>;
  readonly view: FrameView;
  readonly maxPixels: number;
  readonly task: PictureTask;
}

export type PictureAnswer =
  | { readonly id: number; readonly picture: EncodedPicture | LumaPicture }
  | { readonly id: number; readonly error: SerializedError };

interface Waiting {
  readonly resolve: (picture: never) => void;
  readonly reject: (error: VedetteError) => void;
}

/** Orders under way at once; live views and captures beyond it are refused, not queued. */
const MAX_WAITING = 64;

/**
 * Turns frames into pictures for people, on a thread of its own: live views with everything drawn,
 * and captures. The caller holds the frame until the promise settles.
 */
export class Pictures {
  #maxPixels: number;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 1;
  #isClosed = false;

  constructor(maxImagePixels: number) {
    this.#maxPixels = maxImagePixels;
  }

  /** Of pictures that are ordered from now on. */
  limitPixels(maxImagePixels: number): void {
    this.#maxPixels = maxImagePixels;
  }

  /** A JPEG of the upright frame with the overlay on it. @throws VedetteError IMAGE_…, OVERLOADED */
  async draw(
    frame: FrameLease,
    view: FrameView,
    options: DrawOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#order<EncodedPicture>(frame, view, { kind: 'draw', options })).bytes;
  }

  /**
   * The whole upright frame as a picture file: the source's own bytes when nothing turns them, else
   * a JPEG. @throws VedetteError IMAGE_…, OVERLOADED
   */
  async encode(frame: FrameLease, view: FrameView): Promise<EncodedPicture> {
    return this.#order(frame, view, { kind: 'encode' });
  }

  /** The luma of the whole upright frame, 320 pixels wide at most. @throws VedetteError IMAGE_…, OVERLOADED */
  async luma(frame: FrameLease, view: FrameView): Promise<LumaPicture> {
    return this.#order(frame, view, { kind: 'luma' });
  }

  /** The same of a picture file, whose bytes are copied. @throws VedetteError IMAGE_…, OVERLOADED */
  async lumaOfFile(data: Uint8Array<ArrayBuffer>): Promise<LumaPicture> {
    return this.#order(data, WHOLE_FRAME, { kind: 'luma' });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#fail(new VedetteError('SHUTTING_DOWN', 'The process is stopping'));
    await this.#worker?.terminate();
  }

  #order<T extends EncodedPicture | LumaPicture>(
    frame: PictureOrder['frame'],
    view: FrameView,
    task: PictureTask,
  ): Promise<T> {
    if (this.#isClosed) {
      return Promise.reject(new VedetteError('SHUTTING_DOWN', 'The process is stopping'));
    }
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(
        new VedetteError('OVERLOADED', `${MAX_WAITING} pictures are already being made`),
      );
    }
    const worker = (this.#worker ??= this.#startWorker());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const order: PictureOrder = { id, frame, view, maxPixels: this.#maxPixels, task };
      worker.postMessage(order);
    });
  }

  #startWorker(): Worker {
    const worker = new Worker(entryFile('picture-worker', import.meta.url), {
      name: 'pictures',
      resourceLimits: WORKER_MEMORY,
    });
    worker.on('message', (answer: PictureAnswer) => this.#settle(answer));
    const lost = (cause: unknown) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail(new VedetteError('INTERNAL', 'The thread that draws pictures ended', { cause }));
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    return worker;
  }

  #settle(answer: PictureAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('picture' in answer) waiting?.resolve(answer.picture as never);
    else waiting?.reject(VedetteError.deserialize(answer.error));
  }

  #fail(error: VedetteError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
