import { z } from 'zod';
import {
  genicamSource,
  gstreamerSource,
  sharedSource,
  httpMjpegSource,
  httpSnapshotSource,
  testPatternSource,
} from './camera-source-kinds.ts';
import {
  boolean,
  described,
  integer,
  number,
  numeric,
  regionSchema,
  secretSchema,
} from './config-values.ts';
import { cameraHealthSchema } from './camera-health.ts';
import type { Restart } from './config-values.ts';
import { CAPTURE_MODES } from './device-desired.ts';
import { outcomeSchema } from './result.ts';
import { nameSchema } from './model-manifest.ts';
import { productsSchema, thresholdsSchema } from './product-config.ts';
import { trackingSchema } from './space-config.ts';
import { tilingSchema } from './tiling-config.ts';
import { transactionSchema } from './transaction-config.ts';

export const HARDWARE_DECODERS = [
  'none',
  'vaapi',
  'cuda',
  'qsv',
  'vdpau',
  'drm',
  'v4l2m2m',
] as const;

const pace = z.enum(['source', 'fast']);

export const cameraSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('folder').meta({ description: 'A folder of pictures' }),
    path: described(z.string().min(1), 'The folder'),
    mode: described(
      z.enum(['loop', 'once', 'watch']).default('loop'),
      '`loop`: the pictures by name, again and again; `once`: by name, one time; `watch`: new files as they come, oldest first, each moved to `done/` (or removed) when its result is stored, to `failed/` when it cannot be read',
    ),
    framesPerSecond: described(
      number(0.001, 1000).default(2),
      'Pace of `loop` and `once` with `pace: source`',
    ),
    consume: described(
      z.enum(['move', 'delete', 'keep']).default('move'),
      'What happens to a judged file in `watch`',
    ),
    settleMs: described(
      integer(0, 60_000).default(200),
      'A new file is read when its size has not changed for so long, in milliseconds',
    ),
  }),
  z.strictObject({
    kind: z
      .literal('mjpeg-file')
      .meta({ description: 'A file of JPEG pictures one after another' }),
    path: described(z.string().min(1), 'The file'),
    shouldLoop: described(boolean().default(true), 'Begin again at the end'),
    framesPerSecond: described(number(0.001, 1000).default(10), 'Pace with `pace: source`'),
  }),
  z.strictObject({
    kind: z
      .literal('ffmpeg')
      .meta({ description: 'Anything that ffmpeg opens: a video file, RTSP, V4L2' }),
    url: described(
      z.string().min(1),
      'A file path, `rtsp://…`, `http(s)://…` or `/dev/video0`. A password belongs into `password`',
    ),
    username: described(z.string().min(1).optional(), 'User name of the stream'),
    password: described(
      secretSchema.optional(),
      'Where the password of the stream is: `{ file: … }` or `{ env: … }`',
    ),
    transport: described(z.enum(['tcp', 'udp']).default('tcp'), 'RTSP transport'),
    inputFormat: described(
      z.enum(['auto', 'v4l2', 'mjpeg', 'h264']).default('auto'),
      "ffmpeg's input format; `auto` takes `v4l2` for /dev/video*",
    ),
    size: described(
      z.strictObject({ width: integer(16, 16_384), height: integer(16, 16_384) }).optional(),
      'Size asked of a V4L2 device, in pixels',
    ),
    framesPerSecond: described(number(0.1, 1000).optional(), 'Rate asked of a V4L2 device'),
    hardware: described(
      z.enum(HARDWARE_DECODERS).default('none'),
      'What decodes beside the processor, by ffmpeg’s name: `vaapi` (Intel, AMD), `cuda` (NVIDIA), `qsv` (Intel), `vdpau`, `drm` (with V4L2 requests on ARM); `v4l2m2m` takes the decoder of that name (Raspberry Pi). When it cannot, ffmpeg decodes on the processor, and the camera says so',
    ),
    hardwareDevice: described(
      z
        .string()
        .regex(/^(?:\/dev\/dri\/[a-zA-Z0-9]+|\d{1,2})$/)
        .optional(),
      'Which device, such as `/dev/dri/renderD128` or `1`; the first when absent',
    ),
    scaling: described(
      z.enum(['none', 'model']).default('none'),
      '`model`: ffmpeg makes the pictures smaller, to the smallest size from which nothing is scaled up for the camera’s model, which saves processor time and memory. Results stay in pixels of the camera; captures and the live view show the smaller picture',
    ),
    shouldLoop: described(boolean().default(true), 'Begin a file again at its end'),
    stallTimeoutMs: described(
      integer(500, 600_000).default(10_000),
      'The source is opened again when no frame came for so long, in milliseconds',
    ),
  }),
  z.strictObject({
    kind: z
      .literal('push')
      .meta({ description: 'Pictures that a program sends to POST /api/v1/cameras/{name}/frames' }),
  }),
  httpSnapshotSource,
  httpMjpegSource,
  gstreamerSource,
  genicamSource,
  testPatternSource,
  sharedSource,
]);

/** The stream as the camera sends it, kept for some seconds and written as MP4 around a verdict. */
export const recordingSchema = z.strictObject({
  outcomes: described(
    z.array(outcomeSchema).min(1).default(['fail']),
    'Outcomes that are recorded. Those during a recording share it',
  ),
  beforeSeconds: described(
    number(0, 600).default(5),
    'Kept before the verdict, in seconds, from the key frame before that',
  ),
  afterSeconds: described(number(0, 600).default(5), 'Recorded after the verdict, in seconds'),
  maxBytes: described(
    integer(65_536, 1_073_741_824).default(67_108_864),
    'Memory that the stream before the verdict may take, and size at which a clip ends, in bytes',
  ),
});
export type RecordingConfig = z.infer<typeof recordingSchema>;

export const cameraSchema = z.strictObject({
  isEnabled: described(boolean().default(true), 'Whether the camera runs', 'camera'),
  title: described(z.string().max(100).optional(), 'Name shown to people; the key when absent'),
  source: cameraSourceSchema.meta({ restart: 'camera' satisfies Restart }),
  model: described(nameSchema, 'The model, or the chain of models, that judges its frames'),
  policy: described(
    z.enum(['auto', 'newest', 'every', 'triggered']).default('auto'),
    '`newest`: the latest frame when the model is free, older ones are dropped and counted; `every`: each frame, in order, the source waits (one of kind `camera` does not); `triggered`: only frames that a trigger asked for, see `trigger`. `auto`: `every` for folders, pushed frames, recordings with `pace: fast` and cameras with `source.trigger`, else `newest`',
    'camera',
  ),
  maxFrameAgeMs: described(
    integer(1, 3_600_000).optional(),
    'With `newest`: a frame that is older when the model is free is dropped and counted, in milliseconds; none is when absent',
  ),
  trigger: described(
    transactionSchema.prefault({}),
    'How triggers are answered, with `policy: triggered`',
  ),
  pace: described(
    pace.default('source'),
    '`source`: at the rate of the source; `fast`: as fast as the model can',
    'camera',
  ),
  rotation: described(
    z
      .preprocess(numeric, z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]))
      .default(0),
    'Clockwise turn that brings the picture upright, in degrees',
  ),
  flip: described(
    z.enum(['none', 'horizontal', 'vertical']).default('none'),
    'Mirroring after the turn',
  ),
  region: described(
    regionSchema.optional(),
    'Part of the upright picture that the model sees, in its pixels; all of it when absent',
  ),
  thresholds: thresholdsSchema.prefault({}),
  products: described(
    productsSchema.default({}),
    'What is otherwise for a product, by its code: the `product` in the context of a pushed picture or a trigger. Rules name their product themselves',
  ),
  unknownProduct: described(
    z.enum(['review', 'default']).default('review'),
    'What becomes of a picture without a product, or with one that is not in `products`, when there are any: `review`: a person must look; `default`: the camera’s own settings and the rules without a product judge it',
  ),
  tiling: described(
    tilingSchema.optional(),
    'How its pictures are cut into tiles for the model; as the model’s `tiling` says when absent',
  ),
  tracking: described(trackingSchema.prefault({}), 'How objects are followed from frame to frame'),
  health: cameraHealthSchema.prefault({}),
  recording: described(
    recordingSchema.optional(),
    'Recording of the encoded stream around verdicts, of sources of kind `ffmpeg`; none when absent',
    'camera',
  ),
  captureMode: described(
    z.enum(CAPTURE_MODES).default('rules'),
    'Which of its pictures are kept: `rules`: those that rules in `captures` ask for; `all`: every judged one; `none`',
  ),
  slots: described(integer(3, 64).default(4), 'Frames held in memory', 'camera'),
  maxFrameBytes: described(
    integer(65_536, 1_073_741_824).default(33_554_432),
    'Largest frame in bytes',
    'camera',
  ),
});

export type CameraConfig = z.infer<typeof cameraSchema>;
export type CameraSourceConfig = z.infer<typeof cameraSourceSchema>;
export type CameraSourceOf<K extends CameraSourceConfig['kind']> = Extract<
  CameraSourceConfig,
  { kind: K }
>;
