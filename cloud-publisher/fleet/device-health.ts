import { z } from 'zod';

const count = z.int().min(0);

/** Results of the last `seconds` on a device. */
const windowSchema = z.object({
  seconds: z.number().positive(),
  results: count,
  errors: count,
  verdicts: z.object({ pass: count, fail: count, review: count }),
  latencyMs: z.object({ p50: z.number().min(0), p95: z.number().min(0) }).optional(),
});

/** What gates and lists read of `reported` in a device's shadow `vedette`; more may stand there. */
const reportSchema = z.object({
  health: z.object({
    at: z.iso.datetime(),
    isReady: z.boolean(),
    window: windowSchema.optional(),
    freeDiskBytes: z.number().min(0).optional(),
  }),
  /** Version by component, of those that the runtime knows. */
  components: z.record(z.string(), z.string()).optional(),
});

const shadowSchema = z.object({ state: z.object({ reported: reportSchema }) });

export interface DeviceHealth {
  readonly atMs: number;
  readonly isReady: boolean;
  readonly window?: z.infer<typeof windowSchema> | undefined;
  readonly freeDiskBytes?: number | undefined;
  readonly components?: Readonly<Record<string, string>> | undefined;
}

/** @returns nothing when the shadow's document says nothing that can be read */
export function readHealth(document: string): DeviceHealth | undefined {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    return undefined;
  }
  const shadow = shadowSchema.safeParse(value);
  if (!shadow.success) return undefined;
  const { health, components } = shadow.data.state.reported;
  const { at, isReady, window, freeDiskBytes } = health;
  return { atMs: Date.parse(at), isReady, window, freeDiskBytes, components };
}
