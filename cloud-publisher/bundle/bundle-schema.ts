import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { deviceFactsSchema } from '../compatibility/device-facts.ts';
import { isVersionRange } from '../compatibility/version-range.ts';
import { componentSettingsSchema } from '../deployment/component-set.ts';
import type { ComponentSet } from '../deployment/component-set.ts';
import { canonicalJson } from '../recipe/canonical-json.ts';
import { componentNameSchema, componentVersionSchema } from '../recipe/recipe-schema.ts';

const MAX_COMPONENTS = 200;
const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 in hexadecimal');

const head = {
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'lower case letters, digits, . and -'),
  version: componentVersionSchema,
  description: z.string().max(1000).default(''),
  devices: z.array(deviceFactsSchema).min(1).max(50),
};

/** What people write: what they want, with ranges, and for which devices. */
export const bundleRequestSchema = z.strictObject({
  ...head,
  components: z
    .record(
      componentNameSchema,
      componentSettingsSchema.omit({ version: true }).extend({
        version: z
          .string()
          .refine(isVersionRange, 'a version or a range such as ^1.0.0')
          .default('*'),
      }),
    )
    .refine((all) => Object.keys(all).length > 0, 'at least one component'),
});

const lockedComponentSchema = componentSettingsSchema.extend({
  /** Whether it was asked for; the others are there because these depend on them. */
  isRequested: z.boolean(),
  /** Of the recipe's words, wherever its artifacts lie. */
  recipeSha256: sha256Schema,
  /** That which its publisher wrote down. */
  contentSha256: sha256Schema.optional(),
  artifacts: z
    .array(
      z.strictObject({ fileName: z.string().min(1).max(180), sha256: sha256Schema.optional() }),
    )
    .max(100),
});

/** A bundle: exact versions with their digests and configuration. It never changes. */
export const bundleSchema = z.strictObject({
  schemaVersion: z.literal(1),
  ...head,
  components: z
    .record(componentNameSchema, lockedComponentSchema)
    .refine(
      (all) => Object.keys(all).length <= MAX_COMPONENTS,
      `at most ${MAX_COMPONENTS} components`,
    ),
});

export type BundleRequest = z.infer<typeof bundleRequestSchema>;
export type LockedComponent = z.infer<typeof lockedComponentSchema>;
export type Bundle = z.infer<typeof bundleSchema>;

export const bundleText = ({ name, version }: Pick<Bundle, 'name' | 'version'>): string =>
  `${name}@${version}`;

/** Versions of a bundle, by component. */
export const versionsOf = ({ components }: Bundle): Map<string, string> =>
  new Map(Object.entries(components).map(([name, { version }]) => [name, version]));

/** What a deployment of a bundle puts on devices. */
export const componentSetOf = ({ components }: Bundle): ComponentSet =>
  Object.fromEntries(
    Object.entries(components).map(([name, { version, merge, reset, runWith }]) => [
      name,
      {
        version,
        ...(merge === undefined ? {} : { merge }),
        ...(reset === undefined ? {} : { reset }),
        ...(runWith === undefined ? {} : { runWith }),
      },
    ]),
  );

export const bundleSha256 = (bundle: Bundle): string =>
  createHash('sha256').update(canonicalJson(bundle)).digest('hex');

/** @throws VedetteError BUNDLE_INVALID with every problem, ARTIFACT_STORE_UNAVAILABLE */
export async function readBundleRequest(file: string): Promise<BundleRequest> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new VedetteError(
      'BUNDLE_INVALID',
      `${file} cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw invalidBundle(file, [(error as Error).message]);
  }
  return parseOrThrow(bundleRequestSchema, value, file);
}

/** @throws VedetteError BUNDLE_INVALID with every problem */
export const parseBundle = (value: unknown, what: string): Bundle =>
  parseOrThrow(bundleSchema, value, what);

function parseOrThrow<T extends z.ZodType>(schema: T, value: unknown, what: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidBundle(
    what,
    parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`),
  );
}

export const invalidBundle = (what: string, problems: readonly string[]): VedetteError =>
  new VedetteError(
    'BUNDLE_INVALID',
    `${what} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:${problems.map((one) => `\n  - ${one}`).join('')}`,
    { details: { problems } },
  );
