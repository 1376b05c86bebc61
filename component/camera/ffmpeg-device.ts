import { VedetteError } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';
import type { FrameSink } from '../contract/ports.ts';
import type { FfmpegSource } from './ffmpeg-input.ts';

/** A device that rounds the rate, to 29.97 of 30, still gives what was asked. */
const RATE_TOLERANCE = 0.01;
/** A buffer that the driver calls damaged, or that is short; a picture that cannot be decoded. */
const DAMAGED =
  /Dequeued v4l2 buffer contains (.*)|Error (?:while decoding stream|submitting packet to decoder)\b.*/;

/** Counts a frame that a V4L2 device sent and ffmpeg did not pass on, by a line of ffmpeg. */
export const countDamaged =
  (sink: Pick<FrameSink, 'countDrop'>) =>
  (line: string): void => {
    const found = DAMAGED.exec(line);
    if (found === null) return;
    const text = `the device sent a damaged frame: ${found[1] ?? line}`;
    sink.countDrop('unreadable', new VedetteError('IMAGE_CORRUPT', text));
  };

/**
 * A V4L2 device gives the nearest of its sizes in place of one that it has not.
 * @throws VedetteError CAMERA_SETTING_REFUSED
 */
export function requireSize({ url, size }: FfmpegSource, given: Size): void {
  if (size === undefined || (size.width === given.width && size.height === given.height)) return;
  throw new VedetteError(
    'CAMERA_SETTING_REFUSED',
    `${url}: the device has no size of ${size.width}×${size.height} in this format; it would give ${given.width}×${given.height}`,
  );
}

/**
 * A V4L2 device gives the nearest of its rates as well, which ffmpeg says at its level `info`:
 * `The driver changed the time per frame from 1/25 to 1/30`.
 */
export function changedRate(
  { url, framesPerSecond: asked }: FfmpegSource,
  lines: readonly string[],
): VedetteError | undefined {
  if (asked === undefined) return undefined;
  for (const line of lines) {
    const found = /changed the time per frame from \S+ to (\d+)\/(\d+)/.exec(line);
    if (found === null) continue;
    const given = Number(found[2]) / Number(found[1]);
    if (Math.abs(given - asked) <= RATE_TOLERANCE * asked) continue;
    return new VedetteError(
      'CAMERA_SETTING_REFUSED',
      `${url}: the device has no rate of ${asked} frames/s at this size; it gives ${Math.round(given * 100) / 100}`,
    );
  }
  return undefined;
}
