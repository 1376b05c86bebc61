import { z } from 'zod';

/** Of all artifacts of a component version together. */
export const MAX_ARTIFACT_BYTES = 2_000_000_000;
/** Of a recipe as JSON, in UTF-8. */
export const MAX_RECIPE_BYTES = 16_000;

export const componentNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9-_.]+$/, 'letters, digits, dots, _ and -')
  .max(128, 'at most 128 characters');

const NUMBER = '(0|[1-9]\\d{0,5})';

/** Build metadata is left out: it would stand in ARNs and keys. */
export const componentVersionSchema = z
  .string()
  .regex(
    new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(-[0-9A-Za-z.-]+)?$`),
    'a semantic version without build metadata, each number at most 999999',
  )
  .max(64, 'at most 64 characters');

/** npm's ranges as far as recipes use them: comparators joined by blanks, alternatives by ||. */
const RANGE = /^\s*([~^]|[<>]=?|=)?\s*v?(\d+|[x*])(\.(\d+|[x*])){0,2}(-[\w.]+)?\s*/;

function isRange(text: string): boolean {
  return text.split('||').every((alternative) => {
    let rest = alternative.trim();
    if (rest === '' || rest === '*') return true;
    while (rest !== '') {
      const match = RANGE.exec(rest);
      if (!match) return false;
      rest = rest.slice(match[0].length);
    }
    return true;
  });
}

const text = (max: number) => z.string().max(max);

const artifactSchema = z.strictObject({
  Uri: z
    .string()
    .regex(
      /^(s3:\/\/[^/\s]+\/\S+|docker:\S+|greengrass:\S+)$/,
      's3://bucket/key, docker:… or greengrass:…',
    )
    .max(2048),
  Digest: z.string().optional(),
  Algorithm: z.literal('SHA-256').optional(),
  Unarchive: z.enum(['NONE', 'ZIP']).optional(),
  Permission: z
    .strictObject({
      Read: z.enum(['NONE', 'OWNER', 'ALL']).optional(),
      Execute: z.enum(['NONE', 'OWNER', 'ALL']).optional(),
    })
    .optional(),
});

/** A step is a script, or a script with its settings; classic reads their names in any case. */
const stepSchema = z.union([z.string().min(1), z.looseObject({ Script: z.string().min(1) })]);

const lifecycleSchema = z.record(z.string(), z.unknown()).superRefine((lifecycle, context) => {
  const steps = new Map(
    Object.entries(lifecycle).map(([key, value]) => [key.toLowerCase(), value]),
  );
  const known = ['setenv', 'bootstrap', 'install', 'startup', 'run', 'shutdown', 'recover'];
  for (const [key, value] of steps) {
    if (!known.includes(key)) {
      context.addIssue({ code: 'custom', message: `'${key}' is no step`, path: [key] });
    } else if (key !== 'setenv' && !stepSchema.safeParse(value).success) {
      context.addIssue({ code: 'custom', message: 'expected a script', path: [key] });
    }
  }
  if (steps.has('startup') && steps.has('run')) {
    context.addIssue({ code: 'custom', message: 'has startup and run, only one is possible' });
  }
});

const manifestSchema = z.strictObject({
  Name: text(128).optional(),
  Platform: z.looseObject({
    os: z.enum(['linux', 'windows', 'darwin', '*']).optional(),
    architecture: z.enum(['amd64', 'aarch64', 'arm', 'x86', '*']).optional(),
    runtime: z.enum(['*', 'aws_nucleus_lite']).optional(),
  }),
  Lifecycle: lifecycleSchema,
  Selections: z.array(z.string()).optional(),
  Artifacts: z.array(artifactSchema).max(100).default([]),
});

/** A component recipe, format 2020-01-25, with the limits that Greengrass sets. */
export const recipeSchema = z.strictObject({
  RecipeFormatVersion: z.literal('2020-01-25'),
  ComponentName: componentNameSchema,
  ComponentVersion: componentVersionSchema,
  ComponentType: z.enum([
    'aws.greengrass.generic',
    'aws.greengrass.plugin',
    'aws.greengrass.nucleus',
    'aws.greengrass.lambda',
  ]),
  ComponentDescription: text(2000).optional(),
  ComponentPublisher: text(256).optional(),
  ComponentSource: z.string().optional(),
  ComponentConfiguration: z
    .strictObject({ DefaultConfiguration: z.record(z.string(), z.unknown()) })
    .optional(),
  ComponentDependencies: z
    .record(
      componentNameSchema,
      z.strictObject({
        VersionRequirement: z.string().refine(isRange, 'a range of versions such as ^1.0.0'),
        DependencyType: z.enum(['HARD', 'SOFT']).optional(),
      }),
    )
    .optional(),
  Manifests: z.array(manifestSchema).min(1),
  Lifecycle: z.record(z.string(), z.unknown()).optional(),
});

export type Recipe = z.infer<typeof recipeSchema>;
