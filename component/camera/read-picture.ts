import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { inspectImage } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameDescription } from '../contract/frame.ts';
import type { FrameSink, SlotWriter } from '../contract/ports.ts';
import { identityFrom, isSameFile, type FileIdentity } from './file-disposal.ts';
import { isMissing } from './source-error.ts';

export interface PictureToRead {
  readonly path: string;
  readonly sequence: number;
  readonly capturedAtMs: number;
  /** When given, the file must still be this one, before and after it is read. */
  readonly identity?: FileIdentity;
}

/** What became of a file. The first three count as delivered by the source, the others do not. */
export type ReadOutcome =
  | { readonly kind: 'published' }
  /** No picture, or too large for a slot: counted as dropped. */
  | { readonly kind: 'refused'; readonly error: VedetteError }
  /** The camera stopped while the file waited for a slot: counted as dropped. */
  | { readonly kind: 'stopped' }
  /** Another file took its name, or it was still being written: nothing was counted. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'gone' };

/** Reads an encoded picture from disk straight into a slot and publishes it. */
export async function readPicture(
  sink: FrameSink,
  picture: PictureToRead,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const fileName = basename(picture.path);
  let file: FileHandle | undefined;
  try {
    file = await open(picture.path);
    return await readInto(sink, file, fileName, picture, signal);
  } catch (error) {
    if (file === undefined && isMissing(error)) return { kind: 'gone' };
    return refuse(sink, fileName, VedetteError.from(error, 'IMAGE_CORRUPT'));
  } finally {
    await file?.close();
  }
}

async function readInto(
  sink: FrameSink,
  file: FileHandle,
  fileName: string,
  picture: PictureToRead,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const before = identityFrom(await file.stat());
  if (picture.identity !== undefined && !isSameFile(before, picture.identity)) {
    return { kind: 'changed' };
  }
  const { byteLength } = before;
  if (byteLength === 0) {
    return refuse(sink, fileName, new VedetteError('IMAGE_CORRUPT', 'it is empty (0 bytes)'));
  }
  const writer = await sink.openSlot(byteLength, signal);
  if (writer === undefined) {
    return signal.aborted
      ? { kind: 'stopped' }
      : {
          kind: 'refused',
          error: new VedetteError(
            'BODY_TOO_LARGE',
            `${fileName} has ${byteLength} bytes, more than the camera's maxFrameBytes`,
          ),
        };
  }
  let isPublished = false;
  try {
    const isWhole = await fill(file, writer, byteLength);
    if (!isWhole || !isSameFile(identityFrom(await file.stat()), before)) {
      return { kind: 'changed' };
    }
    const { format, width, height } = inspectImage(writer.bytes.subarray(0, byteLength));
    const { sequence, capturedAtMs } = picture;
    isPublished = true;
    return publish(writer, {
      ...{ format, width, height, byteLength },
      ...{ sequence, capturedAtMs, fileName },
    });
  } finally {
    if (!isPublished) writer.abandon();
  }
}

/** A frame that cannot be described is counted by its slots. */
function publish(writer: SlotWriter, frame: FrameDescription): ReadOutcome {
  try {
    writer.publish(frame);
    return { kind: 'published' };
  } catch (error) {
    return { kind: 'refused', error: VedetteError.from(error, 'FRAME_INVALID') };
  }
}

/** Reads exactly `byteLength` bytes; false when the file is shorter by now. */
async function fill(file: FileHandle, writer: SlotWriter, byteLength: number): Promise<boolean> {
  for (let at = 0; at < byteLength;) {
    const { bytesRead } = await file.read(writer.bytes, at, byteLength - at, at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

function refuse(sink: FrameSink, fileName: string, cause: VedetteError): ReadOutcome {
  const error = new VedetteError(cause.code, `${fileName}: ${cause.message}`, { cause });
  sink.countDrop('unreadable', error);
  return { kind: 'refused', error };
}
