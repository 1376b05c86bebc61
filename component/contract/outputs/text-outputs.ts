import { z } from 'zod';

const output = z.string().optional().describe('Output of the ONNX graph; the only one when absent');

export const textDetection = z.strictObject({
  decoder: z
    .literal('text-detection')
    .describe('One map [batch,1,H,W] over the input: how sure a pixel belongs to text, 0–1 (DB)'),
  output,
  mapThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('Map values at or above belong to a line of text'),
  scoreThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('Lines whose mean map value is lower are left out'),
  unclipRatio: z
    .number()
    .min(0)
    .max(10)
    .default(1.5)
    .describe('A line is grown on every side by its area × this ÷ its perimeter'),
  minSide: z
    .number()
    .min(0)
    .max(1000)
    .default(3)
    .describe('Lines whose shorter side has fewer cells of the map are left out'),
  maxLines: z.int().min(1).max(4096).default(1000).describe('The largest are looked at'),
});

export const textRecognition = z.strictObject({
  decoder: z
    .literal('text-recognition')
    .describe(
      'One output [batch,T,C]: a score 0–1 for the blank (first), each character of `labels` and, where C has room for it, the space (last)',
    ),
  output,
  scoreThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Text whose characters have a lower mean score is left out'),
});

export const textDirection = z.strictObject({
  decoder: z
    .literal('text-direction')
    .describe('One output [batch,2]: scores 0–1 of text that stands upright and upside down'),
  output,
});
