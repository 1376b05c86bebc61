import { VedetteError } from '../../component/contract/errors.ts';
import { MAX_RECIPE_BYTES, recipeSchema } from './recipe-schema.ts';
import type { Recipe } from './recipe-schema.ts';

/** Places of the template that nobody filled in, and keys that only templates have. */
const LEFT_OVER = /<<[a-zA-Z]*>>/;

/** Everything for which Greengrass, or a device, would refuse a recipe. */
export function recipeProblems(recipe: unknown): string[] {
  const parsed = recipeSchema.safeParse(recipe);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
  const json = JSON.stringify(recipe) ?? '';
  const byteLength = Buffer.byteLength(json);
  if (byteLength > MAX_RECIPE_BYTES) {
    problems.push(
      `the recipe has ${byteLength} bytes as JSON, at most ${MAX_RECIPE_BYTES} are taken`,
    );
  }
  const left = LEFT_OVER.exec(json)?.[0];
  if (left !== undefined) problems.push(`the recipe still holds ${left}`);
  if (parsed.success) problems.push(...manifestProblems(parsed.data));
  return problems;
}

function manifestProblems({
  ComponentName,
  ComponentDependencies = {},
  Manifests,
}: Recipe): string[] {
  const problems: string[] = [];
  if (ComponentName in ComponentDependencies) {
    problems.push(`ComponentDependencies: ${ComponentName} depends on itself`);
  }
  const platforms = new Set<string>();
  for (const [index, { Platform, Artifacts }] of Manifests.entries()) {
    const platform = JSON.stringify(
      Object.entries(Platform).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    if (platforms.has(platform)) {
      problems.push(`Manifests.${index}.Platform: a manifest before it takes the same machines`);
    }
    platforms.add(platform);
    const names = Artifacts.map(({ Uri }) => Uri.split('/').at(-1) ?? '');
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      problems.push(`Manifests.${index}.Artifacts: two are called ${twice}`);
    }
  }
  return problems;
}

/** @throws VedetteError RECIPE_INVALID with every problem */
export function checkRecipe(recipe: unknown): Recipe {
  const problems = recipeProblems(recipe);
  if (problems.length === 0) return recipeSchema.parse(recipe);
  const list = problems.map((problem) => `\n  - ${problem}`).join('');
  throw new VedetteError('RECIPE_INVALID', `the recipe has ${problems.length} problems:${list}`, {
    details: { problems },
  });
}
