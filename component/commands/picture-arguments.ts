import { basename } from 'node:path';
import { stat } from 'node:fs/promises';
import { VedetteError } from '../contract/errors.ts';
import { clipFrames, isClipName } from '../camera/clip-frames.ts';
import { findPictures } from '../camera/find-pictures.ts';
import type { PictureSource } from '../inference/run-on-pictures.ts';

/** A picture that a path on the command line stands for. */
export interface NamedPicture extends PictureSource {
  /** Where a drawing of it goes below an output folder, with `/`. */
  readonly relativePath: string;
}

export interface PictureArguments {
  /** Pictures that are known beforehand; frames of clips come on top. */
  readonly files: readonly NamedPicture[];
  readonly clips: readonly string[];
}

/**
 * Sorts the paths that were given into picture files and video clips, before any model is loaded.
 * @throws VedetteError NOT_FOUND, REQUEST_INVALID, PICTURE_UNREADABLE
 */
export async function readPictureArguments(paths: readonly string[]): Promise<PictureArguments> {
  const clips: string[] = [];
  const others: string[] = [];
  for (const path of paths) {
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    (isFile && isClipName(path) ? clips : others).push(path);
  }
  return { files: others.length > 0 ? await findPictures(others) : [], clips };
}

/** The files, then frames of the clips. A clip that cannot be read to its end is one failed picture. */
export async function* allPictures(
  { files, clips }: PictureArguments,
  everySeconds: number,
  ffmpeg: string,
): AsyncGenerator<NamedPicture, void> {
  yield* files;
  for (const clip of clips) {
    try {
      for await (const { seconds, jpeg } of clipFrames(clip, everySeconds, ffmpeg)) {
        const at = seconds.toFixed(2);
        yield {
          name: `${clip} @ ${at} s`,
          relativePath: `${basename(clip)}/${at.padStart(8, '0')}s.jpg`,
          // The worker takes the array it is given, and the frame may still be drawn.
          read: () => Promise.resolve(jpeg.slice()),
        };
      }
    } catch (error) {
      if (error instanceof VedetteError && error.code === 'FFMPEG_MISSING') throw error;
      const failed = VedetteError.from(error);
      yield { name: clip, relativePath: basename(clip), read: () => Promise.reject(failed) };
    }
  }
}
