import { z } from 'zod';

const parameters = z.record(z.string(), z.unknown()).default({});
const tensorName = z.string().min(1).max(1000);

/** The JSON of a request, before anything is known of the model. */
export const inferRequestSchema = z.object({
  id: z.string().max(1000).optional(),
  parameters,
  inputs: z
    .array(
      z.object({
        name: tensorName,
        shape: z.array(z.int().min(0).max(2_147_483_647)).max(16),
        datatype: z.string(),
        parameters,
        data: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(256),
  outputs: z
    .array(z.object({ name: tensorName, parameters }))
    .max(256)
    .optional(),
});

export type RequestedInput = z.output<typeof inferRequestSchema>['inputs'][number];
