import { z } from 'zod';

/**
 * What a device says of itself: the heartbeat on `vedette/{thing}/health`, and `reported` of its
 * shadow. The gates of a staged deployment read it.
 */

/** The document has at most so many bytes: a shadow holds 8 KB, of them the rest is for `desired`. */
export const MAX_HEALTH_BYTES = 5500;
export const SHADOW_NAME = 'vedette';

const count = () => z.int().min(0);
const time = () => z.iso.datetime();

/** Over the last `figuresSeconds` of the document. */
const cameraFiguresSchema = z.strictObject({
  results: count(),
  pass: count(),
  fail: count(),
  review: count(),
  error: count(),
  /** Errors among the results, 0–1. */
  errorRate: z.number().min(0).max(1),
  framesPerSecond: z.number().min(0),
  /** From a frame's capture to its verdict, in milliseconds; absent without results. */
  p50Ms: z.number().min(0).optional(),
  p95Ms: z.number().min(0).optional(),
});
export type CameraFigures = z.infer<typeof cameraFiguresSchema>;

const cameraHealthSchema = z.strictObject({
  state: z.enum(['starting', 'running', 'stalled', 'reconnecting', 'ended', 'failed', 'disabled']),
  isEnabled: z.boolean(),
  captureMode: z.enum(['rules', 'all', 'none']),
  /** Error code of why it is in this state. */
  reason: z.string().optional(),
  restarts: count(),
  figures: cameraFiguresSchema.optional(),
});

const modelHealthSchema = z.strictObject({
  state: z.enum(['loading', 'probing', 'warming-up', 'ready', 'failed', 'closed']),
  /** `name@version` as it was asked for, or the path of a package. */
  package: z.string(),
  version: z.string().optional(),
  variant: z.string().optional(),
  executionProvider: z.string().optional(),
  reason: z.string().optional(),
  /** Requests that wait. */
  queue: count(),
  candidate: z.string().optional(),
});

const refusalSchema = z.strictObject({
  at: time(),
  code: z.string(),
  message: z.string(),
});

export const deviceHealthSchema = z.strictObject({
  schemaVersion: z.literal(1),
  thing: z.string(),
  /** `stopping` is the last word of a process that ends in order. */
  availability: z.enum(['online', 'stopping']),
  at: time(),
  /** Silence longer than this means that the device or its connection is down. */
  nextWithinSeconds: count(),
  /** Counts up by one with each document of a process. */
  sequence: count(),
  version: z.string(),
  startedAt: time(),
  /** Every configured model has warmed up. */
  isReady: z.boolean(),
  /** Why an update would be deferred now; empty when it would pass. */
  holds: z.array(z.string()),
  /** The last change that passed in spite of them, since it had waited as long as it may. */
  overrun: z.strictObject({ at: time(), message: z.string() }).optional(),
  configuration: z.strictObject({
    /** Another text is another configuration. */
    hash: z.string(),
    inForceSince: time(),
    /** Why what was asked for last is not in force. */
    refusal: refusalSchema.optional(),
  }),
  /** What `desired` asked for and did not get, by path such as `models/bricks/package`. */
  refused: z.record(z.string(), refusalSchema.omit({ at: true })),
  models: z.record(z.string(), modelHealthSchema),
  /** Models that are well and had no room here. */
  modelsOmitted: count(),
  cameras: z.record(z.string(), cameraHealthSchema),
  /** Cameras that run well and had no room here. */
  camerasOmitted: count(),
  figuresSeconds: count(),
  disk: z.strictObject({ freeBytes: count() }),
  memory: z.strictObject({ residentBytes: count() }),
  /** What waits to leave the device; absent when nothing is delivered. */
  delivery: z
    .strictObject({ waiting: count(), oldestSeconds: count(), givenUp: count() })
    .optional(),
});
export type DeviceHealth = z.infer<typeof deviceHealthSchema>;
export type CameraHealth = DeviceHealth['cameras'][string];
export type ModelHealth = DeviceHealth['models'][string];
