import { VedetteError } from '../contract/errors.ts';
import type { InferenceAnswer } from '../contract/ports.ts';
import { requireUsable } from './picture-runner.ts';
import type { PictureRequest, PictureRunner } from './picture-runner.ts';

/** A picture that can be read when its turn comes, and again to be drawn on. */
export interface PictureSource {
  /** As a person knows it. */
  readonly name: string;
  /** The encoded picture, in an array of its own each time. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/** What became of a picture. */
export type JudgedPicture<P extends PictureSource = PictureSource> =
  | { readonly picture: P; readonly answer: InferenceAnswer }
  | { readonly picture: P; readonly error: VedetteError };

/**
 * Judges pictures one after another, as many at once as the model has workers and one more that is
 * read meanwhile. Answers come in the order of the pictures; one that fails does not end the run.
 * Memory holds the pictures under way and no others.
 * @throws VedetteError INFERENCE_TIMEOUT when the model hangs for good
 */
export async function* runOnPictures<P extends PictureSource>(
  runner: PictureRunner,
  pictures: Iterable<P> | AsyncIterable<P>,
  request: PictureRequest,
): AsyncGenerator<JudgedPicture<P>, void> {
  const underWay: Promise<JudgedPicture<P>>[] = [];
  for await (const picture of pictures) {
    underWay.push(judged(runner, picture, request));
    if (underWay.length > runner.workers) {
      yield await underWay.shift()!;
      requireUsable(runner);
    }
  }
  for (const next of underWay) yield await next;
}

async function judged<P extends PictureSource>(
  runner: PictureRunner,
  picture: P,
  request: PictureRequest,
): Promise<JudgedPicture<P>> {
  try {
    return { picture, answer: await runner.judge(await picture.read(), request) };
  } catch (error) {
    return { picture, error: VedetteError.from(error) };
  }
}
