import { z } from 'zod';
import { nameSchema } from './model-manifest.ts';

export const CAPTURE_MODES = ['rules', 'all', 'none'] as const;
export type CaptureMode = (typeof CAPTURE_MODES)[number];

/** What can be desired of a model: the version that answers, as an installed `name@version`. */
export const desiredModelSchema = z.strictObject({
  package: z.string().regex(/^[^/@\s]+@[^/@\s]+$/, 'expected an installed name@version'),
});

/** What can be desired of a camera. */
export const desiredCameraSchema = z.strictObject({
  isEnabled: z.boolean().optional(),
  captureMode: z.enum(CAPTURE_MODES).optional(),
});

/** `desired` of the device shadow. Every entry is judged by itself: a bad one stops no other. */
export const desiredSchema = z.strictObject({
  models: z.record(nameSchema, desiredModelSchema).optional(),
  cameras: z.record(nameSchema, desiredCameraSchema).optional(),
});
export type Desired = z.infer<typeof desiredSchema>;
export type DesiredCamera = z.infer<typeof desiredCameraSchema>;
