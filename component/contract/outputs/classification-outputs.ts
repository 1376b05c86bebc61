import { z } from 'zod';

export const classification = z.strictObject({
  decoder: z.literal('classification').describe('One output [batch,C]: a value for each class'),
  output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
  activation: z
    .enum(['softmax', 'sigmoid', 'none'])
    .optional()
    .describe(
      'Makes scores of the values: `softmax` when one class is right, `sigmoid` when several may be, `none` when they are scores 0–1 already; when absent `none` for graphs that end in Softmax or Sigmoid, else `softmax`',
    ),
  scoreThreshold: z.number().min(0).max(1).default(0.1).describe('Classes below are left out'),
  maxClasses: z.int().min(1).max(1000).default(5).describe('The best are kept'),
});
