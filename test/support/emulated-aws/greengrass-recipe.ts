/** What CreateComponentVersion says of a recipe that it refuses; checked apart from the product's own code. */
export function recipeFault(text: string): string | undefined {
  if (Buffer.byteLength(text) > 16_384) return 'The recipe is larger than 16 KB';
  let recipe: Record<string, unknown>;
  try {
    recipe = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return 'The recipe is no JSON';
  }
  if (recipe['RecipeFormatVersion'] !== '2020-01-25') return 'RecipeFormatVersion is invalid';
  const { ComponentName: name, ComponentVersion: version, Manifests: manifests } = recipe;
  if (typeof name !== 'string' || !/^[a-zA-Z0-9-_.]{1,128}$/.test(name)) {
    return 'ComponentName is invalid';
  }
  const isVersion = typeof version === 'string' && version.length <= 64;
  if (!isVersion || !/^\d{1,6}\.\d{1,6}\.\d{1,6}(-[\w.-]+)?$/.test(version)) {
    return 'ComponentVersion is invalid';
  }
  if (!Array.isArray(manifests) || manifests.length === 0) return 'Manifests are missing';
  const known = new Set([
    'RecipeFormatVersion',
    'ComponentName',
    'ComponentVersion',
    'ComponentType',
    'ComponentDescription',
    'ComponentPublisher',
    'ComponentSource',
    'ComponentConfiguration',
    'ComponentDependencies',
    'Manifests',
    'Lifecycle',
  ]);
  const unknown = Object.keys(recipe).find((key) => !known.has(key));
  if (unknown !== undefined) return `The recipe has an unknown key ${unknown}`;
  for (const artifact of artifactsOf(recipe)) {
    if (!/^s3:\/\/[^/]+\/.+/.test(artifact.Uri))
      return `The artifact URI ${artifact.Uri} is invalid`;
  }
  return undefined;
}

export interface RecipeArtifact {
  Uri: string;
  Digest?: string;
  Algorithm?: string;
}

/** Every artifact of a recipe, to be changed in place. */
export const artifactsOf = (recipe: Record<string, unknown>): RecipeArtifact[] =>
  (recipe['Manifests'] as { Artifacts?: RecipeArtifact[] }[]).flatMap(
    ({ Artifacts = [] }) => Artifacts,
  );
