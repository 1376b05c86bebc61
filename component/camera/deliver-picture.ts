import { inspectImage, type ImageInfo } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameReference, FrameSink } from '../contract/ports.ts';
import type { SplitPicture } from './jpeg-splitter.ts';
import { tooLarge } from './read-picture.ts';

/** What came of an encoded picture in memory; the other two are counted as dropped. */
export type Delivery = 'published' | 'no-slot' | 'refused';

/**
 * Puts an encoded picture that lies in memory into a slot. `where` names it in messages:
 * `picture 3 of file clip.mjpeg`. What is no picture, or too large, is counted with its reason.
 */
export async function deliverPicture(
  sink: FrameSink,
  picture: SplitPicture,
  where: string,
  reference: FrameReference,
  signal: AbortSignal,
): Promise<Delivery> {
  const info = inspect(sink, picture, where);
  if (info === undefined || picture.kind !== 'jpeg') return 'refused';
  const { data } = picture;
  const writer = await sink.openSlot(data.byteLength, signal);
  if (writer === undefined) return 'no-slot';
  writer.bytes.set(data);
  const { format, width, height } = info;
  writer.publish({ format, width, height, byteLength: data.byteLength, ...reference });
  return 'published';
}

function inspect(sink: FrameSink, picture: SplitPicture, where: string): ImageInfo | undefined {
  const named = (cause: VedetteError) =>
    new VedetteError(cause.code, `${where}: ${cause.message}`, { cause });
  if (picture.kind === 'too-large') {
    sink.countDrop('too-large', named(tooLarge(picture.byteLength, sink.slotBytes)));
    return undefined;
  }
  try {
    if (picture.kind === 'broken') {
      throw new VedetteError(
        'IMAGE_CORRUPT',
        `it is damaged or cut short after ${picture.byteLength} bytes`,
      );
    }
    return inspectImage(picture.data);
  } catch (error) {
    sink.countDrop('unreadable', named(VedetteError.from(error, 'IMAGE_CORRUPT')));
    return undefined;
  }
}
