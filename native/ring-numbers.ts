import {
  ENCODED_FORMATS,
  RAW_PIXEL_FORMATS,
  type FrameDescription,
  type FrameFormat,
  type FrameLease,
} from '../component/contract/frame.ts';
import { VedetteError } from '../component/contract/errors.ts';
import { MEANING_NUMBERS, readMeaning, writeMeaning } from './sample-meaning.ts';

/** Where each number of a ring call lies in its Float64Array. Mirrored in native/binding/rings.h. */
export const RING = {
  slot: 0,
  token: 1,
  owner: 2,
  count: 3,
  format: 4,
  width: 5,
  height: 6,
  byteLength: 7,
  strideCount: 8,
  strides: 9,
  sequence: 12,
  capturedAtMs: 13,
  capturedSteadyMs: 14,
  meaning: 15,
  length: 15 + MEANING_NUMBERS,
} as const;

const FORMATS: readonly FrameFormat[] = [...RAW_PIXEL_FORMATS, ...ENCODED_FORMATS];

/** What the addon's steady clock, CLOCK_MONOTONIC, showed when `performance.now()` of this thread was 0. */
const STEADY_ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** A number as the addon takes it: what is none becomes NaN, which it refuses by name. */
export function numeric(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

export function writeFrame(numbers: Float64Array, frame: FrameDescription): void {
  const format = FORMATS.indexOf(frame.format);
  const strides = frame.strides ?? [];
  if (format < 0 || !Array.isArray(strides)) {
    throw new VedetteError(
      'FRAME_INVALID',
      `format: expected ${FORMATS.join(', ')}, got ${String(frame.format)}; strides: ${String(strides)}`,
    );
  }
  numbers[RING.format] = format;
  numbers[RING.width] = numeric(frame.width);
  numbers[RING.height] = numeric(frame.height);
  numbers[RING.byteLength] = numeric(frame.byteLength);
  numbers[RING.strideCount] = strides.length;
  for (let plane = 0; plane < Math.min(strides.length, 3); plane++) {
    numbers[RING.strides + plane] = numeric(strides[plane]);
  }
  numbers[RING.sequence] = numeric(frame.sequence);
  numbers[RING.capturedAtMs] = numeric(frame.capturedAtMs);
  numbers[RING.capturedSteadyMs] = STEADY_ORIGIN_MS + steadyMsOf(frame);
  writeMeaning(numbers, RING.meaning, frame);
}

/** A wall time that is still to come was read before the clock was set back, or is of a file that lies. */
function steadyMsOf({ capturedAtMs, capturedSteadyMs }: FrameDescription): number {
  return capturedSteadyMs ?? performance.now() - Math.max(0, Date.now() - numeric(capturedAtMs));
}

export function readFrame(
  numbers: Float64Array,
): FrameDescription & Pick<FrameLease, 'capturedSteadyMs'> {
  const strides = numbers.subarray(RING.strides, RING.strides + at(numbers, RING.strideCount));
  return {
    format: FORMATS[at(numbers, RING.format)] as FrameFormat,
    width: at(numbers, RING.width),
    height: at(numbers, RING.height),
    byteLength: at(numbers, RING.byteLength),
    ...(strides.length === 0 ? {} : { strides: [...strides] }),
    sequence: at(numbers, RING.sequence),
    capturedAtMs: at(numbers, RING.capturedAtMs),
    capturedSteadyMs: at(numbers, RING.capturedSteadyMs) - STEADY_ORIGIN_MS,
    ...readMeaning(numbers, RING.meaning),
  };
}

export function at(numbers: Float64Array, index: number): number {
  return numbers[index] as number;
}
