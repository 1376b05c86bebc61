import { z } from 'zod';
import { described, number, regionSchema } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';

export const thresholdsSchema = z.strictObject({
  score: described(number(0, 1).optional(), "Score threshold in place of the model's own"),
  labels: described(
    z.record(z.string().min(1), number(0, 1)).default({}),
    'Score threshold by label, in place of `score`',
  ),
});

/** What a camera does otherwise for one product. */
export const productSchema = z.strictObject({
  model: described(
    nameSchema.optional(),
    'The model that judges this product; the camera’s when absent',
  ),
  thresholds: described(
    thresholdsSchema.optional(),
    'Thresholds of this product, in place of all of the camera’s',
  ),
  region: described(
    regionSchema.optional(),
    'Part of the upright picture that the model sees, in its pixels; the camera’s when absent',
  ),
});

export const productsSchema = z.record(z.string().min(1).max(128), productSchema);

export type ProductConfig = z.infer<typeof productSchema>;
