import { z } from 'zod';
import type { PayloadProfile } from './delivery-config.ts';
import { inferenceResultSchema, outcomeSchema } from './result.ts';

/** Stands for the device where a camera's name would stand; no camera can be called so. */
export const DEVICE = '_device';

/** Alarms go first: fails, reviews, errors and what was given up. */
export const LANES = { alarm: 0, bulk: 1 } as const;

const outcomeCounts = z.strictObject({
  pass: z.int(),
  fail: z.int(),
  review: z.int(),
  error: z.int(),
});

/** Results of a camera in about a minute; those that were sent by themselves are counted too. */
export const minuteSummarySchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** `cameraSequence` of the first and the last; every number between belongs to this summary. */
  firstCameraSequence: z.int(),
  lastCameraSequence: z.int(),
  outcomes: outcomeCounts,
});

/** Messages that will never come. */
export const givenUpSchema = z.strictObject({
  reason: z.enum(['budget', 'expired']),
  /** Sequence numbers that are missing lie between these. */
  firstSequence: z.int(),
  lastSequence: z.int(),
  messages: z.int(),
});

export type GivenUp = z.infer<typeof givenUpSchema>;

const envelope = {
  schemaVersion: z.literal(1),
  thing: z.string(),
  /** A camera, or `_device`. */
  camera: z.string(),
  /** Counts up by one with each message of this camera, over restarts. */
  sequence: z.int(),
  /** The same in every copy of a message; of a result, the result's. */
  id: z.string(),
};

/** A line of the ledger, and a message of profile `full`. */
export const deliveredSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...envelope, kind: z.literal('result'), result: inferenceResultSchema }),
  z.strictObject({ ...envelope, kind: z.literal('summary'), summary: minuteSummarySchema }),
  z.strictObject({ ...envelope, kind: z.literal('given-up'), givenUp: givenUpSchema }),
  z.strictObject({
    ...envelope,
    kind: z.literal('notice'),
    notice: z.strictObject({
      at: z.string(),
      level: z.enum(['info', 'warn', 'error']),
      code: z.string(),
      message: z.string(),
    }),
  }),
  z.strictObject({
    ...envelope,
    kind: z.literal('model-change'),
    change: z.record(z.string(), z.unknown()),
  }),
]);
export type Delivered = z.infer<typeof deliveredSchema>;
export type DeliveredKind = Delivered['kind'];

/** A result without what can be large, when `profile` says so. */
export const reducedResultSchema = z.strictObject({
  ...envelope,
  kind: z.literal('result'),
  profile: z.enum(['compact', 'summary']),
  result: z.looseObject({ verdict: z.looseObject({ outcome: outcomeSchema }) }),
});

/** A part of a message that is too large for one: the texts of all parts in order are its JSON. */
export const partSchema = z.strictObject({
  ...envelope,
  kind: z.literal('part'),
  /** From 1. */
  part: z.int(),
  parts: z.int(),
  text: z.string(),
});

export const messageSchema = z.union([deliveredSchema, reducedResultSchema, partSchema]);

/** What a receiver publishes on the acknowledgement topic: it has everything of a camera up to a number. */
export const acknowledgementSchema = z.object({
  camera: z.string().min(1).max(128),
  sequence: z.int().min(0),
});
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;

/** What the registry must know to fill the outbox; it is given once, when it is opened. */
export interface OutboxSettings {
  readonly thing: string;
  /** Of cameras that are not in `cameras`. */
  readonly results: 'notable' | 'all' | 'none';
  readonly cameras: Readonly<Record<string, 'notable' | 'all' | 'none'>>;
  readonly maxBytes: number;
  /** Whether messages are sent at all. */
  readonly sendsMessages: boolean;
  readonly timeToLiveMs: number;
  readonly hasLedger: boolean;
  readonly hasAcknowledgements: boolean;
  readonly uploadsCaptures: boolean;
}

/** One row of the outbox, ready to be sent. */
export interface OutboundMessage {
  readonly key: number;
  readonly stream: number;
  readonly topic: string;
  /** One, or the parts of one message in order. */
  readonly payloads: readonly string[];
  /** Milliseconds after which it is too old to be sent. */
  readonly remainingMs: number;
}

export const GIVEN_UP_REASONS = [
  'budget',
  'expired',
  'captures-disk-budget',
  'captures-failed',
] as const;
export type GivenUpReason = (typeof GIVEN_UP_REASONS)[number];

/** Messages of one camera, lane and topic: they leave in the order in which they came. */
export interface OutboxStream {
  readonly stream: number;
  readonly camera: string;
  readonly lane: number;
  readonly topic: 'result' | 'event';
  readonly rows: number;
  /** Up to here everything was sent and will not be sent again. */
  readonly sentKey: number;
}

/** Messages behind `after`, up to `through` when given. */
export interface OutboxRange {
  readonly stream: number;
  readonly after: number;
  readonly through?: number;
}

export interface TakeRequest {
  /** The first that has messages is given. */
  readonly ranges: readonly OutboxRange[];
  readonly limit: number;
  readonly profile: PayloadProfile;
  readonly maxPayloadBytes: number;
}

export interface TakeAnswer {
  /** From the ranges of one lane at most, each in its order; on the disk, so that they may leave. */
  readonly messages: readonly OutboundMessage[];
  readonly expired: readonly ExpiredRange[];
  /** The answer was long enough: ranges that are not in it may have more. */
  readonly isCut: boolean;
}

/** Messages of a stream that are too old to be sent: behind `after`, up to `through`. */
export interface ExpiredRange {
  readonly stream: number;
  readonly after: number;
  readonly through: number;
}

export interface OutboxState {
  readonly streams: readonly OutboxStream[];
  readonly lastKey: number;
}

/** Rows of a batch of the ledger, whose bytes are the same whenever it is made again. */
export interface BatchPlan {
  readonly firstKey: number;
  readonly lastKey: number;
  /** `2026-11-21T09`, UTC. */
  readonly hour: string;
}

/** What the outbox says of itself. */
export interface OutboxStatistics {
  readonly waiting: { readonly alarms: number; readonly others: number; readonly bytes: number };
  /** Of what has waited longest; 0 when nothing waits. */
  readonly oldestAgeMs: number;
  readonly capturesWaiting: number;
  /** Messages, or captures, since the database was begun. */
  readonly givenUp: Readonly<Record<GivenUpReason, number>>;
  readonly lastBatch?: StoredBatch;
}

/** A batch of the ledger, as its manifest names it. */
export interface StoredBatch {
  /** Below the prefix. */
  readonly key: string;
  readonly sha256: string;
  readonly byteLength: number;
  readonly lines: number;
  readonly storedAt: string;
  /** Sequence numbers by camera: first, last and how many; fewer than the range has means a gap. */
  readonly cameras: Readonly<Record<string, SequenceRange>>;
}

export interface SequenceRange {
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** `…/<yyyy>/<mm>/<dd>/<hh>/manifest.json` of the ledger. */
export const manifestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  thing: z.string(),
  /** `2026-11-21T09`, UTC. */
  hour: z.string(),
  /** The hour before that has batches; absent in the first. */
  previousHour: z.string().optional(),
  batches: z.array(
    z.strictObject({
      key: z.string(),
      sha256: z.string(),
      byteLength: z.int(),
      lines: z.int(),
      storedAt: z.string(),
      cameras: z.record(
        z.string(),
        z.strictObject({ first: z.int(), last: z.int(), count: z.int() }),
      ),
    }),
  ),
});
export type LedgerManifest = z.infer<typeof manifestSchema>;

/** `GET /api/v1/delivery`. */
export interface DeliveryStatus extends OutboxStatistics {
  readonly isEnabled: boolean;
  /** Absent when no messages are sent. */
  readonly channel?: {
    readonly description: string;
    readonly isConnected: boolean;
    readonly sent: number;
    readonly inFlight: number;
    /** Topics that are refused now, with the reason. */
    readonly refusedTopics: Readonly<Record<string, string>>;
  };
  /** Absent without a store. */
  readonly store?: {
    readonly description: string;
    readonly capturesUploaded: number;
    readonly problem?: string;
  };
}
