import { z } from 'zod';
import { described, integer, numeric } from './config-values.ts';
import { EXECUTION_PROVIDERS, nameSchema } from './model-manifest.ts';
import { rolloutSchema } from './rollout-config.ts';
import { tilingSchema } from './tiling-config.ts';

export const modelConfigSchema = z.strictObject({
  package: described(
    z.string().min(1),
    'The model package: an installed `name@version`, or the path of a folder or archive (zip, tar, tar.gz)',
    'model',
  ),
  variant: described(
    nameSchema.optional(),
    'Variant to run; when absent the one chosen for this machine',
    'model',
  ),
  workers: described(
    z.preprocess(numeric, z.union([z.int().min(1).max(64), z.literal('auto')])).default('auto'),
    "Worker threads, each with the model loaded; `auto`: this process's processors divided by the number of models and `threadsPerWorker`, at most 8",
    'model',
  ),
  executionProviders: described(
    z
      .array(
        z.strictObject({
          name: described(z.enum(EXECUTION_PROVIDERS), "ONNX Runtime's short name"),
          use: described(
            z.enum(['required', 'preferred']).default('preferred'),
            '`required`: the model fails without it; `preferred`: goes on with the next, with a notice',
          ),
        }),
      )
      .max(EXECUTION_PROVIDERS.length)
      .default([]),
    'What runs the model, best first: a list, since its order is the preference, so that a deployment replaces it as a whole. The CPU comes last by itself. docs/DEVICES.md says what each needs',
    'model',
  ),
  threadsPerWorker: described(
    integer(1, 64).default(1),
    'Threads of ONNX Runtime in a worker',
    'model',
  ),
  maxBatch: described(
    integer(1, 64).default(1),
    'Pictures that a run of the model may take together, for graphs with a free batch dimension: cameras, requests and regions of a picture share runs. Helps accelerators; a CPU is no faster for it',
    'model',
  ),
  batchDelayMs: described(
    integer(0, 1000).default(0),
    'How long a picture may wait for others to share its run, in milliseconds; 0: runs take what waits already',
    'model',
  ),
  tiling: described(
    tilingSchema.optional(),
    'How pictures for this model are cut into tiles, those sent over HTTP and those of cameras without a `tiling` of their own; not at all when absent',
  ),
  timeoutMs: described(
    integer(10, 600_000).default(10_000),
    'Longest wait for an answer, in milliseconds; as much again for every further 100 regions of a picture',
    'model',
  ),
  queueLimit: described(
    integer(1, 10_000).default(16),
    'Requests that may wait; more are refused with 429',
    'model',
  ),
  queueMegabytes: described(
    integer(1, 65_536).default(256),
    'Memory that waiting requests may hold, in megabytes; what does not fit is refused with 429, but for a request that nothing waits before',
    'model',
  ),
  probeMemoryMegabytes: described(
    integer(64, 1_048_576).default(2048),
    'Memory limit of the first run in the probe process, in megabytes',
  ),
  probeTimeoutMs: described(
    integer(1000, 3_600_000).default(60_000),
    'Time limit of the first run in the probe process, in milliseconds',
  ),
  rollout: rolloutSchema.prefault({}),
});

export type ModelConfig = z.infer<typeof modelConfigSchema>;

export type ExecutionProviderChoice = ModelConfig['executionProviders'][number];
