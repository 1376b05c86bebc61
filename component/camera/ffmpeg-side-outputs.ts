import type { Readable } from 'node:stream';
import { VedetteError } from '../contract/errors.ts';
import type { FrameSink } from '../contract/ports.ts';
import { FragmentReader, TICKS_PER_SECOND, type EncodedStream } from './fragment-reader.ts';
import { FrameTimes } from './frame-times.ts';

/** What MP4 can hold of what cameras send, by ffmpeg's names. */
const COPYABLE: ReadonlySet<string> = new Set(['h264', 'hevc', 'mjpeg', 'mpeg4', 'av1']);

export const isCopyable = (codec: string | undefined): boolean =>
  codec !== undefined && COPYABLE.has(codec);

/** What is told of a stream that is to be recorded and is not. */
export const notRecorded = (codec: string | undefined): VedetteError =>
  new VedetteError(
    'CAMERA_SOURCE_FAILED',
    `its stream (${codec ?? 'of an unknown codec'}) cannot be recorded: MP4 or ffmpeg does not take it`,
  );

/** Descriptors of the child, after that of its raw frames. */
const TIMES_FD = 4;
const COPY_FD = 5;
export const SIDE_PIPES = 2;

/**
 * Filters behind the others that print the presentation time of each frame before its pixels are
 * written. `metadata` prints only frames that have some, so each is given one.
 */
export const TIME_FILTERS = [
  `settb=1/${TICKS_PER_SECOND}`,
  'metadata=mode=add:key=n:value=1',
  `metadata=mode=print:file=pipe\\\\:${TIMES_FD}:direct=1`,
];

/** A second output: the stream as it came, one fragment a frame, with the time of each. */
export const COPY_OUTPUT = [
  ...['-map', '0:v:0', '-an', '-sn', '-dn', '-c', 'copy', '-f', 'mp4'],
  ...['-movflags', 'frag_every_frame+empty_moov+default_base_moof', '-write_prft', 'wallclock'],
  ...['-video_track_timescale', String(TICKS_PER_SECOND), '-avoid_negative_ts', 'disabled'],
  ...['-flush_packets', '1', `pipe:${COPY_FD}`],
];

/**
 * Reads what a child with both prints: dates the frames of `sink`, and hands the encoded stream to
 * `encoded`. Returns what ends it.
 */
export function readSideOutputs(
  pipes: readonly Readable[],
  sink: FrameSink,
  firstSequence: number,
  encoded?: EncodedStream,
): () => void {
  const [timesPipe, copyPipe] = pipes;
  const times = new FrameTimes(firstSequence);
  const reader = new FragmentReader({
    header: (bytes) => encoded?.header(bytes),
    end: () => encoded?.end(),
    frame: (frame) => {
      times.addPair(frame.ticks, frame.ntpMs, Date.now());
      encoded?.frame(frame);
    },
  });
  timesPipe?.setEncoding('latin1').on('data', (text: string) => times.addText(text));
  copyPipe?.on('data', (chunk: Buffer) => reader.push(chunk));
  // A child that is killed resets its pipes; how it ended is known from its exit.
  for (const pipe of pipes) pipe.on('error', () => {});
  sink.dateFrames(times);
  return () => {
    for (const pipe of pipes) pipe.destroy();
    encoded?.end();
  };
}
