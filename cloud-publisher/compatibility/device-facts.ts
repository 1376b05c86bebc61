import { z } from 'zod';

/** What a device is, as far as it decides which versions it can run. */
export const deviceFactsSchema = z.strictObject({
  name: z.string().min(1).max(128).describe('For people: a thing, a group or a kind of machine.'),
  os: z.enum(['linux', 'windows', 'darwin']).default('linux'),
  architecture: z.enum(['amd64', 'aarch64', 'arm', 'x86']),
  architectureDetail: z.string().max(32).optional().describe('Such as armv7l.'),
  nucleus: z.enum(['classic', 'lite']),
  attributes: z
    .record(z.string().max(64), z.string().max(256))
    .default({})
    .describe('Further attributes, as `platformOverride` of a classic nucleus sets them.'),
  memoryMegabytes: z.number().positive().optional().describe('Free for components.'),
  freeDiskMegabytes: z.number().positive().optional(),
  executionProviders: z.array(z.string().max(32)).max(16).optional(),
  glibc: z
    .string()
    .regex(/^\d+\.\d+$/)
    .optional()
    .describe('Such as 2.36; `ldd --version` says it.'),
});

export type DeviceFacts = z.infer<typeof deviceFactsSchema>;
