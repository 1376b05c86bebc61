import { z } from 'zod';
import { CAPTURE_CLOCKS } from './frame.ts';
import { TENSOR_DTYPES } from './tensor.ts';

const point = z.strictObject({ x: z.number(), y: z.number() });
const polygon = z.array(point);
const box = z.strictObject({
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
});

/** A box that need not lie upright, such as a part on a belt seen from above. */
export const orientedBoxSchema = z.strictObject({
  /** Its centre. */
  x: z.number(),
  y: z.number(),
  /** Of the longer side. */
  width: z.number(),
  height: z.number(),
  /** How far the longer side is turned clockwise from lying level, 0 ≤ angle < 180. */
  angleDegrees: z.number(),
  /** The four corners; they may lie outside of the picture. */
  polygon,
});

export const detectionSchema = z.strictObject({
  label: z.string(),
  labelIndex: z.int(),
  score: z.number(),
  box,
  mask: z.strictObject({ polygons: z.array(polygon) }).optional(),
  /** Then `box` is its upright hull. */
  orientedBox: orientedBoxSchema.optional(),
  /** Number of the object in this camera, never given twice; of followed objects. */
  trackId: z.int().optional(),
  get attributes() {
    return attributesSchema.optional();
  },
});

export const anomalySchema = z.strictObject({
  score: z.number(),
  threshold: z.number(),
  isAnomalous: z.boolean(),
  areaFraction: z.number().optional(),
  areas: z.array(z.strictObject({ polygon, areaFraction: z.number() })).optional(),
});

export const classificationSchema = z.strictObject({
  label: z.string(),
  labelIndex: z.int(),
  score: z.number(),
});

export const poseSchema = z.strictObject({
  /** Of models that tell what the pose belongs to, and where it is. */
  label: z.string().optional(),
  labelIndex: z.int().optional(),
  score: z.number(),
  box: box.optional(),
  keypoints: z.array(
    z.strictObject({ name: z.string(), x: z.number(), y: z.number(), score: z.number() }),
  ),
});

/** A class of a map over the whole picture, and where it is. */
export const segmentSchema = z.strictObject({
  label: z.string(),
  labelIndex: z.int(),
  /** Part of the shown picture, 0–1. */
  areaFraction: z.number(),
  polygons: z.array(polygon),
});

export const embeddingSchema = z.array(z.number());

/** An output of a model of no known family. */
export const rawTensorSchema = z.strictObject({
  name: z.string(),
  dtype: z.enum(TENSOR_DTYPES),
  shape: z.array(z.int()),
  /** Row-major; of small outputs. Integers beyond 2^53 as texts. */
  values: z.array(z.union([z.number(), z.string(), z.boolean()])).optional(),
});

/** An object that did something in this frame. */
const trackedObject = { trackId: z.int(), label: z.string() };

export const spaceEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('crossed'),
    line: z.string(),
    direction: z.enum(['forward', 'backward']),
    ...trackedObject,
  }),
  z.strictObject({ kind: z.literal('entered'), zone: z.string(), ...trackedObject }),
  /** Also of an object that was lost inside; `dwellMs` then ends when it was seen last. */
  z.strictObject({
    kind: z.literal('left'),
    zone: z.string(),
    dwellMs: z.number(),
    ...trackedObject,
  }),
]);

export const zoneStateSchema = z.strictObject({
  /** Objects in the zone, those hidden for a moment among them. */
  count: z.int(),
  /** Objects that entered since the zone was named, over restarts. */
  entered: z.int(),
  /** Of the object that is in the zone for the longest; absent when the zone is empty. */
  longestDwellMs: z.number().optional(),
});

/** Crossings since the line was named, over restarts. */
export const lineStateSchema = z.strictObject({ forward: z.int(), backward: z.int() });

/** What followed objects did up to this frame; present when the camera tracks. */
export const trackingSchema = z.strictObject({
  /** Followed objects, those hidden for a moment among them. */
  objects: z.int(),
  zones: z.record(z.string(), zoneStateSchema),
  lines: z.record(z.string(), lineStateSchema),
  events: z.array(spaceEventSchema),
  /**
   * Nothing was seen for so long before this frame that all objects ended: what happened meanwhile
   * is in no count. 0 when the clock was set back.
   */
  interruptedMs: z.number().optional(),
  /** Detections that were not followed because there were too many; absent when there are none. */
  leftOut: z.int().optional(),
});

/** A line of text. Detection alone leaves `text` out, recognition of a whole picture `polygon`. */
export const textSchema = z.strictObject({
  text: z.string().optional(),
  score: z.number(),
  /** Four corners, clockwise from the one where reading begins. */
  polygon: polygon.optional(),
  get attributes() {
    return attributesSchema.optional();
  },
});

/** What the steps of a chain found in the crop of a finding, by the name of the step. */
export const attributesSchema = z.record(
  z.string(),
  z.strictObject({
    get detections() {
      return z.array(detectionSchema).optional();
    },
    anomaly: anomalySchema.optional(),
    classes: z.array(classificationSchema).optional(),
    poses: z.array(poseSchema).optional(),
    segments: z.array(segmentSchema).optional(),
    embedding: embeddingSchema.optional(),
    tensors: z.array(rawTensorSchema).optional(),
    get text() {
      return z.array(textSchema).optional();
    },
  }),
);

export const OUTCOMES = ['pass', 'fail', 'review', 'error'] as const;
export const outcomeSchema = z.enum(OUTCOMES);

export const verdictSchema = z.strictObject({
  outcome: outcomeSchema,
  rule: z.string().optional(),
  reason: z.string(),
});

export const resultErrorSchema = z.strictObject({ code: z.string(), message: z.string() });

const modelIdentity = {
  name: z.string(),
  version: z.string(),
  sha256: z.string(),
  variant: z.string(),
  executionProvider: z.string(),
};

/** What a step of a chain did for a frame; times are those of all its crops together. */
export const chainStepReportSchema = z.strictObject({
  crops: z.int(),
  /** Findings that became no crop: too small, outside of the picture, or more than `maxCrops`. */
  cropsLeftOut: z.int(),
  /** Of a model of direction: crops that were turned for the steps behind. */
  cropsTurned: z.int().optional(),
  queueMs: z.number(),
  preprocessMs: z.number(),
  runMs: z.number(),
  decodeMs: z.number(),
});

/**
 * One judged frame: the same shape over HTTP, in events, in the registry and on MQTT.
 * Geometry is in source pixels (see FrameView), scores 0–1, times in milliseconds.
 * An empty scene is `detections: []`; a frame without an answer carries `error` and outcome `error`.
 */
export const inferenceResultSchema = z.strictObject({
  schemaVersion: z.literal(1),
  id: z.string(),
  thing: z.string(),
  camera: z.string().optional(),
  cameraSequence: z.int().optional(),
  context: z.record(z.string(), z.unknown()).optional(),
  triggerId: z.string().optional(),
  /** Of a frame that a trigger asked for. */
  transaction: z
    .strictObject({
      id: z.string(),
      /** `http`, `frame`, or the name of the trigger in the configuration. */
      source: z.string(),
      triggeredAt: z.string(),
      deadlineMs: z.int(),
      /** From the trigger to the verdict. */
      elapsedMs: z.number(),
      /** From the trigger to when its frame was taken, by the steady clock; less than 0: before it. */
      frameDelayMs: z.number().optional(),
      /** The verdict is the configured one for want of a real one; `error` says why. */
      isFailSafe: z.boolean(),
    })
    .optional(),
  /** Of a camera with settings by product: the one that was asked for, and whether there is one. */
  product: z.strictObject({ code: z.string().optional(), isKnown: z.boolean() }).optional(),
  model: z.strictObject({
    ...modelIdentity,
    /** Of a chain: the models of its steps, in the order of the configuration. */
    models: z.array(z.strictObject({ step: z.string(), ...modelIdentity })).optional(),
  }),
  frame: z.strictObject({
    /** −1 when there was none: of a trigger for which no frame came. */
    sequence: z.int(),
    capturedAt: z.string(),
    /** What told `capturedAt`; results of earlier versions do not say it. */
    captureClock: z.enum(CAPTURE_CLOCKS).optional(),
    width: z.int(),
    height: z.int(),
    /** What the picture was scaled to before it was judged, upright; its capture has this size. */
    scaledTo: z.strictObject({ width: z.int(), height: z.int() }).optional(),
    fileName: z.string().optional(),
  }),
  detections: z.array(detectionSchema).optional(),
  anomaly: anomalySchema.optional(),
  classes: z.array(classificationSchema).optional(),
  poses: z.array(poseSchema).optional(),
  segments: z.array(segmentSchema).optional(),
  /** A vector of length 1; of embedding models that are asked for it. */
  embedding: embeddingSchema.optional(),
  tensors: z.array(rawTensorSchema).optional(),
  tracking: trackingSchema.optional(),
  text: z.array(textSchema).optional(),
  /** Of a chain, by name. The step that takes the frame has one crop, the frame. */
  steps: z.record(z.string(), chainStepReportSchema).optional(),
  captureId: z.string().optional(),
  /** Of a recording that is there when its last second is over. */
  clipId: z.string().optional(),
  error: resultErrorSchema.optional(),
  verdict: verdictSchema,
  timings: z.strictObject({
    queueMs: z.number(),
    preprocessMs: z.number(),
    runMs: z.number(),
    decodeMs: z.number(),
    totalMs: z.number(),
  }),
});

export type InferenceResult = z.infer<typeof inferenceResultSchema>;
export type Detection = z.infer<typeof detectionSchema>;
export type Anomaly = z.infer<typeof anomalySchema>;
export type Classification = z.infer<typeof classificationSchema>;
export type Pose = z.infer<typeof poseSchema>;
export type Segment = z.infer<typeof segmentSchema>;
export type SpaceEvent = z.infer<typeof spaceEventSchema>;
export type ZoneState = z.infer<typeof zoneStateSchema>;
export type LineState = z.infer<typeof lineStateSchema>;
export type Tracking = z.infer<typeof trackingSchema>;
export type ChainStepReport = z.infer<typeof chainStepReportSchema>;
export type TextLine = z.infer<typeof textSchema>;
export type RawTensor = z.infer<typeof rawTensorSchema>;
export type Verdict = z.infer<typeof verdictSchema>;
export type Outcome = z.infer<typeof outcomeSchema>;
export type Timings = InferenceResult['timings'];
export type ResultProduct = NonNullable<InferenceResult['product']>;
export type ModelIdentity = InferenceResult['model'];

/** What a model saw, before rules judge it. One family is present; a vector may come with classes. */
export type Findings = Pick<
  InferenceResult,
  'detections' | 'anomaly' | 'classes' | 'poses' | 'segments' | 'text' | 'embedding' | 'tensors'
>;
