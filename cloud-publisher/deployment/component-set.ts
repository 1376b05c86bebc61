import { z } from 'zod';

const MAX_NAME_CHARACTERS = 128;
const MAX_POINTER_CHARACTERS = 256;

const versionSchema = z
  .string()
  .max(64)
  .regex(
    /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(-[0-9A-Za-z.-]+)?$/,
    'expected a version such as 1.2.0, each number at most 999999',
  );

/** RFC 6901; the empty one means the whole configuration. */
const pointerSchema = z
  .string()
  .max(MAX_POINTER_CHARACTERS)
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer such as /models/caps, or an empty text');

/** One component of a set, in the words that people write it in. */
export const componentSettingsSchema = z.strictObject({
  version: versionSchema,
  /** Merged into the configuration on the device, after `reset`. Lists are replaced whole. */
  merge: z.record(z.string(), z.json()).optional(),
  /**
   * JSON pointers that go back to the defaults of this version before `merge`. A device keeps what it
   * has otherwise, also old defaults and an old `accessControl`.
   */
  reset: z.array(pointerSchema).max(100).optional(),
  runWith: z
    .strictObject({
      posixUser: z.string().min(1).optional(),
      systemResourceLimits: z
        .strictObject({
          memory: z.int().min(0).max(9_223_372_036_854).optional().describe('KB'),
          cpus: z.number().min(0).optional(),
        })
        .optional(),
    })
    .optional(),
});

/** By the component's name. */
export const componentSetSchema = z.record(
  z
    .string()
    .max(MAX_NAME_CHARACTERS)
    .regex(/^[a-zA-Z0-9-_.]+$/, 'expected a component name: letters, digits, - _ .'),
  componentSettingsSchema,
);

export type ComponentSettings = Readonly<z.infer<typeof componentSettingsSchema>>;

/**
 * Component versions with their configuration: what a deployment puts on devices, and what a bundle
 * locks. Components of the target that it does not name stay as they are.
 */
export type ComponentSet = Readonly<Record<string, ComponentSettings>>;
