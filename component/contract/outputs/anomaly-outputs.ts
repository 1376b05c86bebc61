import { z } from 'zod';

export const anomaly = z.strictObject({
  decoder: z
    .literal('anomaly')
    .describe(
      "anomalib's outputs: pred_score, and where present anomaly_map, pred_mask, pred_label",
    ),
  scoreThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('A score at or above is anomalous'),
  mapThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Map values at or above belong to an area, when the model has no mask'),
  minAreaFraction: z.number().min(0).max(1).default(0.0005).describe('Smaller areas are left out'),
});

export const multiHeadAnomaly = z.strictObject({
  decoder: z
    .literal('multi-head-anomaly')
    .describe(
      'Scores [batch,C] of classes, normal ones among them, and where present values [batch,S,H,W] of segments',
    ),
  normalClasses: z
    .array(z.int().min(0))
    .default([])
    .describe('Classes that are normal; the score is the sum of the others'),
  normalSegments: z
    .array(z.int().min(0))
    .default([])
    .describe('Segments that are normal; cells of the others are anomalous'),
  decision: z
    .enum(['score', 'segments', 'both', 'either'])
    .default('score')
    .describe('What makes a picture anomalous: the score, any anomalous cell, both, or either'),
  scoreThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('A score at or above is anomalous'),
  minAreaFraction: z.number().min(0).max(1).default(0.0005).describe('Smaller areas are left out'),
});
