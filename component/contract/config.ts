import { z } from 'zod';
import { nameSchema } from './model-manifest.ts';

/**
 * The configuration of the edge runtime: the one source of defaults, ranges, units and descriptions.
 * Greengrass delivers numbers and booleans as strings, so every number and boolean is read from
 * either. Collections are maps keyed by name, because a Greengrass merge replaces whole lists.
 */

/** `restart`: a change takes effect only when the process starts again. */
export interface ConfigLeafMeta {
  description: string;
  restart?: boolean;
}

/** Decimal only: `0x50` is more likely a mistake than port 80. */
const DECIMAL = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i;
const numeric = (value: unknown) =>
  typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
const boolish = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value);

const number = (min: number, max: number) => z.preprocess(numeric, z.number().min(min).max(max));
const integer = (min: number, max: number) => z.preprocess(numeric, z.int().min(min).max(max));
const boolean = () => z.preprocess(boolish, z.boolean());
const described = <T extends z.ZodType>(schema: T, description: string, restart = false): T =>
  schema.meta({ description, ...(restart ? { restart } : {}) });
const mapOf = <T extends z.ZodType>(value: T) => z.record(nameSchema, value);

const secret = z.union([
  z.strictObject({ file: z.string().min(1).describe('Path of a file that holds the secret') }),
  z.strictObject({ env: z.string().min(1).describe('Environment variable that holds the secret') }),
]);

const box = z.strictObject({
  x: described(integer(0, 1_000_000), 'Left edge in pixels'),
  y: described(integer(0, 1_000_000), 'Top edge in pixels'),
  width: described(integer(1, 1_000_000), 'Width in pixels'),
  height: described(integer(1, 1_000_000), 'Height in pixels'),
});

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
      secret.optional(),
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
]);

export const cameraSchema = z.strictObject({
  isEnabled: described(boolean().default(true), 'Whether the camera runs'),
  title: described(z.string().max(100).optional(), 'Name shown to people; the key when absent'),
  source: cameraSourceSchema,
  model: described(nameSchema, 'The model that judges its frames'),
  policy: described(
    z.enum(['auto', 'newest', 'every']).default('auto'),
    '`newest`: the latest frame when the model is free, older ones are dropped and counted; `every`: each frame, in order, the source waits. `auto`: `every` for folders, pushed frames and recordings with `pace: fast`, else `newest`',
  ),
  pace: described(
    pace.default('source'),
    '`source`: at the rate of the source; `fast`: as fast as the model can',
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
    box.optional(),
    'Part of the upright picture that the model sees, in its pixels; all of it when absent',
  ),
  thresholds: z
    .strictObject({
      score: described(number(0, 1).optional(), "Score threshold in place of the model's own"),
      labels: described(
        z.record(z.string().min(1), number(0, 1)).default({}),
        'Score threshold by label, in place of `score`',
      ),
    })
    .prefault({}),
  slots: described(integer(3, 64).default(4), 'Frames held in memory', true),
  maxFrameBytes: described(
    integer(65_536, 1_073_741_824).default(33_554_432),
    'Largest frame in bytes',
    true,
  ),
});

const outcome = z.enum(['pass', 'fail', 'review']);
const polygon = z
  .array(z.strictObject({ x: number(-1_000_000, 1_000_000), y: number(-1_000_000, 1_000_000) }))
  .min(3)
  .max(1000);

const ruleBase = {
  camera: described(nameSchema, 'The camera whose results it judges'),
  isEnabled: described(boolean().default(true), 'Whether the rule is applied'),
};

export const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...ruleBase,
    kind: z.literal('anomaly').meta({ description: 'The anomaly score decides' }),
    failAt: described(
      number(0, 1).optional(),
      "A score at or above fails; the model's threshold when absent",
    ),
    reviewAt: described(
      number(0, 1).optional(),
      'A score at or above, but below `failAt`, asks for review',
    ),
  }),
  z.strictObject({
    ...ruleBase,
    kind: z.literal('count').meta({ description: 'The number of detections of a label decides' }),
    label: described(z.string().min(1).optional(), 'The label counted; any when absent'),
    zone: described(
      polygon.optional(),
      'Polygon in source pixels; a detection is inside when its anchor is. The whole picture when absent',
    ),
    anchor: described(
      z.enum(['bottom-centre', 'centre']).default('bottom-centre'),
      'The point of a box that must lie in the zone',
    ),
    minimum: described(integer(0, 100_000).optional(), 'Fewer than this breaks the rule'),
    maximum: described(integer(0, 100_000).optional(), 'More than this breaks the rule'),
    outcome: described(outcome.default('fail'), 'Outcome when the rule is broken'),
  }),
  z.strictObject({
    ...ruleBase,
    kind: z.literal('score-between').meta({
      description: 'A detection or class whose score lies between two values asks for review',
    }),
    label: described(z.string().min(1).optional(), 'The label looked at; any when absent'),
    from: described(number(0, 1), 'Lowest score that counts'),
    to: described(number(0, 1), 'First score that no longer counts'),
    outcome: described(outcome.default('review'), 'Outcome when there is one'),
  }),
]);

export const modelConfigSchema = z.strictObject({
  package: described(
    z.string().min(1),
    'The model package: an installed `name@version`, or the path of a folder or archive (zip, tar, tar.gz)',
  ),
  variant: described(
    nameSchema.optional(),
    'Variant to run; when absent the one chosen for this machine',
  ),
  workers: described(integer(1, 64).default(1), 'Worker threads, each with the model loaded'),
  threadsPerWorker: described(integer(1, 64).default(1), 'Threads of ONNX Runtime in a worker'),
  timeoutMs: described(
    integer(10, 600_000).default(10_000),
    'Longest wait for an answer, in milliseconds',
  ),
  queueLimit: described(
    integer(1, 10_000).default(16),
    'Requests that may wait; more are refused with 429',
  ),
  probeMemoryMegabytes: described(
    integer(64, 1_048_576).default(2048),
    'Memory limit of the first run in the probe process, in megabytes',
  ),
  probeTimeoutMs: described(
    integer(1000, 3_600_000).default(60_000),
    'Time limit of the first run in the probe process, in milliseconds',
  ),
});

export const captureRuleSchema = z.strictObject({
  camera: described(nameSchema.optional(), 'The camera; every camera when absent'),
  isEnabled: described(boolean().default(true), 'Whether the rule is applied'),
  everyNth: described(integer(1, 1_000_000_000).optional(), 'Keep every n-th frame'),
  outcomes: described(
    z
      .strictObject({
        pass: boolean().default(false),
        fail: boolean().default(false),
        review: boolean().default(false),
        error: boolean().default(false),
      })
      .prefault({}),
    'Keep frames with these outcomes',
  ),
  scoreBelow: described(
    number(0, 1).optional(),
    'Keep frames with a detection or class below this score',
  ),
  minIntervalMs: described(
    integer(0, 86_400_000).default(0),
    'At most one capture by this rule and camera in so many milliseconds',
  ),
});

export const runtimeConfigSchema = z.strictObject({
  thing: described(
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^[a-zA-Z0-9:_-]+$/)
      .default('local'),
    'Name of this device in results; the thing name on Greengrass',
    true,
  ),
  dataFolder: described(
    z.string().min(1).default('.vedette/data'),
    'Database, captures and station file',
    true,
  ),
  locks: described(
    z.record(z.string().min(1), boolean()).default({}),
    'Paths that the station file must not set: `{ "cameras.dock.source": true }`',
  ),
  server: z
    .strictObject({
      host: described(
        z.string().min(1).default('127.0.0.1'),
        'Address to listen on; anything but a loopback address needs `token`',
        true,
      ),
      port: described(integer(0, 65_535).default(8080), 'Port; 0 takes a free one', true),
      token: described(
        secret.optional(),
        'Where the token that requests must carry is: `{ file: … }` or `{ env: … }`',
        true,
      ),
      allowedHosts: described(
        z.record(z.string().min(1), boolean()).default({}),
        'Further host names that requests may use: `{ "station-7.local": true }`',
        true,
      ),
      maxBodyBytes: described(
        integer(1024, 1_073_741_824).default(67_108_864),
        'Largest request body in bytes',
        true,
      ),
    })
    .prefault({}),
  models: described(mapOf(modelConfigSchema).default({}), 'Models by name'),
  cameras: described(mapOf(cameraSchema).default({}), 'Cameras by name'),
  rules: described(
    mapOf(ruleSchema).default({}),
    'Rules by name; the worst outcome of a camera’s rules is the verdict',
  ),
  captures: described(mapOf(captureRuleSchema).default({}), 'Rules for keeping pictures, by name'),
  retention: z
    .strictObject({
      resultsMaxAgeHours: described(
        number(0.01, 876_000).default(720),
        'Results older than this are deleted, in hours',
      ),
      resultsMaxCount: described(
        integer(1, 1_000_000_000).default(2_000_000),
        'The newest results are kept',
      ),
      capturesMaxAgeHours: described(
        number(0.01, 876_000).default(168),
        'Captures older than this are deleted, in hours',
      ),
      capturesMaxCount: described(
        integer(1, 100_000_000).default(100_000),
        'The newest captures are kept',
      ),
      capturesMaxBytes: described(
        integer(1_048_576, 1e15).default(5_368_709_120),
        'Captures may take this much disk, in bytes',
      ),
      minFreeBytes: described(
        integer(0, 1e15).default(268_435_456),
        'No capture is written when the disk has less free, in bytes',
      ),
    })
    .prefault({}),
  limits: z
    .strictObject({
      maxImagePixels: described(
        integer(1024, 2_000_000_000).default(100_000_000),
        'Pictures with more pixels are refused before anything is decoded',
      ),
    })
    .prefault({}),
  liveView: z
    .strictObject({
      maxWidth: described(
        integer(64, 8192).default(960),
        'Live pictures are scaled down to this width, in pixels',
      ),
      maxFramesPerSecond: described(
        number(0.1, 60).default(8),
        'Live pictures per second and camera',
      ),
      quality: described(integer(1, 100).default(75), 'JPEG quality of live pictures'),
      maxViewers: described(integer(0, 1000).default(16), 'Simultaneous viewers; more are refused'),
    })
    .prefault({}),
  ffmpeg: z
    .strictObject({
      path: described(z.string().min(1).default('ffmpeg'), 'The ffmpeg program'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: described(
        z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
        'Least severe level that is logged',
      ),
    })
    .prefault({}),
});

export type RuntimeConfig = z.infer<typeof runtimeConfigSchema>;
export type CameraConfig = z.infer<typeof cameraSchema>;
export type CameraSourceConfig = z.infer<typeof cameraSourceSchema>;
export type CameraSourceOf<K extends CameraSourceConfig['kind']> = Extract<
  CameraSourceConfig,
  { kind: K }
>;
export type RuleConfig = z.infer<typeof ruleSchema>;
export type ModelConfig = z.infer<typeof modelConfigSchema>;
export type CaptureRuleConfig = z.infer<typeof captureRuleSchema>;
export type RetentionConfig = RuntimeConfig['retention'];
export type SecretReference = z.infer<typeof secret>;
