import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../../contract/errors.ts';
import type { SerializedError } from '../../contract/errors.ts';
import { EXECUTION_PROVIDERS } from '../../contract/model-manifest.ts';
import type { ModelReference } from '../../contract/model-manifest.ts';
import { readJson } from '../package/read-json.ts';
import { absent, isAbsence, storeError } from './store-error.ts';

export const DOCUMENT_FILE = 'installed.json';
export const PACKAGE_FOLDER = 'package';

const measurementSchema = z.strictObject({
  variant: z.string(),
  /** Median of its runs in the probe, in milliseconds; absent when it did not run. */
  medianRunMs: z.number().optional(),
  /** What it ran on; the CPU when absent. */
  executionProvider: z.enum(EXECUTION_PROVIDERS).optional(),
  /** Why it cannot run on this machine, or was not tried. */
  problem: z.string().optional(),
});

const documentSchema = z.strictObject({
  schemaVersion: z.literal(1),
  name: z.string(),
  version: z.string(),
  installedAtMs: z.number(),
  files: z.array(
    z.strictObject({
      path: z.string(),
      byteLength: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  variant: z.string(),
  variantReason: z.string(),
  measurements: z.array(measurementSchema),
  /** What the measurements hold for. */
  measuredOn: z.strictObject({ processor: z.string(), runtimeVersion: z.string() }),
});

/** What is known of an installed version: which files it has, and which variant runs here and why. */
export type InstalledDocument = z.infer<typeof documentSchema>;
export type VariantMeasurement = z.infer<typeof measurementSchema>;

export interface InstalledModel extends InstalledDocument {
  /** Absolute path of the package's files. */
  readonly folder: string;
}

/** A version whose document is missing or unreadable. */
export interface DamagedModel extends ModelReference {
  readonly problem: SerializedError & { readonly remedy: string };
}

export const referenceText = ({ name, version }: ModelReference): string => `${name}@${version}`;

/**
 * @returns `undefined` when there is no such version
 * @throws VedetteError MODEL_STORE_CORRUPT for a document that is missing or damaged,
 * MODEL_STORE_UNAVAILABLE for one that could not be read
 */
export async function readInstalled(place: string): Promise<InstalledModel | undefined> {
  let value: unknown;
  try {
    value = await readJson(place, DOCUMENT_FILE);
  } catch (error) {
    const { cause } = error as Error;
    const refusal = storeError(cause, `${join(place, DOCUMENT_FILE)} could not be read`);
    throw refusal === cause || isAbsence(cause) ? corrupt(place, error) : refusal;
  }
  if (value === undefined) {
    if (!(await stat(place).catch(absent))) return undefined;
    throw corrupt(place, new Error('it does not exist'));
  }
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success) throw corrupt(place, parsed.error);
  return { ...parsed.data, folder: join(place, PACKAGE_FOLDER) };
}

export const isCorrupt = (error: unknown): error is VedetteError =>
  error instanceof VedetteError && error.code === 'MODEL_STORE_CORRUPT';

function corrupt(place: string, cause: unknown): VedetteError {
  const file = join(place, DOCUMENT_FILE);
  return new VedetteError('MODEL_STORE_CORRUPT', `${file} is missing or damaged`, {
    cause,
    details: { file },
  });
}
