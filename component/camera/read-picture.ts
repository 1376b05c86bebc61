import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { inspectImage } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { DropReason, FrameDescription } from '../contract/frame.ts';
import type { FrameSink, SlotWriter } from '../contract/ports.ts';
import { identityFrom, isSameFile, type FileIdentity } from './file-disposal.ts';
import type { FolderCall } from './folder-calls.ts';
import { isMissing, isSystemError, sourceError } from './source-error.ts';

export interface PictureToRead {
  readonly path: string;
  readonly sequence: number;
  readonly capturedAtMs: number;
  /** `arrival` when absent. */
  readonly captureClock?: 'file';
  /** When given, the file must still be this one, before and after it is read. */
  readonly identity?: FileIdentity;
  /** Makes each call to the file system; at once when absent. */
  readonly call?: FolderCall;
}

/** A slow share shall be seen to answer. */
const MAX_READ_BYTES = 1_048_576;

const atOnce: FolderCall = (work) => work();

/** What became of a file. The first three count as delivered by the source, the others do not. */
export type ReadOutcome =
  | { readonly kind: 'published' }
  /** No picture, or too large for a slot: counted as dropped, and given an error result. */
  | { readonly kind: 'refused' }
  /** No slot was free, or the camera stopped while it waited for one: counted as dropped. */
  | { readonly kind: 'dropped' }
  /** Another file took its name, or it was still being written. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'gone' }
  /** The system does not let it be read, which says nothing about the picture. */
  | { readonly kind: 'unavailable'; readonly error: VedetteError };

type Refusal = readonly [reason: DropReason | undefined, error: VedetteError];

/** Reads an encoded picture from disk straight into a slot and publishes it. */
export async function readPicture(
  sink: FrameSink,
  picture: PictureToRead,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const fileName = basename(picture.path);
  let read: ReadOutcome | Refusal;
  try {
    read = await readFileInto(sink, fileName, picture, signal);
  } catch (error) {
    if (isMissing(error)) return { kind: 'gone' };
    if (isSystemError(error)) {
      return { kind: 'unavailable', error: sourceError(error, `file ${picture.path}`) };
    }
    read = ['unreadable', VedetteError.from(error, 'IMAGE_CORRUPT')];
  }
  if ('kind' in read) return read;
  const [reason, cause] = read;
  const error = new VedetteError(cause.code, `${fileName}: ${cause.message}`, {
    cause,
    details: cause.details,
  });
  const { sequence } = picture;
  await sink.refuse(
    { sequence, ...timeOf(picture), fileName, error, ...(reason === undefined ? {} : { reason }) },
    signal,
  );
  return { kind: 'refused' };
}

async function readFileInto(
  sink: FrameSink,
  fileName: string,
  picture: PictureToRead,
  signal: AbortSignal,
): Promise<ReadOutcome | Refusal> {
  const { call = atOnce } = picture;
  const file = await call(() => open(picture.path));
  try {
    return await readInto(sink, file, fileName, picture, signal);
  } finally {
    await call(() => file.close());
  }
}

async function readInto(
  sink: FrameSink,
  file: FileHandle,
  fileName: string,
  picture: PictureToRead,
  signal: AbortSignal,
): Promise<ReadOutcome | Refusal> {
  const { call = atOnce } = picture;
  const before = identityFrom(await call(() => file.stat()));
  if (picture.identity !== undefined && !isSameFile(before, picture.identity)) {
    return { kind: 'changed' };
  }
  const { byteLength } = before;
  if (byteLength === 0) {
    return ['unreadable', new VedetteError('IMAGE_CORRUPT', 'it is empty (0 bytes)')];
  }
  if (byteLength > sink.slotBytes) return ['too-large', tooLarge(byteLength, sink.slotBytes)];
  const writer = await sink.openSlot(byteLength, signal);
  if (writer === undefined) return { kind: 'dropped' };
  let isPublished = false;
  try {
    const isWhole = await fill(file, writer, byteLength, call);
    if (!isWhole || !isSameFile(identityFrom(await call(() => file.stat())), before)) {
      return { kind: 'changed' };
    }
    const { format, width, height } = inspectImage(writer.bytes.subarray(0, byteLength));
    const { sequence } = picture;
    isPublished = true;
    return publish(writer, {
      ...{ format, width, height, byteLength },
      ...{ sequence, ...timeOf(picture), fileName },
    });
  } finally {
    if (!isPublished) writer.abandon();
  }
}

const timeOf = ({ capturedAtMs, captureClock }: PictureToRead) => ({
  capturedAtMs,
  ...(captureClock === undefined ? {} : { captureClock }),
});

/** A picture that no slot of the camera can hold. */
export const tooLarge = (byteLength: number, slotBytes: number): VedetteError =>
  new VedetteError(
    'BODY_TOO_LARGE',
    `the picture has ${byteLength} bytes, at most ${slotBytes} fit (maxFrameBytes)`,
    { details: { byteLength, slotBytes } },
  );

/** A frame that cannot be described was counted by its slots. */
function publish(writer: SlotWriter, frame: FrameDescription): ReadOutcome | Refusal {
  try {
    writer.publish(frame);
    return { kind: 'published' };
  } catch (error) {
    return [undefined, VedetteError.from(error, 'FRAME_INVALID')];
  }
}

/** Reads exactly `byteLength` bytes; false when the file is shorter by now. */
async function fill(
  file: FileHandle,
  writer: SlotWriter,
  byteLength: number,
  call: FolderCall,
): Promise<boolean> {
  for (let at = 0; at < byteLength;) {
    const length = Math.min(byteLength - at, MAX_READ_BYTES);
    const { bytesRead } = await call(() => file.read(writer.bytes, at, length, at));
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}
