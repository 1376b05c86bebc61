import { join } from 'node:path';
import type { CameraConfig, CameraSourceOf } from '../contract/camera-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { Pacer } from './pacer.ts';
import { compareNames, listPictures } from './picture-files.ts';
import { readPicture } from './read-picture.ts';
import { sourceError } from './source-error.ts';

export interface FolderCameraOptions {
  readonly source: CameraSourceOf<'folder'>;
  readonly pace: CameraConfig['pace'];
}

/**
 * The pictures of a folder by name, again and again (`loop`) or one time (`once`). The folder is
 * listed anew for each round; nothing in it is changed.
 */
export class FolderCamera implements CameraDriver {
  readonly endsForGood: boolean;
  readonly #options: FolderCameraOptions;
  /** `once`: what was delivered before the folder went away and came back. */
  readonly #delivered = new Set<string>();
  #sequence = 0;

  constructor(options: FolderCameraOptions) {
    this.#options = options;
    this.endsForGood = options.source.mode === 'once';
  }

  /** @throws VedetteError CAMERA_SOURCE_MISSING, CAMERA_SOURCE_FAILED */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    const { source, pace } = this.#options;
    const pacer = new Pacer(pace, source.framesPerSecond);
    while (!signal.aborted) {
      const published = await this.#playOnce(sink, pacer, signal);
      if (this.endsForGood || signal.aborted) return;
      if (published === 0) {
        await this.#list(); // says that it is missing, if it is
        throw new VedetteError(
          'CAMERA_SOURCE_FAILED',
          `folder ${source.path} holds no picture that can be read (JPEG, PNG, WebP or TIFF)`,
        );
      }
    }
  }

  /** Returns how many pictures were published. */
  async #playOnce(sink: FrameSink, pacer: Pacer, signal: AbortSignal): Promise<number> {
    const names = (await this.#list()).sort(compareNames);
    let published = 0;
    let unavailable: VedetteError | undefined;
    for (const name of names) {
      if (this.endsForGood && this.#delivered.has(name)) continue;
      await pacer.next(signal);
      if (signal.aborted) break;
      const path = join(this.#options.source.path, name);
      const outcome = await readPicture(
        sink,
        { path, sequence: this.#sequence, capturedAtMs: Date.now() },
        signal,
      );
      if (outcome.kind === 'unavailable') unavailable = outcome.error;
      const isCounted = ['published', 'refused', 'dropped'].includes(outcome.kind);
      if (!isCounted) continue;
      this.#sequence += 1;
      if (this.endsForGood) this.#delivered.add(name);
      if (outcome.kind === 'published') published += 1;
    }
    sink.notifyTrouble(unavailable);
    // `once` is through when every picture was: the supervisor comes back for what is missing.
    if (unavailable !== undefined && this.endsForGood && !signal.aborted) throw unavailable;
    return published;
  }

  async #list(): Promise<string[]> {
    try {
      return await listPictures(this.#options.source.path);
    } catch (error) {
      throw sourceError(error, `folder ${this.#options.source.path}`);
    }
  }
}
