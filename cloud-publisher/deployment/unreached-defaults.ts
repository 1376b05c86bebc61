import { isDeepStrictEqual } from 'node:util';
import { VedetteError } from '../../component/contract/errors.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import { UNREADABLE } from './download-sizes.ts';
import type { PlannedStep } from './rollout.ts';

/**
 * Defaults that a new version changes and that devices do not get, because they keep what they have and
 * nothing resets it: one sentence for each component. `accessControl` is among them.
 */
export async function unreachedDefaults(
  steps: readonly PlannedStep[],
  doors: Pick<FleetDoors, 'components'>,
): Promise<string[]> {
  const sentences = new Set<string>();
  for (const { component, kind, from, to, reset } of steps.flatMap(({ changes }) => changes)) {
    if (kind !== 'changed' || from === undefined || to === undefined) continue;
    const [before, after] = await Promise.all([
      defaultsOf(component, from, doors),
      defaultsOf(component, to, doors),
    ]);
    if (!before || !after) continue;
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => !isDeepStrictEqual(before[key], after[key]),
    );
    const missing = keys
      .map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .filter((pointer) => !reset.includes('') && !reset.includes(pointer));
    if (missing.length === 0) continue;
    sentences.add(
      `${component} ${to} has other defaults than ${from} at ${missing.join(', ')}: devices keep what they have unless these are reset`,
    );
  }
  return [...sentences];
}

/** Nothing for a recipe that is not ours to read, or that cannot be read. */
async function defaultsOf(
  component: string,
  version: string,
  { components }: Pick<FleetDoors, 'components'>,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const recipe = await components.recipe(component, version);
    return readRecipe(recipe, `${component} ${version}`).defaultConfiguration ?? {};
  } catch (error) {
    const code = error instanceof VedetteError ? error.code : 'INTERNAL';
    if (UNREADABLE.has(code)) return undefined;
    throw error;
  }
}
