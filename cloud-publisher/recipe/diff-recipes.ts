import type { ComponentArtifact } from '../greengrass/component-gateway.ts';
import { valueChanges } from './value-changes.ts';

/** A version with what lies behind the addresses of its artifacts. */
export interface RecipeVersion {
  readonly version: string;
  readonly recipe: unknown;
  readonly artifacts: readonly ComponentArtifact[];
}

/**
 * How a second version of a component differs from a first, one sentence a line; none but the version
 * when they are the same. Addresses and digests in recipes are left out: artifacts are compared by
 * their content.
 */
export function diffRecipes(before: RecipeVersion, after: RecipeVersion): string[] {
  const [one, other] = [withoutPlaces(before.recipe), withoutPlaces(after.recipe)] as const;
  const lines = [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((key) => key.toLowerCase() !== 'componentversion')
    .sort()
    .flatMap((key) => sectionChanges(key, one[key], other[key]));
  return [...lines, ...artifactChanges(before.artifacts, after.artifacts)];
}

function sectionChanges(key: string, before: unknown, after: unknown): string[] {
  if (!Array.isArray(before) || !Array.isArray(after)) return valueChanges(key, before, after);
  // Manifests by their place, so that a changed script is shown and not the whole list.
  const count = Math.max(before.length, after.length);
  return Array.from({ length: count }, (_, index) =>
    valueChanges(`${key}.${index}`, before[index], after[index]),
  ).flat();
}

function artifactChanges(
  before: readonly ComponentArtifact[],
  after: readonly ComponentArtifact[],
): string[] {
  const sums = (all: readonly ComponentArtifact[]) =>
    new Map(all.map(({ fileName, sha256, uri }) => [fileName, sha256 ?? uri]));
  const [one, other] = [sums(before), sums(after)];
  return [...new Set([...one.keys(), ...other.keys()])].sort().flatMap((name) => {
    if (!one.has(name)) return [`artifact ${name} is added`];
    if (!other.has(name)) return [`artifact ${name} is removed`];
    return one.get(name) === other.get(name)
      ? []
      : [`artifact ${name} has other content: ${one.get(name)} → ${other.get(name)}`];
  });
}

function withoutPlaces(recipe: unknown): Record<string, unknown> {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !/^(uri|digest|algorithm)$/i.test(key))
        .map(([key, one]) => [key, walk(one)]),
    );
  };
  return walk(recipe) as Record<string, unknown>;
}
