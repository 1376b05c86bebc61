import { z } from 'zod';
import { packagePath } from '../package-path.ts';

export const embedding = z.strictObject({
  decoder: z
    .literal('embedding')
    .describe('One output [batch,D]: a vector that says what a picture is like'),
  output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
  pooling: z
    .enum(['none', 'mean', 'first'])
    .default('none')
    .describe(
      'Makes one vector of [batch,D,H,W] or [batch,T,D]: the `mean` over places or tokens, or the `first` token',
    ),
  enrolled: packagePath
    .optional()
    .describe('A JSON file of the package with labelled vectors, which results are compared with'),
  scoreThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('An enrolled label whose nearest vector has a lower cosine is left out'),
  maxClasses: z.int().min(1).max(1000).default(5).describe('The best are kept'),
  includeVector: z
    .boolean()
    .optional()
    .describe('Whether results have the vector; when absent only without `enrolled`'),
});

export const tensors = z.strictObject({
  decoder: z
    .literal('tensors')
    .describe('Any outputs: results tell their names, types, shapes and, of small ones, values'),
  outputs: z
    .array(z.string().min(1))
    .min(1)
    .max(64)
    .optional()
    .describe('Outputs of the ONNX graph that are told of; all when absent'),
  maxValues: z
    .int()
    .min(0)
    .max(10_000)
    .default(100)
    .describe('Outputs of more values are told of without them'),
});
