import { z } from 'zod';
import { cameraSchema } from './camera-config.ts';
import { chainSchema } from './chain-config.ts';
import { boolean, described, integer, mapOf, number, secretSchema } from './config-values.ts';
import { maintenanceSchema, remoteSchema } from './control-config.ts';
import { deliverySchema } from './delivery-config.ts';
import { modelConfigSchema } from './model-config.ts';
import { nameSchema } from './model-manifest.ts';
import { outputSchema } from './output-config.ts';
import { ruleSchema } from './rule-config.ts';
import { triggerSchema } from './trigger-config.ts';
import { lineSchema, zoneSchema } from './space-config.ts';

/**
 * The configuration of the edge runtime: the one source of defaults, ranges, units and descriptions.
 * Greengrass delivers numbers and booleans as strings, so every number and boolean is read from
 * either. Collections are maps keyed by name, because a Greengrass merge replaces whole lists.
 */

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
    'process',
  ),
  dataFolder: described(
    z.string().min(1).default('.vedette/data'),
    'Database, captures, installed models and station file; the default lies in the working directory',
    'process',
  ),
  onnxRuntimeLibrary: described(
    z.string().min(1).optional(),
    'Folder with an ONNX Runtime library (`libonnxruntime.so.1`) that is used in place of the one that Vedette brings, for its execution providers; docs/DEVICES.md',
    'process',
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
        'server',
      ),
      port: described(integer(0, 65_535).default(8080), 'Port; 0 takes a free one', 'server'),
      token: described(
        secretSchema.optional(),
        'Where the token that requests must carry is: `{ file: … }` or `{ env: … }`',
        'server',
      ),
      allowedHosts: described(
        z.record(z.string().min(1), boolean()).default({}),
        'Further host names that requests may use: `{ "station-7.local": true }`',
        'server',
      ),
      maxBodyBytes: described(
        integer(1024, 1_073_741_824).default(67_108_864),
        'Largest request body in bytes',
        'server',
      ),
    })
    .prefault({}),
  models: described(mapOf(modelConfigSchema).default({}), 'Models by name'),
  chains: described(
    mapOf(chainSchema).default({}),
    'Chains of models by name: crops of what one model found go to the next; a camera’s `model` may name one',
  ),
  cameras: described(mapOf(cameraSchema).default({}), 'Cameras by name'),
  zones: described(mapOf(zoneSchema).default({}), 'Zones of cameras’ pictures by name, for rules'),
  lines: described(
    mapOf(lineSchema).default({}),
    'Lines in cameras’ pictures by name; objects that cross them are counted',
  ),
  rules: described(
    mapOf(ruleSchema).default({}),
    'Rules by name; the worst outcome of a camera’s rules is the verdict',
  ),
  captures: described(mapOf(captureRuleSchema).default({}), 'Rules for keeping pictures, by name'),
  delivery: described(
    deliverySchema.prefault({}),
    'What leaves the device and how; docs/DELIVERY.md',
    'process',
  ),
  triggers: described(
    mapOf(triggerSchema).default({}),
    'What triggers cameras of `policy: triggered` besides requests over HTTP, by name',
  ),
  outputs: described(
    mapOf(outputSchema).default({}),
    'Who is told of verdicts at once, by name; docs/TRIGGERS.md',
  ),
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
      clipsMaxBytes: described(
        integer(1_048_576, 1e15).default(2_147_483_648),
        'Recordings around events may take this much disk, in bytes; the oldest give way, also when the disk has less free than `minFreeBytes`',
      ),
      componentModelVersions: described(
        integer(1, 100).default(2),
        'Versions of a model that its Greengrass component brought last and that stay installed, to go back to; older ones are removed unless they are in use',
      ),
      minFreeBytes: described(
        integer(0, 1e15).default(268_435_456),
        'No capture is written when the disk has less free, in bytes; of recordings around events the oldest give way to the next',
      ),
    })
    .prefault({}),
  remote: remoteSchema.prefault({}),
  maintenance: maintenanceSchema.prefault({}),
  limits: z
    .strictObject({
      maxImagePixels: described(
        integer(1024, 2_000_000_000).default(100_000_000),
        'Pictures with more pixels are refused before anything is decoded',
        'model',
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
      path: described(z.string().min(1).default('ffmpeg'), 'The ffmpeg program', 'camera'),
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
export type CaptureRuleConfig = z.infer<typeof captureRuleSchema>;
export type RetentionConfig = RuntimeConfig['retention'];
