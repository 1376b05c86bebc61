import { z } from 'zod';
import { nameSchema } from './model-manifest.ts';

/** Decimal only: `0x50` is more likely a mistake than port 80. */
const DECIMAL = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i;
export const numeric = (value: unknown) =>
  typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
const boolish = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value);

export const number = (min: number, max: number) =>
  z.preprocess(numeric, z.number().min(min).max(max));
export const integer = (min: number, max: number) =>
  z.preprocess(numeric, z.int().min(min).max(max));
export const boolean = () => z.preprocess(boolish, z.boolean());
/**
 * What a change of a value restarts, if anything. A camera's source is opened again, a model is loaded
 * beside the one that answers, which it then replaces; the process starts again by itself.
 */
export const RESTARTS = ['camera', 'model', 'server', 'process'] as const;
export type Restart = (typeof RESTARTS)[number];

/** `restart` is that of the value and of all that is in it. */
export const described = <T extends z.ZodType>(
  schema: T,
  description: string,
  restart?: Restart,
): T => schema.meta({ description, ...(restart ? { restart } : {}) });

/** What a schema says by itself, see `described`. */
export function ownRestart(schema: z.core.$ZodType): Restart | undefined {
  const restart = z.globalRegistry.get(schema)?.['restart'];
  return RESTARTS.find((one) => one === restart);
}

export const mapOf = <T extends z.ZodType>(value: T) => z.record(nameSchema, value);

export const secretSchema = z.union([
  z.strictObject({ file: z.string().min(1).describe('Path of a file that holds the secret') }),
  z.strictObject({ env: z.string().min(1).describe('Environment variable that holds the secret') }),
]);

export type SecretReference = z.infer<typeof secretSchema>;

/** Part of a picture, in its pixels. */
export const regionSchema = z.strictObject({
  x: described(integer(0, 1_000_000), 'Left edge in pixels'),
  y: described(integer(0, 1_000_000), 'Top edge in pixels'),
  width: described(integer(1, 1_000_000), 'Width in pixels'),
  height: described(integer(1, 1_000_000), 'Height in pixels'),
});
