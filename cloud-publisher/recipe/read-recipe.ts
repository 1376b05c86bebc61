import { createHash } from 'node:crypto';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import type { PlatformRule, VersionFacts } from '../compatibility/component-catalog.ts';
import { isVersionRange } from '../compatibility/version-range.ts';
import { needsOfTags } from './needs-tags.ts';
import { fileNameOf } from './recipe-content.ts';

/** An artifact as a recipe names it. */
export interface RecipeArtifact {
  readonly uri: string;
  readonly fileName: string;
  /** In hexadecimal; only Greengrass writes it into recipes. */
  readonly sha256?: string;
}

/** What devices of a platform download. */
export interface RecipeManifest {
  readonly platform: PlatformRule;
  readonly artifacts: readonly RecipeArtifact[];
}

/** A recipe of anybody, as far as it is looked at. */
export interface ReadRecipe {
  readonly component: string;
  readonly version: string;
  readonly defaultConfiguration: Readonly<Record<string, unknown>> | undefined;
  /** In the order of the recipe: a device takes the first that fits. */
  readonly manifests: readonly RecipeManifest[];
  /** Of all manifests. */
  readonly artifacts: readonly RecipeArtifact[];
  readonly facts: Omit<VersionFacts, 'needs'>;
}

const OWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'os',
  'architecture',
  'architecture.detail',
  'runtime',
]);

const artifactSchema = lowerKeys(
  z.object({ uri: z.string().min(1).max(2048), digest: z.string().optional() }),
);
const recipeSchema = lowerKeys(
  z.object({
    componentname: z.string(),
    componentversion: z.string(),
    componenttype: z.string().default('aws.greengrass.generic'),
    componentconfiguration: lowerKeys(
      z.object({ defaultconfiguration: z.record(z.string(), z.unknown()).optional() }),
    ).optional(),
    componentdependencies: z
      .record(
        z.string(),
        lowerKeys(
          z.object({
            versionrequirement: z.string().refine(isVersionRange, 'a range of versions'),
            dependencytype: z.string().optional(),
          }),
        ),
      )
      .nullish(),
    manifests: z
      .array(
        lowerKeys(
          z.object({
            platform: z.record(z.string(), z.string()).nullish(),
            artifacts: z.array(artifactSchema).nullish(),
          }),
        ),
      )
      .nullish(),
  }),
);

/** Nuclei and Greengrass read keys in any case. */
function lowerKeys<T extends z.ZodType>(schema: T) {
  return z.preprocess(
    (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), one]))
        : value,
    schema,
  );
}

/** @throws VedetteError RECIPE_INVALID naming what cannot be read */
export function readRecipe(recipe: unknown, what: string): ReadRecipe {
  const parsed = recipeSchema.safeParse(recipe);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
    );
    throw new VedetteError('RECIPE_INVALID', `recipe of ${what}: ${problems.join('; ')}`, {
      details: { problems },
    });
  }
  const { data } = parsed;
  const manifests = (data.manifests ?? []).map(({ platform, artifacts }) => ({
    platform: platformRule(platform ?? {}),
    artifacts: (artifacts ?? []).map(({ uri, digest }) => ({
      uri,
      fileName: fileNameOf(uri),
      ...(digest ? { sha256: Buffer.from(digest, 'base64').toString('hex') } : {}),
    })),
  }));
  return {
    component: data.componentname,
    version: data.componentversion,
    defaultConfiguration: data.componentconfiguration?.defaultconfiguration,
    manifests,
    artifacts: manifests.flatMap(({ artifacts }) => artifacts),
    facts: {
      type: data.componenttype,
      platforms: manifests.map(({ platform }) => platform),
      dependencies: new Map(
        Object.entries(data.componentdependencies ?? {}).map(([name, wish]) => [
          name,
          { range: wish.versionrequirement, isSoft: wish.dependencytype?.toUpperCase() === 'SOFT' },
        ]),
      ),
    },
  };
}

/** Attributes of Greengrass' own in any case; those that devices make up as they are written. */
const platformRule = (written: PlatformRule): PlatformRule =>
  Object.fromEntries(
    Object.entries(written).map(([key, value]) => {
      const lower = key.toLowerCase();
      return [OWN_ATTRIBUTES.has(lower) ? lower : key, value];
    }),
  );

/** @throws VedetteError RECIPE_INVALID */
export const versionFacts = (
  recipe: unknown,
  tags: Readonly<Record<string, string>>,
  what: string,
): VersionFacts => ({ ...readRecipe(recipe, what).facts, needs: needsOfTags(tags) });

/**
 * sha256 of a recipe of anybody: the same for the same words, wherever its artifacts lie and whether
 * Greengrass has written their digests into it or not.
 * @param sha256Of of the artifact with this address; `undefined` for one that is no file
 */
export function recipeSha256(
  recipe: unknown,
  sha256Of: (uri: string) => string | undefined,
): string {
  return createHash('sha256')
    .update(JSON.stringify(normal(recipe, sha256Of)))
    .digest('hex');
}

function normal(value: unknown, sha256Of: (uri: string) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((one) => normal(one, sha256Of));
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).map((key) => key.toLowerCase());
  const isArtifact = keys.includes('uri');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isArtifact || !/^(digest|algorithm)$/i.test(key))
      .map(([key, one]: [string, unknown]) => {
        if (!isArtifact || key.toLowerCase() !== 'uri')
          return [key, normal(one, sha256Of)] as const;
        const sha256 = sha256Of(String(one));
        return [
          'uri',
          sha256 === undefined ? one : `${sha256}/${fileNameOf(String(one))}`,
        ] as const;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
