import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { CONTENT_TAG } from '../recipe/recipe-content.ts';
import { recipeSha256 } from '../recipe/read-recipe.ts';
import type { LockedComponent } from './bundle-schema.ts';

/** What a version is, as digests: two with the same are the same to a device. */
export type Digests = Pick<LockedComponent, 'recipeSha256' | 'contentSha256' | 'artifacts'>;

/** @throws VedetteError COMPONENT_NOT_FOUND, RECIPE_INVALID */
export async function digestsOf(
  component: string,
  version: string,
  gateway: ComponentGateway,
): Promise<Digests> {
  const { recipe } = await gateway.details(component, version);
  const artifacts = await gateway.artifacts(component, version);
  const found = await gateway.find(component, version);
  const sums = new Map(artifacts.map(({ uri, sha256 }) => [uri, sha256]));
  const contentSha256 = found?.tags[CONTENT_TAG];
  return {
    recipeSha256: recipeSha256(recipe, (uri) => sums.get(uri)),
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
    artifacts: artifacts.map(({ fileName, sha256 }) => ({
      fileName,
      ...(sha256 === undefined ? {} : { sha256 }),
    })),
  };
}

/** How a version differs from what was locked; none when it is the same. */
export function differences(locked: Digests, found: Digests): string[] {
  const problems: string[] = [];
  // Greengrass may give a recipe back in other words; whoever published it wrote its content down.
  const isSameContent =
    locked.recipeSha256 === found.recipeSha256 ||
    (locked.contentSha256 !== undefined && locked.contentSha256 === found.contentSha256);
  if (!isSameContent) problems.push('its content is another than the one that was locked');
  const sums = new Map(found.artifacts.map(({ fileName, sha256 }) => [fileName, sha256]));
  for (const { fileName, sha256 } of locked.artifacts) {
    if (!sums.has(fileName)) problems.push(`${fileName} is missing`);
    else if (sums.get(fileName) !== sha256) {
      problems.push(`${fileName} has the sha256 ${sums.get(fileName)}, locked was ${sha256}`);
    }
  }
  return problems;
}
