import { z } from 'zod';
import { nameSchema } from './model-manifest.ts';

/** A request is a few hundred bytes; more is none. */
export const MAX_COMMAND_BYTES = 4096;

const envelope = {
  /** Chosen by who asks: the same id again gets the answer of before, and nothing is done twice. */
  id: z.string().regex(/^[\w.:-]{1,64}$/, 'expected 1–64 letters, digits or any of . : _ -'),
  /** After this time the command is refused: who asked no longer waits. */
  expiresAt: z.iso.datetime({ offset: true }).optional(),
  /** It has failed when it is not done in so many seconds. */
  timeoutSeconds: z.int().min(1).max(600).default(30),
};
const id = z.string().min(1).max(100);

/** Requests by the last level of their topic, `vedette/{thing}/command/{name}`. */
export const COMMANDS = {
  /** Keeps the next picture of a camera as a capture. */
  snapshot: z.strictObject({ ...envelope, camera: nameSchema }),
  /** Puts a capture that is kept on the device into `delivery.store` now. */
  'upload-capture': z.strictObject({ ...envelope, captureId: id }),
  /** Keeps what a person says that a result should have been. */
  'label-result': z.strictObject({
    ...envelope,
    resultId: id,
    outcome: z.enum(['pass', 'fail']),
    note: z.string().max(2000).optional(),
  }),
  /** Closes a camera's source and opens it anew. */
  'restart-camera': z.strictObject({ ...envelope, camera: nameSchema }),
  /** A step of a model's versions, as over HTTP. */
  'change-model': z.strictObject({
    ...envelope,
    model: nameSchema,
    change: z.enum(['promote', 'rollback', 'discard', 'pin', 'unpin']),
  }),
  /** Publishes the health document now. */
  'report-health': z.strictObject({ ...envelope }),
} as const;

export type CommandName = keyof typeof COMMANDS;
export type CommandRequest<K extends CommandName> = z.output<(typeof COMMANDS)[K]>;

/**
 * What comes back on `vedette/{thing}/command/{name}/ack`. `refused`: it was not begun; `failed`: it was
 * begun and did not come to its end.
 */
export const commandAnswerSchema = z.strictObject({
  schemaVersion: z.literal(1),
  thing: z.string(),
  /** `null` when the request was not to be read. */
  id: z.string().nullable(),
  command: z.string(),
  state: z.enum(['done', 'refused', 'failed']),
  at: z.iso.datetime(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z
    .strictObject({ code: z.string(), message: z.string(), isRetryable: z.boolean() })
    .optional(),
});
export type CommandAnswer = z.infer<typeof commandAnswerSchema>;
