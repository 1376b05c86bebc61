import { z } from 'zod';

export const anomaly = z.strictObject({
  decoder: z
    .literal('anomaly')
    .describe(
      "A score of one value, a map [batch,1,H,W], or both, and where present a mask: anomalib's pred_score, anomaly_map, pred_mask",
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
  score: z.string().optional().describe('Output with the score; `pred_score` when absent'),
  map: z
    .string()
    .optional()
    .describe('Output with the map; `anomaly_map`, else by its shape when absent'),
  mask: z.string().optional().describe('Output with the mask; `pred_mask` when absent'),
  normalisation: z
    .strictObject({
      imageThreshold: z.number().describe('The score that becomes 0.5'),
      imageScale: z
        .number()
        .positive()
        .describe('The difference of scores that becomes 1: greatest less least of the training'),
      pixelThreshold: z.number().describe('The value of the map that becomes 0.5'),
      pixelScale: z.number().positive().describe('The difference of values that becomes 1'),
    })
    .optional()
    .describe(
      'For scores and maps that are not 0–1 yet: (value − threshold) / scale + 0.5; from the metadata when absent',
    ),
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
