import { z } from 'zod';
import { boolean, described, integer, number } from './config-values.ts';

/** What can be wrong with the pictures of a camera that runs. Each is a label of `vedette_camera_condition`. */
export const CAMERA_CONDITIONS = [
  'frozen',
  'black',
  'over-exposed',
  'under-exposed',
  'out-of-focus',
  'moved',
  'wrong-rate',
  'clock-drift',
] as const;
export type CameraConditionKind = (typeof CAMERA_CONDITIONS)[number];

export interface CameraCondition {
  readonly kind: CameraConditionKind;
  readonly sinceMs: number;
  /** With the measured value and its limit. */
  readonly message: string;
}

/** What was measured on the last picture that was looked at. Luma is 0–255. */
export interface CameraMeasures {
  readonly atMs: number;
  readonly meanLuma: number;
  readonly darkFraction: number;
  readonly brightFraction: number;
  /** Variance of the Laplacian. */
  readonly sharpness: number;
  /** Mean absolute difference to the picture before, in levels of luma. */
  readonly difference?: number;
  /** With the reference picture, −1 to 1. */
  readonly correlation?: number;
  readonly framesPerSecond?: number;
  /** Of the camera's clock from this machine's, with the time on the way in it. */
  readonly clockDifferenceMs?: number;
}

/** Health of one camera as its status says it. */
export interface CameraPictureHealth {
  readonly conditions: readonly CameraCondition[];
  readonly measures?: CameraMeasures;
}

const fraction = (value: number) => number(0, 1).default(value);

export const cameraHealthSchema = z.strictObject({
  isEnabled: described(
    boolean().default(true),
    'Whether judged pictures of live sources (`ffmpeg`, `http-…`, `gstreamer`, `genicam`) are measured; folders, pushed pictures, MJPEG files and the test pattern never are',
  ),
  intervalMs: described(
    integer(100, 3_600_000).default(1000),
    'One picture is measured in so long, in milliseconds',
  ),
  samples: described(
    integer(1, 1000).default(3),
    'So many measurements one after the other must say the same before a condition begins or ends',
  ),
  hysteresis: described(
    fraction(0.1),
    'A condition ends when its value is better than the limit by this share of it',
  ),
  frozenAfterMs: described(
    integer(1000, 86_400_000).default(30_000),
    'Frozen: no picture differed by more than `maxFrozenDifference` for so long, in milliseconds; longer than a camera takes that renews its picture seldom',
  ),
  maxFrozenDifference: described(
    number(0, 255).default(0.02),
    'Mean difference of two pictures, in levels of luma, up to which they are the same',
  ),
  maxDarkFraction: described(
    fraction(0.98),
    'Black: more of the picture than this has a luma of at most 25',
  ),
  maxBrightFraction: described(
    fraction(0.4),
    'Over-exposed: more of the picture than this has a luma of at least 250',
  ),
  minMeanLuma: described(
    number(0, 255).default(30),
    'Under-exposed: the mean luma is lower, and the picture is not black',
  ),
  minSharpness: described(
    number(0, 1_000_000).optional(),
    'Out of focus: the variance of the Laplacian is lower. It depends on the scene: take half of what the status says of a sharp picture; not judged when absent',
  ),
  referencePicture: described(
    z.string().min(1).optional(),
    'A picture file of what the camera should see, for `moved`; not judged when absent',
  ),
  minCorrelation: described(
    number(-1, 1).default(0.5),
    'Moved: the correlation with `referencePicture` is lower',
  ),
  framesPerSecond: described(
    number(0.001, 1000).optional(),
    'The rate that the source should have; not judged when absent',
  ),
  maxRateDeviation: described(
    fraction(0.25),
    'Wrong rate: it is off `framesPerSecond` by more than this share of it',
  ),
  maxClockDifferenceMs: described(
    integer(10, 86_400_000).default(2000),
    'Clock drift: the camera’s clock, where RTCP tells it, is off by more, in milliseconds',
  ),
});

export type CameraHealthConfig = z.infer<typeof cameraHealthSchema>;
