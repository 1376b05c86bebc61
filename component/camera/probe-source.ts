import { encodeJpeg, FrameRing, rawImageOf } from '../../native/index.ts';
import {
  ENCODED_FORMATS,
  type FrameFormat,
  type FrameLease,
  type Size,
} from '../contract/frame.ts';
import type { CameraDriver } from '../contract/ports.ts';
import { VedetteError } from '../contract/errors.ts';
import { FrameSlots } from './frame-slots.ts';

export interface ProbeOptions {
  /** How long frames are counted after the first one, in milliseconds. */
  readonly durationMs: number;
  /** The first frame must come within so long, in milliseconds. */
  readonly openingMs: number;
  readonly maxFrameBytes: number;
  /** Ends it early; what it ends with is thrown. */
  readonly signal?: AbortSignal;
}

/** What a source really gives. */
export interface ProbeReport extends Size {
  readonly format: FrameFormat;
  readonly frames: number;
  /** From the opening of the source to its first frame, in milliseconds. */
  readonly firstFrameMs: number;
  /** Between first and last frame; absent when there was only one. */
  readonly framesPerSecond?: number;
  /** The longest time between two frames, in milliseconds. */
  readonly longestGapMs?: number;
  /** From the time that the frames say they were taken to that of their arrival here: the median. */
  readonly delayMs: number;
  readonly framesDropped: Readonly<Partial<Record<string, number>>>;
  /** The last frame. */
  readonly still: { readonly bytes: Uint8Array; readonly format: (typeof ENCODED_FORMATS)[number] };
}

const SLOTS = 4;
const STILL_QUALITY = 90;

/**
 * Opens a source, once, and looks at what comes. The source is closed afterwards.
 * @throws VedetteError what the driver throws, and CAMERA_SOURCE_FAILED when no frame comes in time,
 * and the reason of `signal`
 */
export async function probeSource(
  driver: CameraDriver,
  options: ProbeOptions,
): Promise<ProbeReport> {
  const slots = new FrameSlots({
    slots: SLOTS,
    slotBytes: options.maxFrameBytes,
    policy: 'newest',
  });
  const stop = new AbortController();
  const { signal = stop.signal } = options;
  const until = (ms: number) => AbortSignal.any([AbortSignal.timeout(ms), signal]);
  const began = performance.now();
  let failure: VedetteError | undefined;
  const run = driver.run(slots, stop.signal).then(
    () => slots.end(),
    (error: unknown) => {
      failure = VedetteError.from(error, 'CAMERA_SOURCE_FAILED');
      slots.end();
    },
  );
  try {
    const first = await slots.next(until(options.openingMs));
    signal.throwIfAborted();
    if (first === undefined) throw failure ?? nothingCame(slots, options.openingMs);
    const firstFrameMs = performance.now() - began;
    const seen = await countFrames(slots, first, until(options.durationMs));
    signal.throwIfAborted();
    return { ...seen, firstFrameMs, framesDropped: slots.framesDropped };
  } finally {
    stop.abort();
    await run;
    slots.close();
  }
}

/** Takes frames for that long, giving each back at once but for the last. */
async function countFrames(
  slots: FrameSlots,
  first: FrameLease,
  until: AbortSignal,
): Promise<Omit<ProbeReport, 'firstFrameMs' | 'framesDropped'>> {
  const arrivals = [performance.now()];
  const delays = [Date.now() - first.capturedAtMs];
  let last = first;
  for (;;) {
    const next = await slots.next(until);
    if (next === undefined) break;
    arrivals.push(performance.now());
    delays.push(Date.now() - next.capturedAtMs);
    slots.release(last);
    last = next;
  }
  const still = stillOf(slots, last);
  slots.release(last);
  const gaps = arrivals.slice(1).map((ms, index) => ms - arrivals[index]!);
  const spanMs = arrivals.at(-1)! - arrivals[0]!;
  const { format, width, height } = last;
  return {
    ...{ format, width, height, still },
    frames: arrivals.length,
    delayMs: delays.toSorted((a, b) => a - b)[Math.floor(delays.length / 2)]!,
    ...(gaps.length === 0
      ? {}
      : { framesPerSecond: (gaps.length * 1000) / spanMs, longestGapMs: Math.max(...gaps) }),
  };
}

function stillOf(slots: FrameSlots, frame: FrameLease): ProbeReport['still'] {
  const bytes = FrameRing.attach(slots.ringId).bytes(frame.slot).subarray(0, frame.byteLength);
  const encoded = ENCODED_FORMATS.find((format) => format === frame.format);
  if (encoded !== undefined) return { bytes: Uint8Array.from(bytes), format: encoded };
  const format = frame.format as Exclude<FrameFormat, (typeof ENCODED_FORMATS)[number]>;
  return { bytes: encodeJpeg(rawImageOf(frame, format, bytes), STILL_QUALITY), format: 'jpeg' };
}

function nothingCame(slots: FrameSlots, openingMs: number): VedetteError {
  const dropped = Object.entries(slots.framesDropped).map(
    ([reason, count]) => `${count} ${reason}`,
  );
  return new VedetteError(
    'CAMERA_SOURCE_FAILED',
    dropped.length === 0
      ? `the source is open or being opened, but no frame came for ${openingMs} ms; does the camera send?`
      : `no frame can be used: ${dropped.join(', ')} (docs/CAMERAS.md says what these mean)`,
  );
}
