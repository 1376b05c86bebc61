import { z } from 'zod';
import { boolean, described, integer, number, secretSchema } from './config-values.ts';

const kindOf = <K extends string>(kind: K, description: string) =>
  z.literal(kind).meta({ description });

const stallTimeoutMs = described(
  integer(500, 600_000).default(10_000),
  'The source is opened again when no frame came for so long, in milliseconds',
);

/** What every source at an HTTP address has. */
const httpAddress = {
  url: described(
    z.string().min(1),
    '`http(s)://…`. A password belongs into `password`; one that the camera wants in the query is shown as `***`',
  ),
  username: described(
    z.string().min(1).optional(),
    'User name, for Basic or Digest as the camera asks',
  ),
  password: described(
    secretSchema.optional(),
    'Where the password is: `{ file: … }` or `{ env: … }`',
  ),
  timeoutMs: described(
    integer(100, 120_000).default(5000),
    'An answer must begin within so long, and a single picture be there, in milliseconds',
  ),
};

export const testPatternSource = z.strictObject({
  kind: kindOf('test-pattern', 'Pictures with known contents, made by Vedette itself'),
  width: described(integer(64, 8192).default(640), 'Width in pixels'),
  height: described(integer(48, 8192).default(480), 'Height in pixels'),
  framesPerSecond: described(number(0.001, 1000).default(10), 'Pace with `pace: source`'),
});

export const sharedSource = z.strictObject({
  kind: kindOf(
    'camera',
    'The frames of another camera, which opens and decodes its source once for all',
  ),
  camera: described(
    z.string().min(1),
    'Name of the other camera, whose source is neither of kind `camera` nor `push`',
  ),
});

export const httpSnapshotSource = z.strictObject({
  kind: kindOf('http-snapshot', 'One picture after another from an HTTP address'),
  ...httpAddress,
  intervalMs: described(
    integer(10, 86_400_000).default(1000),
    'From the beginning of one request to that of the next, in milliseconds',
  ),
});

export const httpMjpegSource = z.strictObject({
  kind: kindOf('http-mjpeg', 'An HTTP stream of JPEG pictures, read without ffmpeg'),
  ...httpAddress,
  stallTimeoutMs,
});

export const gstreamerSource = z.strictObject({
  kind: kindOf('gstreamer', 'A GStreamer pipeline: CSI cameras, hardware decoders, anything rare'),
  pipeline: described(
    z.string().min(1).max(4000),
    'Elements from the source to raw pictures, without a sink, joined by ` ! ` as for gst-launch-1.0. An element that is not allowed is refused with the list of those that are',
  ),
  stallTimeoutMs,
});

export const GENICAM_PIXEL_FORMATS = [
  'mono8',
  'mono16',
  'bayerrg8',
  'bayergr8',
  'bayergb8',
  'bayerbg8',
  'rgb8',
] as const;

/** Values of GenICam's Standard Features Naming Convention (SFNC), as it writes them. */
export const GENICAM_TRIGGER_ACTIVATIONS = [
  'RisingEdge',
  'FallingEdge',
  'AnyEdge',
  'LevelHigh',
  'LevelLow',
] as const;
export const GENICAM_AUTOMATICS = ['Once', 'Continuous'] as const;

export const genicamSource = z.strictObject({
  kind: kindOf('genicam', 'An industrial camera (GigE Vision, USB3 Vision) through Aravis'),
  camera: described(
    z.string().regex(/^[\w .:()-]{1,200}$/),
    'Which one: its IP address, serial number or name, as `arv-tool-0.8` lists it',
  ),
  pixelFormat: described(z.enum(GENICAM_PIXEL_FORMATS).default('mono8'), 'What the camera sends'),
  size: described(
    z.strictObject({ width: integer(16, 16_384), height: integer(16, 16_384) }).optional(),
    'Part of the sensor that is read, in pixels, the width a multiple of 4; as the camera is set when absent',
  ),
  offset: described(
    z.strictObject({ x: integer(0, 16_384), y: integer(0, 16_384) }).optional(),
    'Where on the sensor that part begins, in pixels',
  ),
  framesPerSecond: described(
    number(0.1, 1000).optional(),
    'Rate of a camera that runs freely; as the camera is set when absent',
  ),
  trigger: described(
    z
      .strictObject({
        source: described(
          z.string().regex(/^[A-Za-z]\w{0,62}$/),
          'What gives it: SFNC’s `TriggerSource`, such as `Line0` or `Line1`',
        ),
        activation: described(
          z.enum(GENICAM_TRIGGER_ACTIVATIONS).optional(),
          'Edge or level of the line: SFNC’s `TriggerActivation`; as the camera is set when absent',
        ),
      })
      .optional(),
    'The camera takes one picture for each pulse at an input of its own (SFNC’s `TriggerMode` `On`, `FrameStart`); when absent it runs freely (`Off`)',
  ),
  exposureUs: described(
    number(1, 100_000_000).optional(),
    'Exposure time in microseconds, switching its automatic off; as the camera is set when absent',
  ),
  exposureAuto: described(
    z.enum(GENICAM_AUTOMATICS).optional(),
    'Has the camera choose its exposure time: SFNC’s `ExposureAuto`; as the camera is set when absent',
  ),
  gainDb: described(
    number(0, 500).optional(),
    'Gain in decibels, switching its automatic off; as the camera is set when absent',
  ),
  gainAuto: described(
    z.enum(GENICAM_AUTOMATICS).optional(),
    'Has the camera choose its gain: SFNC’s `GainAuto`; as the camera is set when absent',
  ),
  resendsPackets: described(
    boolean().default(true),
    'Whether lost packets of GigE Vision are asked for again',
  ),
  stallTimeoutMs: described(
    integer(500, 600_000).default(10_000),
    'The camera is opened again when no frame came for so long, in milliseconds; not with `trigger`, where silence is normal',
  ),
});
